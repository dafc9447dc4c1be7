"""The check of an archive against its seals, which names what was removed, changed or inserted."""

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import ArchivedDecision, digest_of, without_personal
from bonafide.records.ledger.seal import DaySeal, is_due


class Fault(StrEnum):
    """Difference between an archive and its seals."""

    REMOVED = "removed"
    CHANGED = "changed"
    INSERTED = "inserted"
    SEAL_REMOVED = "seal_removed"
    SEAL_CHANGED = "seal_changed"
    NOT_SEALED = "not_sealed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    Attributes:
        fault: its kind.
        day: on which it is.
        decision_id: of the entry; None where it is about the day.
    """

    fault: Fault
    day: date
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class KnownRoot:
    """A root that was kept elsewhere."""

    day: date
    root: str


type Contents = Callable[[date], Mapping[str, bytes]]


def verify(
    seals: Sequence[DaySeal],
    days: Sequence[date],
    contents: Contents,
    now: datetime,
    known: KnownRoot | None = None,
    only: Container[date] | None = None,
) -> list[Finding]:
    """Compares entries with seals, and each seal with the one before.

    Whoever can write both entries and seals can make all of them anew: only a root that is kept elsewhere finds that.

    Args:
        seals: of one domain.
        days: those that have entries.
        contents: reads the content of a day's entries by their names.
        now: entries and seals whose retention is over may be missing.
        known: a root that was kept elsewhere.
        only: days whose entries are read; None reads all. Seals are checked in any case.
    """
    ordered = sorted(seals, key=lambda each: each.day)
    found = [*_chain(ordered, now), *_unsealed(ordered, days, contents, now)]
    if known and all((each.day, each.root) != (known.day, known.root) for each in ordered):
        changed = any(each.day == known.day for each in ordered)
        found.append(Finding(Fault.SEAL_CHANGED if changed else Fault.SEAL_REMOVED, known.day))
    for seal in ordered:
        if only is None or seal.day in only:
            found += _entries(seal, contents(seal.day), now)
    return sorted(set(found), key=lambda each: (each.day, each.decision_id or "", each.fault))


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


def _entries(seal: DaySeal, contents: Mapping[str, bytes], now: datetime) -> Iterator[Finding]:
    sealed = {each.decision_id: each for each in seal.entries}
    for name, each in sealed.items():
        if name not in contents:
            if now < each.until:
                yield Finding(Fault.REMOVED, seal.day, name)
        elif digest_of(contents[name]) != each.digest:
            yield Finding(Fault.CHANGED, seal.day, name)
    for name in contents.keys() - sealed.keys():
        yield Finding(Fault.INSERTED, seal.day, name)


def _unsealed(seals: Sequence[DaySeal], days: Sequence[date], contents: Contents, now: datetime) -> Iterator[Finding]:
    sealed = {each.day for each in seals}
    newest = max(sealed, default=date.min)
    named = {each.former.day for each in seals if each.former}
    for day in sorted(set(days) - sealed):
        if day in named or not is_due(day, now):
            continue
        if day > newest:
            yield Finding(Fault.NOT_SEALED, day)
        elif seals and seals[0].former and day < seals[0].former.day:
            # Its seal is expired; entries whose lock is longer may be left.
            continue
        else:
            yield from (Finding(Fault.INSERTED, day, name) for name in contents(day))


def compared(day: date, name: str, content: bytes, stored: DecisionRecord | None) -> Finding | None:
    """Compares an entry of a day that is not sealed with the table, which no function that archives can write.

    Args:
        day: of the entry.
        name: of the entry.
        content: as it is archived.
        stored: the decision of that name in the table, whose personal attributes an erasure may have taken.
    """
    if stored is None:
        return Finding(Fault.INSERTED, day, name)
    try:
        entry = ArchivedDecision.from_bytes(content)
    except ValueError:
        return Finding(Fault.CHANGED, day, name)
    same = (entry.domain, entry.decision_id, entry.day) == (stored.domain, name, day)
    same &= entry.document == json.loads(json.dumps(without_personal(stored)))
    return None if same else Finding(Fault.CHANGED, day, name)
