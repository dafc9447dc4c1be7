"""The check of an archive against its seals, which names what was removed, changed or inserted."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, digest_of
from bonafide.records.ledger.seal import DaySeal, KnownRoot, is_due


class Fault(StrEnum):
    """Difference between an archive and its seals."""

    REMOVED = "removed"
    CHANGED = "changed"
    INSERTED = "inserted"
    COVERED = "covered"
    UNREADABLE = "unreadable"
    STRAY = "stray"
    SEAL_REMOVED = "seal_removed"
    SEAL_CHANGED = "seal_changed"
    SEAL_COVERED = "seal_covered"
    ROOT_REMOVED = "root_removed"
    ROOT_CHANGED = "root_changed"
    ROOT_COVERED = "root_covered"
    NOT_SEALED = "not_sealed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    Attributes:
        fault: its kind.
        day: on which it is; None of a key that has none.
        name: of the entry, or a whole key; None where it is about the day.
    """

    fault: Fault
    day: date | None
    name: str | None = None

    @property
    def place(self) -> tuple[date, str, Fault]:
        """Orders findings."""
        return self.day or date.min, self.name or "", self.fault


type Contents = Callable[[date], Mapping[str, StoredContent]]


def verify(
    seals: Sequence[DaySeal],
    days: Sequence[date],
    contents: Contents,
    now: datetime,
    known: Sequence[KnownRoot] = (),
    only: Container[date] | None = None,
) -> list[Finding]:
    """Compares entries with seals, each seal with the one before, and with the roots that are known.

    Whoever can write both entries and seals can make all of them anew: only roots that are kept elsewhere find that.

    Args:
        seals: of one domain.
        days: those that have entries.
        contents: reads the content of a day's entries by their names.
        now: entries and seals whose retention is over may be missing.
        known: roots that were published, or kept elsewhere.
        only: days whose entries are read; None reads all. Seals are checked in any case.
    """
    ordered = sorted(seals, key=lambda each: each.day)
    found = [*_chain(ordered, now), *_roots(ordered, known, now), *_unsealed(ordered, days, contents, now)]
    for seal in ordered:
        if only is None or seal.day in only:
            found += _entries(seal, contents(seal.day), now)
    return sorted(set(found), key=lambda each: each.place)


def _chain(seals: Sequence[DaySeal], now: datetime) -> Iterator[Finding]:
    by_day = {each.day: each for each in seals}
    yield from (Finding(Fault.SEAL_CHANGED, each.day) for each in seals if not each.is_consistent)
    for seal, following in pairwise(seals):
        if following.former is None:
            yield Finding(Fault.SEAL_CHANGED, following.day)
        elif following.former.day != seal.day and following.former.day in by_day:
            # Nothing names it: it was inserted.
            yield Finding(Fault.SEAL_CHANGED, seal.day)
    for former in (each.former for each in seals if each.former):
        before = by_day.get(former.day)
        if before is None and now < former.until:
            yield Finding(Fault.SEAL_REMOVED, former.day)
        if before and before.root != former.root:
            yield Finding(Fault.SEAL_CHANGED, former.day)


def _roots(seals: Sequence[DaySeal], known: Sequence[KnownRoot], now: datetime) -> Iterator[Finding]:
    by_day = {each.day: each for each in seals}
    for each in known:
        seal = by_day.get(each.day)
        if seal is None and (each.until is None or now < each.until):
            yield Finding(Fault.SEAL_REMOVED, each.day)
        if seal and seal.root != each.root:
            yield Finding(Fault.SEAL_CHANGED, each.day)


def _entries(seal: DaySeal, contents: Mapping[str, StoredContent], now: datetime) -> Iterator[Finding]:
    sealed = {each.decision_id: each for each in seal.entries}
    for name, each in sealed.items():
        found = contents.get(name)
        if (found is None or found.covered) and now < each.until:
            yield Finding(Fault.COVERED if found else Fault.REMOVED, seal.day, name)
        if found and found.content is None:
            yield Finding(Fault.UNREADABLE, seal.day, name)
        elif found and digest_of(found.content or b"") != each.digest:
            yield Finding(Fault.CHANGED, seal.day, name)
    for name in contents.keys() - sealed.keys():
        yield Finding(Fault.INSERTED, seal.day, name)


def _unsealed(seals: Sequence[DaySeal], days: Sequence[date], contents: Contents, now: datetime) -> Iterator[Finding]:
    sealed = {each.day for each in seals}
    newest = max(sealed, default=date.min)
    formers = [each.former for each in seals if each.former]
    oldest = seals[0].former if seals else None
    for day in sorted(each for each in set(days) - sealed if is_due(each, now)):
        if day > newest:
            yield Finding(Fault.NOT_SEALED, day)
            continue
        # Of the seal of the day, as the next one names it, or of the oldest seal that is named.
        named = [each for each in formers if day == each.day or (each is oldest and day < each.day)]
        until = named[0].until if named else None
        if until and now < until:
            # The seal was removed.
            continue
        # A seal is kept as long as its entries, so what is left without it is expired as well.
        for name, found in contents(day).items():
            if not (until and _is_expired(found, now)):
                yield Finding(Fault.INSERTED, day, name)


def _is_expired(found: StoredContent, now: datetime) -> bool:
    with suppress(ValueError):
        return now >= ArchivedDecision.from_bytes(found.content or b"").until
    return False
