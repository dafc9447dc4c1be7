from collections.abc import Callable

import numpy as np
import pytest

from bonafide.audio.speech import WINDOW_SECONDS
from bonafide.audio.waveform import Waveform
from layers.model.reference import step_segments, step_vad
from layers.model.vad import SEGMENT
from tests.layers.model.conftest import Session
from tests.readings import call, lasting, reading


def _all_at_once(session: Session, waveform: Waveform) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    inputs = {"samples": waveform.samples, "rate": np.array(waveform.rate, np.int64)}
    probabilities: np.ndarray[tuple[int], np.dtype[np.float32]] = session.run(None, inputs)[0]
    return probabilities


@pytest.mark.parametrize("spoken", [reading, call], ids=["16 kHz", "8 kHz"])
@pytest.mark.parametrize("seconds", [0.02, 0.7, 3.0, SEGMENT * WINDOW_SECONDS])
def test_up_to_one_segment_one_call_gives_what_stepping_gives(
    batched_vad: Session, published_vad: Session, spoken: Callable[[], Waveform], seconds: float
) -> None:
    part = lasting(spoken(), seconds)
    stepped = step_vad(published_vad, part.samples, part.rate)
    np.testing.assert_allclose(_all_at_once(batched_vad, part), stepped, atol=1e-4)


@pytest.mark.parametrize("spoken", [reading, call], ids=["16 kHz", "8 kHz"])
@pytest.mark.parametrize("seconds", [4.0, 5.9, 6.0, 12.34, 30.0])
def test_beyond_that_it_gives_what_stepping_through_overlapping_segments_gives(
    batched_vad: Session, published_vad: Session, spoken: Callable[[], Waveform], seconds: float
) -> None:
    part = lasting(spoken(), seconds)
    stepped = step_segments(published_vad, part.samples, part.rate)
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


def test_quiet_words_are_found_as_well_after_half_a_minute_as_before(batched_vad: Session) -> None:
    probabilities = _all_at_once(batched_vad, _isolated_words(call()))
    early, late = (half.mean() for half in np.array_split(probabilities > 0.5, 2))
    assert late > 0.8 * early


def _isolated_words(waveform: Waveform) -> Waveform:
    """A word of 0.3 s and a pause of 1 s, forty times, some 45 dB below full scale."""
    size = int(0.3 * waveform.rate)
    starts = np.arange(40) * size % (len(waveform.samples) - size)
    words = np.stack([waveform.samples[start : start + size] for start in starts]) * np.float32(0.05)
    return Waveform(np.pad(words, ((0, 0), (0, waveform.rate))).reshape(-1), waveform.rate)
