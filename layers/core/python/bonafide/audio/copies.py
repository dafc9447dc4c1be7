"""Copies: whether a recording, or a part of it, is in other recordings or repeats itself, by their fingerprints.

Windows of a recording are correlated with every position in the others. The correlation that tells a copy depends on
how much speech a window holds: the same word said again is alike for a fraction of a second, never for seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.fingerprint import BANDS, FRAME_SECONDS, Fingerprint

_THINNED = 2  # of the known recordings every second frame is enough; the other recording is tried at both phases
THINNED_SECONDS = _THINNED * FRAME_SECONDS
_BLOCK = 37  # frames of them, 1.5 s
_SPANS = (2, 4, 8)  # blocks in a window
_SLAB = 2048  # positions at a time, so that memory stays bounded
# Correlations from which on a window with so many seconds of speech is a copy; in between they are interpolated.
# Chosen by `training/evaluation/replayed`: decision 0027.
_SPEECH_SECONDS = (0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 4.5, 6.0, 8.0, 12.0)
_CORRELATION = (0.96, 0.92, 0.87, 0.83, 0.80, 0.79, 0.68, 0.64, 0.53, 0.48)
# What repeats within a recording does so after at least half a second.
_SHORTEST_LOOP = 12
# A window that lies half outside the other recording is a weaker proof.
_LEAST_ENERGY = 0.5
# Between recordings, so that no window reaches from one into another.
_GAP = np.zeros((_SPANS[-1] * _BLOCK, BANDS), np.int8)


@dataclass(frozen=True, slots=True)
class _Recording:
    """A recording that is looked for, at several phases, in blocks.

    Attributes:
        blocks: shape (phases, blocks, _BLOCK * BANDS).
        seconds: of speech in each block, shape (phases, blocks).
        energy: of each block, shape (phases, blocks).
        frames: in the whole recording; the rest of the last block is empty.
    """

    blocks: NDArray[np.float32]
    seconds: NDArray[np.float32]
    energy: NDArray[np.float32]
    frames: int

    @classmethod
    def of(cls, cells: NDArray[np.int8]) -> Self:
        """Cuts cells, shape (frames, BANDS), into blocks."""
        phases = [cells[phase::_THINNED] for phase in range(_THINNED)]
        frames = len(phases[0])
        length = max(_SPANS[0], -(-frames // _BLOCK)) * _BLOCK
        padded = np.stack([np.pad(each, ((0, length - len(each)), (0, 0))) for each in phases])
        blocks = padded.reshape(_THINNED, -1, _BLOCK, BANDS).astype(np.float32)
        seconds = np.count_nonzero(blocks.any(axis=3), axis=2) * THINNED_SECONDS
        energy = np.sum(np.square(blocks), axis=(2, 3))
        return cls(blocks.reshape(*blocks.shape[:2], -1), np.asarray(seconds, np.float32), energy, frames)


def thinned(fingerprint: Fingerprint) -> Fingerprint:
    """Returns what is kept of a fingerprint for later comparisons: every second frame."""
    return Fingerprint(fingerprint.cells[::_THINNED])


def copied(recording: Fingerprint, known: Sequence[Fingerprint]) -> bool:
    """Tells whether a part of the recording, forwards or backwards, is in one of the known ones, which are thinned."""
    long = np.concatenate([_GAP, *(part for each in known for part in (each.cells, _GAP))])
    return any(
        bool(np.any(excess >= 0))
        for cells in (recording.cells, recording.cells[::-1])
        for excess in _excesses(_Recording.of(cells), long)
    )


def looped(recording: Fingerprint) -> bool:
    """Tells whether a part of the recording is repeated in it exactly, which nobody can do by speaking."""
    long = np.concatenate([_GAP, recording.cells[::_THINNED], _GAP])
    for excess in _excesses(_Recording.of(recording.cells), long):
        own = len(_GAP) + _BLOCK * np.arange(excess.shape[1])[:, None]
        elsewhere = np.abs(np.arange(excess.shape[2]) - own) >= _SHORTEST_LOOP
        if np.any(excess[:, elsewhere] >= 0):
            return True
    return False


def _excesses(recording: _Recording, long: NDArray[np.int8]) -> Iterator[NDArray[np.float32]]:
    """Yields how far the correlation of each window at each position is above what tells a copy, for each span.

    Shape (phases, windows, positions); below 0 where that is not reached.
    """
    alike = _correlated(recording.blocks, long.astype(np.float32))
    total = np.concatenate([[0.0], np.cumsum(np.sum(np.square(long, dtype=np.float32), axis=1))])
    count = recording.blocks.shape[1]
    for span in _SPANS:
        if span <= count:
            yield _excess(recording, alike, total, span)


def _excess(
    recording: _Recording, alike: NDArray[np.float32], total: NDArray[np.float64], span: int
) -> NDArray[np.float32]:
    """Returns the excess for windows of so many blocks."""
    windows = recording.blocks.shape[1] - span + 1
    positions = alike.shape[2] - _BLOCK * (span - 1)
    shifts = [(each, _BLOCK * each) for each in range(span)]
    # Block by block: all of them beside each other would take as many times the memory of a session's audio.
    both = np.zeros((alike.shape[0], windows, positions), np.float32)
    for block, shift in shifts:
        both += alike[:, block : block + windows, shift : shift + positions]
    seconds = np.sum([recording.seconds[:, block : block + windows] for block, _ in shifts], axis=0)
    own = np.sum([recording.energy[:, block : block + windows] for block, _ in shifts], axis=0)
    frames = np.minimum(recording.frames - _BLOCK * np.arange(windows), _BLOCK * span)
    start = np.arange(positions)
    under = total[start + frames[:, None]] - total[start]
    scale = np.sqrt(np.maximum(under, _LEAST_ENERGY * own[:, :, None]) * own[:, :, None])
    limit = np.where(seconds < _SPEECH_SECONDS[0], np.inf, np.interp(seconds, _SPEECH_SECONDS, _CORRELATION))
    return np.asarray(both / np.maximum(scale, 1e-6) - limit[:, :, None], np.float32)


def _correlated(blocks: NDArray[np.float32], long: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the product of each block with the frames from each position on, shape (phases, blocks, positions)."""
    views = np.lib.stride_tricks.sliding_window_view(long, _BLOCK, axis=0).transpose(0, 2, 1)
    flat = blocks.reshape(-1, blocks.shape[-1]).T
    slabs = [
        np.ascontiguousarray(views[at : at + _SLAB]).reshape(-1, flat.shape[0]) @ flat
        for at in range(0, len(views), _SLAB)
    ]
    return np.concatenate(slabs).T.reshape(*blocks.shape[:2], -1)
