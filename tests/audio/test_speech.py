import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bonafide.audio.speech import (
    LEAVE,
    LONGEST_PAUSE,
    MARGIN,
    SHORTEST_SPEECH,
    SURROUNDINGS,
    sample_mask,
    speech_windows,
    with_surroundings,
)

probabilities = arrays(np.float32, st.integers(0, 200), elements=st.floats(0, 1, width=32, allow_subnormal=False))


def _runs(*parts: tuple[float, int]) -> NDArray[np.float32]:
    return np.concatenate([np.full(count, value, np.float32) for value, count in parts])


@given(probabilities)
def test_each_window_is_decided(values: NDArray[np.float32]) -> None:
    assert speech_windows(values).shape == values.shape


@given(probabilities)
def test_what_is_kept_is_never_shorter_than_the_shortest_speech(values: NDArray[np.float32]) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speech_windows(values).view(np.int8), [0]])))
    assert all(end - start >= SHORTEST_SPEECH for start, end in zip(edges[::2], edges[1::2], strict=True))


@given(probabilities)
def test_without_one_confident_window_there_is_no_speech(values: NDArray[np.float32]) -> None:
    assert not speech_windows(np.minimum(values, np.float32(0.49))).any()


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (_runs((0.9, 20)), 20),
        (_runs((0.0, 20), (0.9, SHORTEST_SPEECH - 1), (0.0, 20)), 0),
        (_runs((0.0, 20), (0.9, SHORTEST_SPEECH), (0.0, 20)), SHORTEST_SPEECH + 2 * MARGIN),
        (_runs((0.9, 20), (0.0, LONGEST_PAUSE), (0.9, 20)), 40 + LONGEST_PAUSE),
        (_runs((0.9, 20), (0.0, LONGEST_PAUSE + 3), (0.9, 20)), 40 + 2 * MARGIN),
        (_runs((0.9, 20), (LEAVE, 50)), 70),
        (_runs((LEAVE, 50), (0.9, 20)), 20 + MARGIN),
        (_runs((0.9, 0)), 0),
    ],
    ids=["speech", "a click", "a word", "a stop", "a pause", "trailing off", "not yet", "nothing"],
)
def test_speech_is_kept_whole_and_noises_are_dropped(values: NDArray[np.float32], kept: int) -> None:
    assert speech_windows(values).sum() == kept


@pytest.mark.parametrize(("pause", "kept"), [(2 * SURROUNDINGS, 2 * SURROUNDINGS), (99, 2 * SURROUNDINGS), (0, 0)])
def test_speech_keeps_the_pauses_within_it_and_the_edges_of_longer_ones(pause: int, kept: int) -> None:
    speech = np.repeat([True, False, True], [20, pause, 20])
    assert with_surroundings(speech).sum() == 40 + kept


def test_silence_surrounds_nothing() -> None:
    assert not with_surroundings(np.zeros(50, np.bool_)).any()


@given(st.integers(1, 40000), st.sampled_from([8000, 16000]))
def test_a_mask_covers_all_samples(samples: int, rate: int) -> None:
    windows = np.ones(-(-samples // round(0.032 * rate)), np.bool_)
    mask = sample_mask(windows, samples, rate)
    assert mask.shape == (samples,)
    assert mask.all()
