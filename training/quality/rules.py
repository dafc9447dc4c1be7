"""Rules on rows and files. Each yields what is not as expected."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from training.corpus.files import BONAFIDE, SPOOF
from training.corpus.rows import CorpusRow
from training.gates.licence import LicenseRule
from training.quality.expectations import (
    DataViolation,
    RowExpectations,
    SignalExpectations,
    SplitExpectations,
)
from training.quality.traits import FileTraits


def values(rows: Sequence[CorpusRow], expected: RowExpectations) -> Iterator[DataViolation]:
    """Checks columns one by one."""
    for row in rows:
        for column in ("use", "label", "split", "rate"):
            found, allowed = getattr(row, column), getattr(expected, column)
            if found not in allowed:
                yield DataViolation(column, row.path, column, repr(found), " or ".join(map(str, allowed)))
        low, high = expected.seconds
        if not low <= row.seconds <= high:
            yield DataViolation("seconds", row.path, "seconds", f"{row.seconds:.2f}", f"{low:g} to {high:g}")
        for column in ("speaker", "group", "source"):
            if not getattr(row, column):
                yield DataViolation("value", row.path, column, "empty", "a name")
        if (row.label == SPOOF) != bool(row.family and row.system):
            attack = row.family or row.system or "empty"
            yield DataViolation("label", row.path, "family", attack, f"that of a {row.label} recording")


def licenses(rows: Sequence[tuple[str, str]], rule: LicenseRule) -> Iterator[DataViolation]:
    """Checks licenses by the list of the gates; a row is its path and its licence."""
    for path, licence in rows:
        if not rule.allows(licence):
            yield DataViolation("licence", path, "licence", repr(licence), "one of training/gates/gates.yaml")


def leaks(rows: Sequence[CorpusRow]) -> Iterator[DataViolation]:
    """Yields the rows of speakers and of families of attacks that are on more than one side of the split."""
    for kind in ("speaker", "family"):
        sides: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            if name := getattr(row, kind):
                sides[name][row.split].append(row.path)
        for name, places in sides.items():
            for side in sorted(places)[1:] if len(places) > 1 else ():
                first = min(places)
                found = f"{name} in {side}"
                yield from (
                    DataViolation(f"{kind} leak", path, kind, found, f"only in {first}, as in {places[first][0]}")
                    for path in places[side]
                )


def sides(rows: Sequence[CorpusRow], expected: SplitExpectations) -> Iterator[DataViolation]:
    """Checks that neither side of the split is without speakers or without a class."""
    for side in ("train", "test"):
        speakers = {row.speaker for row in rows if row.split == side and row.label == BONAFIDE}
        if len(speakers) < expected.speakers:
            yield DataViolation(
                "split", "", f"bona fide speakers in {side}", str(len(speakers)), f"{expected.speakers}"
            )
        for label in (BONAFIDE, SPOOF):
            of_class = [row for row in rows if row.label == label]
            share = sum(row.split == side for row in of_class) / max(len(of_class), 1)
            if share < expected.share:
                yield DataViolation(
                    "split", "", f"share of {label} in {side}", f"{share:.3f}", f"{expected.share} or more"
                )


def signals(traits: Mapping[str, FileTraits], expected: SignalExpectations) -> Iterator[DataViolation]:
    """Checks level, silence and clipping of every file."""
    low, high = expected.level_db
    for path, each in traits.items():
        if not low <= each.level_db <= high:
            yield DataViolation("level", path, "level_db", f"{each.level_db:.1f}", f"{low:g} to {high:g}")
        if each.silence > expected.silence:
            yield DataViolation("silence", path, "silence", f"{each.silence:.2f}", f"{expected.silence:g} or less")
        if each.clipping > expected.clipping:
            yield DataViolation("clipping", path, "clipping", f"{each.clipping:.3f}", f"{expected.clipping:g} or less")
