"""Finds files that hold the same recording: sample by sample, or under other gains, ends and names.

The loudest places of a recording stay where they are, whatever its gain and ends. A file is described by the signs of
cosine coefficients of short windows around them (after landmark fingerprints, Wang 2003); two files with several in
common are aligned and correlated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from training.corpus.rows import CorpusRow
from training.quality.expectations import DataViolation, DuplicateExpectations

PLACES, APART, HALF, COEFFICIENTS = 24, 400, 128, 24
# The cosines of DCT-II but the first, shape (COEFFICIENTS, 2 * HALF).
COSINES = np.cos(np.pi * np.arange(1, COEFFICIENTS + 1)[:, None] * (np.arange(2 * HALF) + 0.5) / (2 * HALF))
# A window that so many files share is no sign of anything, as a click.
COMMON = 50

Wide = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LoudPlaces:
    """Windows around the loudest samples of a file.

    Attributes:
        hashes: of each window.
        at: sample in its middle.
    """

    hashes: Sequence[int]
    at: Sequence[int]


def loud_places(samples: Wide) -> LoudPlaces:
    """Describes samples, shape (n,)."""
    inner, chosen = np.abs(samples[HALF:-HALF]), list[int]()
    while len(chosen) < PLACES and (inner > 0).any():
        chosen.append(int(inner.argmax()))
        inner[max(chosen[-1] - APART, 0) : chosen[-1] + APART] = 0
    windows = [samples[each : each + 2 * HALF] * np.sign(samples[each + HALF]) for each in chosen]
    hashes = [int("".join("01"[int(value > 0)] for value in COSINES @ window), 2) for window in windows]
    return LoudPlaces(hashes, [each + HALF for each in chosen])


def duplicates(
    rows: Sequence[CorpusRow],
    digests: Mapping[str, str],
    samples: Mapping[str, Wide],
    expected: DuplicateExpectations,
) -> Iterator[DataViolation]:
    """Yields files that are copies of one before them.

    Args:
        rows: of the manifest; a copy by synthesis may resemble the recording that it names as its source.
        digests: of samples, by path.
        samples: by path.
        expected: when two files count as one.
    """
    first: dict[str, str] = {}
    for row in rows:
        original = first.setdefault(digests[row.path], row.path) if row.path in digests else row.path
        if original != row.path:
            yield DataViolation("duplicate", row.path, "samples", f"those of {original}", "a recording of its own")
    yield from _near([row for row in rows if row.path in first.values()], samples, expected)


def _near(
    rows: Sequence[CorpusRow], samples: Mapping[str, Wide], expected: DuplicateExpectations
) -> Iterator[DataViolation]:
    places = {row.path: loud_places(samples[row.path]) for row in rows}
    origin = {row.path: row.source if row.source in places else row.path for row in rows}
    for pair, count in sorted(_shared(places).items()):
        if count < expected.windows or origin[pair[0]] == origin[pair[1]]:
            continue
        found = _correlation(samples[pair[0]], samples[pair[1]], places[pair[0]], places[pair[1]])
        if found >= expected.correlation:
            said = f"those of {pair[0]} but for gain and ends (correlation {found:.3f})"
            yield DataViolation("near duplicate", pair[1], "samples", said, "a recording of its own")


def _shared(places: Mapping[str, LoudPlaces]) -> Counter[tuple[str, str]]:
    holders: dict[int, set[str]] = defaultdict(set)
    for path, each in places.items():
        for value in each.hashes:
            holders[value].add(path)
    pairs = (pair for paths in holders.values() if len(paths) <= COMMON for pair in combinations(sorted(paths), 2))
    return Counter(pairs)


def _correlation(one: Wide, other: Wide, places: LoudPlaces, others: LoudPlaces) -> float:
    """Returns the correlation of two files where they overlap, at the lag that most of their windows agree on."""
    where = dict(zip(others.hashes, others.at, strict=True))
    lags = Counter(at - where[value] for value, at in zip(places.hashes, places.at, strict=True) if value in where)
    lag = lags.most_common(1)[0][0]
    one, other = one[max(lag, 0) :], other[max(-lag, 0) :]
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    return float(abs(one @ other) / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-9))
