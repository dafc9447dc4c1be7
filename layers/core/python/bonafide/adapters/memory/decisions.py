"""Decisions in memory, in their stored form."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bonafide.ports.stores import VersionConflict
from bonafide.records import Stored
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition
from bonafide.records.ledger.entry import StoredDecision
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_history


class MemoryDecisionStore:
    """`DecisionStore` in memory.

    Attributes:
        documents: stored forms, as JSON brings them back, by domain and identifier.
        expiries: end of each one's retention.
        outcomes: statements on the outcome of each, as they came.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self.documents: dict[tuple[str, str], dict[str, object]] = {}
        self.expiries: dict[tuple[str, str], datetime] = {}
        self.outcomes: dict[tuple[str, str], set[OutcomeStatement]] = {}

    def append(self, record: DecisionRecord, expires_at: datetime) -> DecisionRecord:
        """See `DecisionStore`."""
        key = record.domain, record.decision_id or ""
        if key in self.documents:
            return DecisionRecord.from_document(self.documents[key])
        self.documents[key] = json.loads(json.dumps(record.to_document()))
        self.expiries[key] = expires_at
        return record

    def read(self, domain: str, decision_id: str) -> DecisionRecord | None:
        """See `DecisionStore`."""
        key = domain, decision_id
        return self._record(key) if self._is_kept(key) else None

    def list(self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, limit: int) -> DecisionPage:
        """See `DecisionStore`."""
        inside = (key for key in self.documents if key[0] == domain and self._is_kept(key))
        # Whole documents are only read where the time fits.
        mine = [key for key in inside if selection.begin <= _time(self.documents[key]) < selection.end]
        records = [self._record(key) for key in mine]
        found = [each for each in records if selection.selects(each) and (after is None or _position(each) < after)]
        found.sort(key=_position, reverse=True)
        return DecisionPage(found[:limit], _position(found[limit - 1]) if len(found) > limit else None)

    def add_outcome(self, record: DecisionRecord, statement: OutcomeStatement, most: int) -> None:
        """See `DecisionStore`."""
        key = record.domain, record.decision_id or ""
        own = self.outcomes.setdefault(key, set())
        if key not in self.documents or self._record(key).speaker != record.speaker or len(own) >= most:
            raise VersionConflict
        own.add(statement)

    def labeled(
        self, domain: str, begin: datetime, end: datetime, after: DecisionPosition | None, limit: int
    ) -> DecisionPage:
        """See `DecisionStore`."""
        page = self.list(domain, DecisionFilter(begin, end), after, len(self.documents))
        found = [each for each in page.decisions if each.outcomes]
        return DecisionPage(found[:limit], _position(found[limit - 1]) if len(found) > limit else None)

    def _record(self, key: tuple[str, str]) -> DecisionRecord:
        record = DecisionRecord.from_document(self.documents[key])
        return replace(record, outcomes=outcome_history(self.outcomes.get(key, ())))

    def positions(self, domain: str, begin: datetime, end: datetime) -> Iterator[DecisionPosition]:
        """See `DecisionIndex`."""
        for of, name in self.documents:
            if of == domain and begin <= (at := _time(self.documents[of, name])) < end:
                yield DecisionPosition(at, name)

    def stored(self, domain: str, names: Sequence[str]) -> Mapping[str, StoredDecision]:
        """See `DecisionIndex`."""
        keys = [(domain, each) for each in names if (domain, each) in self.documents]
        return {key[1]: StoredDecision(self.documents[key], self.expiries[key]) for key in keys}

    def _is_kept(self, key: tuple[str, str]) -> bool:
        return key in self.documents and self.expiries[key] > self._clock()


def _time(document: Stored) -> datetime:
    return datetime.fromisoformat(document["decided_at"])


def _position(record: DecisionRecord) -> DecisionPosition:
    return DecisionPosition(record.decided_at, record.decision_id or "")
