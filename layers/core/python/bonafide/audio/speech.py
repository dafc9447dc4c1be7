"""Selection of the samples that are speech by speech probabilities."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

WINDOW_SECONDS = 0.032
ENTER = 0.5
LEAVE = 0.35
SHORTEST_SPEECH = 8
LONGEST_PAUSE = 3
MARGIN = 1
SURROUNDINGS = 16


def speech_windows(probabilities: NDArray[np.float32]) -> Mask:
    """Decides for each window whether it is speech.

    Speech begins at ENTER and lasts until LEAVE (hysteresis). Pauses of up to LONGEST_PAUSE windows belong to the
    speech around them, speech of fewer than SHORTEST_SPEECH windows is a noise, and MARGIN windows on both sides are
    kept.

    Args:
        probabilities: shape (windows,), one each WINDOW_SECONDS.

    Returns:
        Shape (windows,).
    """
    speech = _hysteresis(probabilities)
    speech = ~without_short_runs(~speech, LONGEST_PAUSE + 1)
    speech = without_short_runs(speech, SHORTEST_SPEECH)
    return _widened(speech, MARGIN)


def with_surroundings(windows: Mask) -> Mask:
    """Adds SURROUNDINGS windows on both sides of all speech, shape (windows,): short pauses are whole again.

    The speaker network was trained on speech with its pauses; short recordings without them are told apart worse.
    """
    return _widened(windows, SURROUNDINGS)


def sample_mask(windows: Mask, samples: int, rate: int) -> Mask:
    """Spreads a mask over windows to one over samples, shape (samples,)."""
    return np.repeat(windows, round(WINDOW_SECONDS * rate))[:samples]


def _widened(mask: Mask, windows: int) -> Mask:
    padded = np.pad(mask, windows)
    widened: Mask = np.logical_or.reduce([padded[shift:][: len(mask)] for shift in range(2 * windows + 1)])
    return widened


def _hysteresis(probabilities: NDArray[np.float32]) -> Mask:
    decided = np.flatnonzero((probabilities >= ENTER) | (probabilities < LEAVE))
    last = np.searchsorted(decided, np.arange(len(probabilities)), side="right") - 1
    if not len(decided):
        return np.zeros(len(probabilities), dtype=np.bool_)
    entered = probabilities[decided[np.maximum(last, 0)]] >= ENTER
    speech: Mask = entered & (last >= 0)
    return speech


def without_short_runs(mask: Mask, shortest: int) -> Mask:
    """Returns a mask, shape (n,), without its runs of fewer than `shortest`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    starts, ends = edges[::2], edges[1::2]
    kept = np.zeros_like(mask)
    for start, end in zip(starts, ends, strict=True):
        kept[start:end] = end - start >= shortest
    return kept
