import numpy as np
import pytest

from bonafide.audio.waveform import Waveform
from layers.model.reference import step_vad
from tests.layers.model.conftest import Session
from tests.readings import call, lasting, reading


def _all_at_once(session: Session, waveform: Waveform) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    inputs = {"samples": waveform.samples, "rate": np.array(waveform.rate, np.int64)}
    probabilities: np.ndarray[tuple[int], np.dtype[np.float32]] = session.run(None, inputs)[0]
    return probabilities


@pytest.mark.parametrize(
    "waveform",
    [reading(), call(), lasting(reading(), 20.0), lasting(call(), 20.0)],
    ids=lambda waveform: f"{waveform.seconds:.0f} s at {waveform.rate}",
)
@pytest.mark.parametrize("fraction", [1.0, 0.777])
def test_one_call_gives_what_stepping_gives(
    batched_vad: Session, published_vad: Session, waveform: Waveform, fraction: float
) -> None:
    part = lasting(waveform, waveform.seconds * fraction)
    stepped = step_vad(published_vad, part.samples, part.rate)
    np.testing.assert_allclose(_all_at_once(batched_vad, part), stepped, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("samples", [1, 255, 256, 257, 511, 512, 513])
def test_a_begun_window_counts_as_one(batched_vad: Session, rate: int, samples: int) -> None:
    window = 512 * rate // 16000
    silence = Waveform(np.zeros(samples, np.float32), rate)
    assert len(_all_at_once(batched_vad, silence)) == -(-samples // window)


def test_readings_are_mostly_speech_and_silence_is_none(batched_vad: Session) -> None:
    assert (_all_at_once(batched_vad, reading()) > 0.5).mean() > 0.7
    assert _all_at_once(batched_vad, Waveform(np.zeros(16000, np.float32), 16000)).max() < 0.2
