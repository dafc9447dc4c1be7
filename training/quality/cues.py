"""Rules on what must not give a label away: channels, levels, silence, bands, rates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.corpus.draw import channels_of
from training.corpus.files import BONAFIDE, SPOOF, WIDE
from training.corpus.rows import CorpusRow
from training.quality.expectations import DataViolation, LabelExpectations
from training.quality.traits import FileTraits

RANKED = ("leading_ms", "trailing_ms", "offset", "level_db", "silence", "band_hz")
MOST_NAMED = 5
Wide = NDArray[np.float64]


def crops_by_channel(rows: Sequence[CorpusRow], conf: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Counts bona fide and spoofed crops of each channel, as features will draw them."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        if row.label in {BONAFIDE, SPOOF} and row.family not in conf["split"]["measured_only"]:
            for channel in channels_of(row, conf["crops"]):
                counts.setdefault(channel.name, [0, 0])[row.label != BONAFIDE] += 1
    return {name: (found[0], found[1]) for name, found in sorted(counts.items())}


def balance(counts: Mapping[str, tuple[int, int]], expected: LabelExpectations) -> Iterator[DataViolation]:
    """Checks that each channel has about as large a share of bona fide crops as all of them."""
    bona_fide, all_crops = (
        sum(each) for each in zip(*((found[0], sum(found)) for found in counts.values()), strict=True)
    )
    whole = bona_fide / all_crops
    for name, found in counts.items():
        share = found[0] / sum(found)
        if abs(share - whole) > expected.balance:
            said = f"{whole:.0%} as over all channels, within {expected.balance:.0%}"
            yield DataViolation("balance", "", f"share of bona fide in channel {name}", f"{share:.0%}", said)


def cues(
    rows: Sequence[CorpusRow], traits: Mapping[str, FileTraits], expected: LabelExpectations
) -> Iterator[DataViolation]:
    """Yields traits that tell the classes apart by rank, by a value that only one has, or by being constant in one."""
    known = [row for row in rows if row.path in traits]
    classes = {label: [row for row in known if row.label == label] for label in (BONAFIDE, SPOOF)}
    if min(map(len, classes.values())) < expected.fewest:
        return
    yield from _only_in_one(classes, expected)
    for trait in RANKED:
        # A band ends at half the rate at the latest, so that bands are compared at one rate.
        chosen = {
            label: [row for row in each if trait != "band_hz" or row.rate == WIDE] for label, each in classes.items()
        }
        measured = {
            label: np.array([getattr(traits[row.path], trait) for row in each], np.float64)
            for label, each in chosen.items()
        }
        if min(map(len, chosen.values())) >= expected.fewest:
            yield from _ranked(trait, measured, chosen, expected)
            yield from _constant(trait, measured, chosen, expected)


def _only_in_one(classes: Mapping[str, Sequence[CorpusRow]], expected: LabelExpectations) -> Iterator[DataViolation]:
    for rate in sorted({row.rate for each in classes.values() for row in each}):
        shares = {label: np.mean([row.rate == rate for row in each]) for label, each in classes.items()}
        more, less = sorted(shares, key=lambda label: -shares[label])
        if shares[more] - shares[less] >= expected.telling:
            found = f"{rate} in {shares[more]:.0%} of {more} and {shares[less]:.0%} of {less}"
            yield DataViolation("label cue", _named(classes[more]), "rate", found, "about the same in both")


def _ranked(
    trait: str, measured: Mapping[str, Wide], classes: Mapping[str, Sequence[CorpusRow]], expected: LabelExpectations
) -> Iterator[DataViolation]:
    human, made = measured[BONAFIDE][:, None], measured[SPOOF][None]
    above = float(np.mean(human > made) + np.mean(human == made) / 2)
    telling = max(above, 1 - above)
    if telling >= expected.telling:
        said = f"less than {expected.telling:.0%}"
        yield DataViolation(
            "label cue", _named(classes[SPOOF]), trait, f"enough to tell {telling:.0%} of the pairs", said
        )


def _constant(
    trait: str, measured: Mapping[str, Wide], classes: Mapping[str, Sequence[CorpusRow]], expected: LabelExpectations
) -> Iterator[DataViolation]:
    """Yields a silence that is the same to the millisecond throughout one class, which is the work of a program."""
    if not trait.endswith("_ms"):
        return
    for label, other in ((BONAFIDE, SPOOF), (SPOOF, BONAFIDE)):
        common, counts = np.unique(measured[label][measured[label] > 10], return_counts=True)
        for value in common[counts > max(expected.constant * len(measured[label]), 2)]:
            if np.mean(measured[other] == value) < expected.constant / 2:
                rows = [row for row, own in zip(classes[label], measured[label], strict=True) if own == value]
                yield DataViolation("label cue", _named(rows), trait, f"{value:g} in most of {label}", "no such value")


def _named(rows: Sequence[CorpusRow]) -> str:
    """Names some of the rows."""
    paths = sorted(row.path for row in rows)
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more
