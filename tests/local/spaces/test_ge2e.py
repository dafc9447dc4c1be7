"""The other network's graph against the same network written out in numpy, on the package's own weights."""

import io
import pickle
from collections.abc import Mapping

import numpy as np
import onnxruntime
import pytest

from layers.model.weights import LEGACY_MAGIC, LEGACY_VERSION, Tensor, read_legacy_checkpoint
from layers.packages import CACHE, RESEMBLYZER
from local.spaces.build import read_weights
from local.spaces.ge2e import BINS, ge2e, mel_matrix

# 16 MB that nothing else needs: it is there after `make rehearse-migration`.
FETCHED = (CACHE / RESEMBLYZER.file).exists()


@pytest.mark.skipif(not FETCHED, reason="the package is not in the cache")
@pytest.mark.parametrize("seconds", [2.4])
def test_the_graph_computes_the_published_network(seconds: float) -> None:
    weights = read_weights()
    samples = np.random.default_rng(1).standard_normal(round(seconds * 16000)).astype(np.float32) * np.float32(0.01)
    session = onnxruntime.InferenceSession(ge2e(weights).SerializeToString())
    (found,) = session.run(None, {"samples": samples, "rate": np.array(16000)})
    assert np.allclose(found, embedded(samples, weights), atol=2e-6)
    (narrowband,) = session.run(None, {"samples": samples, "rate": np.array(8000)})
    assert np.linalg.norm(narrowband) == pytest.approx(1, abs=1e-5)


def embedded(samples: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The network of resemblyzer, step by step: loudness, mel spectrogram, windows, recurrent layers, mean."""
    rms = np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
    loud = samples * max(1.0, 10**-1.5 / rms)
    frames = -(-(len(samples) + 1) // 160)
    starts = list(range(0, max(1, frames - 160 + 77 + 1), 77))
    if len(starts) > 1 and (len(samples) - starts[-1] * 160) / 25600 < 0.75:
        starts.pop()
    padded = np.pad(loud, (200, max(0, (starts[-1] + 160) * 160 - len(loud)) + 200))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    rows = [padded[160 * index : 160 * index + 400] * hann for index in range(starts[-1] + 160)]
    mel = np.square(np.abs(np.fft.rfft(rows))) @ mel_matrix().T
    units = [_unit(np.maximum(_state(mel[start : start + 160], weights), 0)) for start in starts]
    return _unit(np.mean(units, axis=0)).astype(np.float32)


def _state(rows: np.ndarray, weights: Mapping[str, Tensor]) -> np.ndarray:
    for layer in range(3):
        w, u, b, c = (weights[f"lstm.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        hidden, cell, states = np.zeros(256), np.zeros(256), []
        for row in rows:
            entry, forget, new, out = np.split(w @ row + b + u @ hidden + c, 4)
            cell = _sigmoid(forget) * cell + _sigmoid(entry) * np.tanh(new)
            hidden = _sigmoid(out) * np.tanh(cell)
            states.append(hidden)
        rows = np.stack(states)
    last: np.ndarray = weights["linear.weight"] @ rows[-1] + weights["linear.bias"]
    return last


def _sigmoid(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-values))
    return result


def _unit(vector: np.ndarray) -> np.ndarray:
    result: np.ndarray = vector / np.linalg.norm(vector)
    return result


def test_each_mel_bin_has_the_same_area() -> None:
    areas = mel_matrix().sum(axis=1)
    assert mel_matrix().shape == (BINS, 201)
    # Narrow triangles meet few bins of the spectrum.
    assert np.allclose(areas[15:], np.mean(areas[15:]), rtol=0.1)


@pytest.mark.parametrize("pickles", [[1, LEGACY_VERSION, {}], [LEGACY_MAGIC, LEGACY_VERSION, {}, {"model": print}]])
def test_a_file_that_is_no_old_checkpoint_of_plain_tensors_is_refused(pickles: list[object]) -> None:
    with pytest.raises(pickle.UnpicklingError):
        read_legacy_checkpoint(io.BytesIO(b"".join(map(pickle.dumps, pickles))), "model")
