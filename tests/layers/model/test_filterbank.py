from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from layers.model.filterbank import double_rate, filterbank
from layers.model.graph import Graph
from layers.model.reference import kaldi_features
from tests.layers.model.conftest import Session, opened
from tests.readings import lasting, reading


@pytest.fixture(scope="module")
def front_end() -> Session:
    return _adapter(filterbank)


@pytest.fixture(scope="module")
def doubler() -> Session:
    return _adapter(double_rate)


def _adapter(part: Any) -> Session:
    graph = Graph()
    signal = graph.op("Reshape", "samples", graph.ints([1, 1, 1, -1]))
    graph.rename(part(graph, signal), "out")
    output = [("out", TensorProto.FLOAT, ("a", "b", "c", "d"))]
    return opened(graph.model("part", [("samples", TensorProto.FLOAT, ("n",))], output))


def _run(session: Session, samples: Any) -> Any:
    return session.run(None, {"samples": samples})[0]


@pytest.mark.parametrize("seconds", [0.25, 1.0, 5.003])
def test_the_front_end_computes_what_kaldi_computes(front_end: Session, seconds: float) -> None:
    samples = lasting(reading(), seconds).samples
    np.testing.assert_allclose(_run(front_end, samples)[0, 0].T, kaldi_features(samples), atol=2e-3)


def test_digital_silence_has_features_of_zero(front_end: Session) -> None:
    np.testing.assert_allclose(_run(front_end, np.zeros(8000, np.float32)), 0.0, atol=1e-5)


def test_a_constant_offset_of_the_converter_leaves_the_features_alone(front_end: Session) -> None:
    samples = reading().samples
    np.testing.assert_allclose(_run(front_end, samples + np.float32(0.05)), _run(front_end, samples), atol=0.05)


def test_doubling_keeps_every_given_sample(doubler: Session) -> None:
    samples = reading().samples
    np.testing.assert_array_equal(_run(doubler, samples).ravel()[::2], samples)


@pytest.mark.parametrize("hertz", [300, 1000, 3400])
def test_doubling_finds_the_samples_between(doubler: Session, hertz: int) -> None:
    fine = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    np.testing.assert_allclose(_run(doubler, fine[::2]).ravel()[200:-200], fine[200:-200], atol=1e-3)
