"""What the tests of the graphs share."""

from collections.abc import Mapping

import onnx
import onnxruntime
import pytest

from layers.model.build import read_speaker, read_vad
from layers.model.plain import plain_speaker
from layers.model.speaker import speaker
from layers.model.vad import vad
from layers.model.weights import Tensor

type Session = onnxruntime.InferenceSession


def opened(model: onnx.ModelProto) -> Session:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


@pytest.fixture(scope="session")
def weights() -> Mapping[str, Tensor]:
    return read_speaker()


@pytest.fixture(scope="session")
def fast(weights: Mapping[str, Tensor]) -> Session:
    return opened(speaker(weights))


@pytest.fixture(scope="session")
def plain(weights: Mapping[str, Tensor]) -> Session:
    return opened(plain_speaker(weights))


@pytest.fixture(scope="session")
def batched_vad() -> Session:
    return opened(vad(read_vad()))


@pytest.fixture(scope="session")
def published_vad() -> Session:
    return opened(read_vad())
