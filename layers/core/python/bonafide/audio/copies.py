"""Copies: whether a recording, or a part of it, is in other recordings or repeats itself, by their fingerprints.

Windows of a recording are correlated with every position in the others. The correlation that tells a copy depends on
how much speech a window holds: the same word said again is alike for a fraction of a second, never for seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.fingerprint import BANDS, FRAME_SECONDS, Fingerprint

_THINNED = 2  # of the known recordings every second frame is enough; the other recording is tried at both phases
THINNED_SECONDS = _THINNED * FRAME_SECONDS
_BLOCK = 37  # frames of them: two blocks are a window of 3 s
_SLAB = 2048  # positions at a time, so that memory stays bounded
# Correlations from which on a window with so many seconds of speech is a copy; in between they are interpolated.
# Chosen by `training/evaluation/replayed.py`: decision 0027.
_SPEECH_SECONDS = (0.6, 1.0, 1.5, 2.0, 2.5)
_CORRELATION = (0.93, 0.86, 0.78, 0.72, 0.68)
# What repeats within a recording does so after at least half a second.
_SHORTEST_LOOP = 12
# A window that lies half outside the other recording is a weaker proof.
_LEAST_ENERGY = 0.5


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of a recording: each is a pair of neighboring blocks.

    Attributes:
        blocks: shape (phases, blocks, _BLOCK * BANDS).
        frames: in each window, shape (windows,).
        energy: of each window, shape (phases, windows).
        limit: correlation that tells a copy, shape (phases, windows); infinite with too little speech.
    """

    blocks: NDArray[np.float32]
    frames: NDArray[np.int_]
    energy: NDArray[np.float32]
    limit: NDArray[np.float32]


def thinned(fingerprint: Fingerprint) -> Fingerprint:
    """Returns what is kept of a fingerprint for later comparisons: every second frame."""
    return Fingerprint(fingerprint.cells[::_THINNED])


def copied(recording: Fingerprint, known: Sequence[Fingerprint]) -> bool:
    """Tells whether a part of the recording, forwards or backwards, is in one of the known ones, which are thinned."""
    cells = recording.cells
    forwards = _windows([cells[0::2], cells[1::2]])
    backwards = _windows([cells[::-1][0::2], cells[::-1][1::2]])
    gap = np.zeros((2 * _BLOCK, BANDS), np.int8)
    long = np.concatenate([gap, *(part for each in known for part in (each.cells, gap))])
    return any(bool(np.any(_excess(windows, long) >= 0)) for windows in (forwards, backwards))


def looped(recording: Fingerprint) -> bool:
    """Tells whether a part of the recording is repeated in it exactly, which nobody can do by speaking."""
    windows = _windows([recording.cells[0::2], recording.cells[1::2]])
    gap = np.zeros((2 * _BLOCK, BANDS), np.int8)
    excess = _excess(windows, np.concatenate([gap, recording.cells[::_THINNED], gap]))
    positions = np.arange(excess.shape[-1])
    own = len(gap) + _BLOCK * np.arange(excess.shape[1])[:, None]
    return bool(np.any(excess[:, np.abs(positions - own) >= _SHORTEST_LOOP] >= 0))


def _windows(phases: Sequence[NDArray[np.int8]]) -> _Windows:
    length = max(2, *(-(-len(each) // _BLOCK) for each in phases)) * _BLOCK
    padded = np.stack([np.pad(each, ((0, length - len(each)), (0, 0))) for each in phases])
    blocks = padded.reshape(len(phases), -1, _BLOCK, BANDS)
    spoken = np.count_nonzero(blocks.any(axis=3), axis=2) * THINNED_SECONDS
    energy = np.sum(np.square(blocks, dtype=np.float32), axis=(2, 3))
    seconds = spoken[:, :-1] + spoken[:, 1:]
    limit = np.where(seconds < _SPEECH_SECONDS[0], np.inf, np.interp(seconds, _SPEECH_SECONDS, _CORRELATION))
    used = max(len(each) for each in phases) - _BLOCK * np.arange(blocks.shape[1] - 1)
    return _Windows(
        blocks=blocks.reshape(len(phases), blocks.shape[1], -1).astype(np.float32),
        frames=np.minimum(used, 2 * _BLOCK),
        energy=np.asarray(energy[:, :-1] + energy[:, 1:], np.float32),
        limit=np.asarray(limit, np.float32),
    )


def _excess(windows: _Windows, long: NDArray[np.int8]) -> NDArray[np.float32]:
    """Returns how far the correlation of each window at each position is above what tells a copy.

    Shape (phases, windows, positions); never above 0 where that is not reached.
    """
    alike = _correlated(windows.blocks, long.astype(np.float32))
    pairs = alike[:, :-1, :-_BLOCK] + alike[:, 1:, _BLOCK:]
    positions = np.arange(pairs.shape[-1])
    total = np.concatenate([[0.0], np.cumsum(np.sum(np.square(long, dtype=np.float32), axis=1))])
    under = total[positions + windows.frames[:, None]] - total[positions]
    own = windows.energy[:, :, None]
    scale = np.sqrt(np.maximum(under, _LEAST_ENERGY * own) * own)
    return np.asarray(pairs / np.maximum(scale, 1e-6) - windows.limit[:, :, None], np.float32)


def _correlated(blocks: NDArray[np.float32], long: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the product of each block with the frames from each position on, shape (phases, blocks, positions)."""
    views = np.lib.stride_tricks.sliding_window_view(long, _BLOCK, axis=0).transpose(0, 2, 1)
    flat = blocks.reshape(-1, blocks.shape[-1]).T
    slabs = [
        np.ascontiguousarray(views[at : at + _SLAB]).reshape(-1, flat.shape[0]) @ flat
        for at in range(0, len(views), _SLAB)
    ]
    return np.concatenate(slabs).T.reshape(*blocks.shape[:2], -1)
