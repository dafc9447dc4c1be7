"""Copies: whether a recording, or a part of it, is in other recordings or repeats itself, by their fingerprints.

Windows of a recording are correlated with every position in the others. The correlation that tells a copy depends on
how much speech a window holds: the same word said again is alike for a fraction of a second, never for seconds.

The others are gone through in slabs of one size, so that memory hardly grows with their number, and at most so many
seconds of each side are compared. Frames in which nobody speaks cost nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.fingerprint import BANDS, FRAME_SECONDS, Cells, Fingerprint

# What is compared at most: of the recording that is looked for its newest seconds, of the known ones the first.
MOST_SOUGHT_SECONDS, MOST_KNOWN_SECONDS = 300.0, 1200.0
_THINNED = 2  # of the known recordings every second frame is enough; the other recording is tried at both phases
THINNED_SECONDS = _THINNED * FRAME_SECONDS
_BLOCK = 37  # frames of them, 1.5 s
_SPANS = (2, 4, 8)  # blocks in a window
_SLAB = 1024  # positions at a time
# Correlations from which on a window with so many seconds of speech is a copy; in between they are interpolated.
# Chosen by `training/evaluation/replayed`: decision 0027.
_SPEECH_SECONDS = (0.6, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.2, 4.5, 6.0, 8.0, 12.0)
_CORRELATION = (0.96, 0.92, 0.90, 0.88, 0.85, 0.83, 0.80, 0.79, 0.70, 0.66, 0.55, 0.50)
# What repeats within a recording does so after at least half a second.
_SHORTEST_LOOP = 12
# A window that lies half outside the other recording is a weaker proof.
_LEAST_ENERGY = 0.5
_SMALLEST = np.float32(1e-3)  # product; without speech it is 0
_REACH = _SPANS[-1] * _BLOCK  # frames of the longest window
# Between recordings, so that no window reaches from one into another.
_GAP = np.zeros((_REACH, BANDS), np.int8)

type Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Recording:
    """A recording that is looked for, at several phases and perhaps in both directions, in blocks.

    Attributes:
        blocks: shape (tries, blocks, _BLOCK * BANDS); a try for each phase and direction.
        seconds: of speech in each block, shape (tries, blocks).
        energy: of each block, shape (tries, blocks).
        frames: in the whole recording; the rest of the last block is empty.
    """

    blocks: Numbers
    seconds: Numbers
    energy: Numbers
    frames: int

    @classmethod
    def of(cls, *directions: Cells) -> Self:
        """Cuts the cells of a recording, shape (frames, BANDS) in each direction, into blocks."""
        tries = [cells[phase::_THINNED] for cells in directions for phase in range(_THINNED)]
        frames = len(tries[0])
        # The longest window holds all of a short recording, which a shorter one may cut.
        length = max(_SPANS[-1], -(-frames // _BLOCK)) * _BLOCK
        padded = np.stack([np.pad(each, ((0, length - len(each)), (0, 0))) for each in tries])
        blocks = padded.reshape(len(tries), -1, _BLOCK, BANDS).astype(np.float32)
        seconds = np.count_nonzero(blocks.any(axis=3), axis=2) * np.float32(THINNED_SECONDS)
        energy = np.sum(np.square(blocks), axis=(2, 3))
        return cls(blocks.reshape(*blocks.shape[:2], -1), seconds, energy, frames)

    def windows(self, span: int) -> "_Windows":
        """Returns its windows of so many blocks."""
        seconds, energy = (_summed(each, span) for each in (self.seconds, self.energy))
        limit = np.where(seconds < _SPEECH_SECONDS[0], np.inf, np.interp(seconds, _SPEECH_SECONDS, _CORRELATION))
        starts = _BLOCK * np.arange(seconds.shape[1])
        return _Windows(limit.astype(np.float32), energy, np.minimum(self.frames - starts, _BLOCK * span))


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of one length of a recording that is looked for.

    Attributes:
        limit: correlation that tells a copy, shape (tries, windows); infinite with too little speech.
        energy: shape (tries, windows).
        frames: in each, shape (windows,).
    """

    limit: Numbers
    energy: Numbers
    frames: NDArray[np.int64]

    def hits(self, products: Numbers, total: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns windows and positions at which they are copies.

        Args:
            products: of each window with the frames from each position on, shape (tries, windows, positions).
            total: energy of all frames before each, shape (frames + 1,).
        """
        lowest = self.limit * np.where(np.isinf(self.limit), 1, self.energy) * np.float32(np.sqrt(_LEAST_ENERGY))
        # Nearly all are far below what is needed at least, and done with here.
        tries, windows, positions = np.nonzero(products >= np.maximum(lowest, _SMALLEST)[:, :, None])
        own = self.energy[tries, windows]
        under = total[positions + self.frames[windows]] - total[positions]
        needed = self.limit[tries, windows] * np.sqrt(np.maximum(under, _LEAST_ENERGY * own) * own)
        found = products[tries, windows, positions] >= needed
        return windows[found], positions[found]


def thinned(fingerprint: Fingerprint) -> Fingerprint:
    """Returns what is kept of a fingerprint for later comparisons: every second frame."""
    return Fingerprint(fingerprint.cells[::_THINNED])


def copied(recording: Fingerprint, known: Sequence[Fingerprint]) -> bool:
    """Tells whether a part of the recording, forwards or backwards, is in one of the known ones, which are thinned.

    Of each side at most so many seconds count as the bounds above say.
    """
    cells = recording.newest(MOST_SOUGHT_SECONDS).cells
    compared = known[: count_compared(known)]
    long = np.concatenate([part for each in compared for part in (each.cells, _GAP)] or [_GAP])
    return any(len(windows) for windows, _ in _hits(_Recording.of(cells, cells[::-1]), long))


def count_compared(known: Sequence[Fingerprint]) -> int:
    """Returns how many of the known recordings are compared, the first ones."""
    ends = accumulate(len(each.cells) * THINNED_SECONDS for each in known)
    return sum(end <= MOST_KNOWN_SECONDS for end in ends)


def looped(recording: Fingerprint) -> bool:
    """Tells whether a part of the recording is repeated in it exactly, which nobody can do by speaking."""
    cells = recording.newest(MOST_SOUGHT_SECONDS).cells
    return any(
        bool(np.any(np.abs(positions - _BLOCK * windows) >= _SHORTEST_LOOP))
        for windows, positions in _hits(_Recording.of(cells), np.concatenate([cells[::_THINNED], _GAP]))
    )


def _hits(recording: _Recording, long: Cells) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yields windows of the recording that are found, and their positions in the long one, which ends with a gap."""
    spans = {span: recording.windows(span) for span in _SPANS}
    for start in range(-_REACH, len(long) - _REACH, _SLAB):
        slab = _slab(long, start)
        total = np.concatenate([[0.0], np.cumsum(np.sum(np.square(slab), axis=1, dtype=np.float64))])
        products = _products(recording.blocks, slab)
        for span, windows in spans.items():
            products = _doubled(products, span)
            found, positions = windows.hits(products[:, :, :_SLAB], total)
            yield found, positions + start


def _slab(long: Cells, start: int) -> Numbers:
    """Returns the frames that windows at _SLAB positions from `start` on reach, shape (_SLAB + _REACH, BANDS)."""
    part = long[max(start, 0) : start + _SLAB + _REACH].astype(np.float32)
    before = max(-start, 0)
    return np.pad(part, ((before, _SLAB + _REACH - before - len(part)), (0, 0)))


def _products(blocks: Numbers, slab: Numbers) -> Numbers:
    """Returns the product of each block with the frames from each position on, shape (tries, blocks, positions)."""
    views = np.lib.stride_tricks.sliding_window_view(slab, _BLOCK, axis=0).transpose(0, 2, 1)
    heard = np.lib.stride_tricks.sliding_window_view(slab.any(axis=1), _BLOCK).any(axis=1)
    flat = blocks.reshape(-1, blocks.shape[-1])
    spoken = flat.any(axis=1)
    products = np.zeros((len(flat), len(views)), np.float32)
    products[np.ix_(spoken, heard)] = flat[spoken] @ views[heard].reshape(-1, flat.shape[1]).T
    return products.reshape(*blocks.shape[:2], -1)


def _doubled(products: Numbers, span: int) -> Numbers:
    """Returns the products of windows of `span` blocks from those of half as many."""
    half = span // 2
    return np.asarray(products[:, :-half, : -half * _BLOCK] + products[:, half:, half * _BLOCK :], np.float32)


def _summed(values: Numbers, span: int) -> Numbers:
    """Returns the sums over so many neighboring blocks, shape (tries, windows)."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, span, axis=1).sum(axis=2), np.float32)
