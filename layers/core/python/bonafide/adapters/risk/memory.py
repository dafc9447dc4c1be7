"""Counters and histories of calls in memory."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from bonafide.adapters.risk.items import FRAUD_KEPT, block_of, blocks_until, written_block
from bonafide.biometrics.risk.facts import CallReference
from bonafide.biometrics.risk.velocity import (
    MOST_MARKS,
    MOST_OTHERS,
    MOST_SAMPLED,
    SURGE_BLOCK,
    CallCount,
    CallHistory,
    CallMark,
)
from bonafide.ports.risk.calls import CallSubject, KnownReference, References

type Place = tuple[str, ...]


class MemoryCallStore:
    """`CallStore` in memory. Nothing is deleted when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: dict[Place, set[CallMark]] = defaultdict(set)
        self._late: dict[Place, set[str]] = defaultdict(set)
        self._known: dict[Place, dict[tuple[CallReference, str], date]] = defaultdict(dict)
        self._reported: dict[Place, tuple[set[str], datetime]] = {}

    def history(self, subject: CallSubject, now: datetime) -> CallHistory:
        """See `CallStore`."""
        with self._lock:
            calls, until = self._reported.get(_number(subject), (set(), now))
            return CallHistory(
                self._count(_number(subject), now) if subject.number else CallCount(),
                self._count(_speaker(subject), now) if subject.speaker else CallCount(),
                dict(self._known.get(_speaker(subject), {})) if subject.speaker else {},
                fraud=bool(calls) and until > now,
            )

    def domain_calls(
        self, subject: CallSubject, begin: datetime, end: datetime
    ) -> Mapping[tuple[int, int], Sequence[CallMark]]:
        """See `CallStore`."""
        first, last = (block_of(int(at.timestamp()), SURGE_BLOCK) for at in (begin, end))
        own = subject.domain, subject.domain_lifetime
        with self._lock:
            return {
                (int(place[3]), int(place[4])): sorted(marks)
                for place, marks in self._sets.items()
                if place[0] == "domain" and place[1:3] == own and first <= int(place[3]) <= last
            }

    def count(self, subject: CallSubject, of_number: CallMark, of_speaker: CallMark) -> None:
        """See `CallStore`."""
        block = written_block(block_of(of_number.at))
        mark = CallMark(of_number.at, of_number.call)
        sample = str(block_of(mark.at, SURGE_BLOCK)), str(mark.rank)
        with self._lock:
            if subject.number:
                self._add((*_number(subject), block), of_number)
            if subject.speaker:
                self._add((*_speaker(subject), block), of_speaker)
            sampled = self._sets["domain", subject.domain, subject.domain_lifetime, *sample]
            _put(sampled, mark, MOST_SAMPLED)

    def remember(self, subject: CallSubject, references: References, at: datetime, forgotten: References = ()) -> None:
        """See `CallStore`."""
        day = at.astimezone(UTC).date()
        with self._lock:
            own = self._known[_speaker(subject)]
            for each in references:
                own[each] = max(day, own.get(each, day))
            for each in forgotten:
                own.pop(each, None)

    def report(self, subject: CallSubject, call: str, at: datetime, *, fraud: bool) -> None:
        """See `CallStore`."""
        with self._lock:
            calls, until = self._reported.get(_number(subject), (set[str](), at))
            changed = calls | {call} if fraud else calls - {call}
            self._reported[_number(subject)] = changed, max(until, at + FRAUD_KEPT) if fraud else until

    def known(self, subject: CallSubject) -> Sequence[KnownReference]:
        """See `CallStore`."""
        with self._lock:
            own = self._known.get(_speaker(subject), {})
        found = [KnownReference(kind, value, last) for (kind, value), last in own.items()]
        return sorted(found, key=lambda each: (each.last, each.kind, each.hash), reverse=True)

    def _count(self, place: Place, now: datetime) -> CallCount:
        blocks = blocks_until(now)
        sets = {int(block): self._sets.get((*place, block), set()) for block in blocks}
        return CallCount(
            frozenset().union(*sets.values()),
            frozenset(block for block, marks in sets.items() if len(marks) >= MOST_MARKS),
            frozenset((int(block), other) for block in blocks for other in self._late.get((*place, block), ())),
        )

    def _add(self, place: Place, mark: CallMark) -> None:
        if not _put(self._sets[place], mark, MOST_MARKS) and mark.other:
            _put(self._late[place], mark.other, MOST_OTHERS)


def _put[Element](elements: set[Element], element: Element, most: int) -> bool:
    """Adds to a set, unless that is full; returns whether it was added."""
    if has_room := len(elements) < most:
        elements.add(element)
    return has_room


def _number(subject: CallSubject) -> Place:
    return "number", subject.domain, subject.number or ""


def _speaker(subject: CallSubject) -> Place:
    return "speaker", subject.domain, subject.speaker or "", subject.lifetime
