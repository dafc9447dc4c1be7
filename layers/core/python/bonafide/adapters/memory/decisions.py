"""Decisions in memory, in their stored form."""

import json
from datetime import datetime

from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition


class MemoryDecisionStore:
    """`DecisionStore` in memory.

    Attributes:
        documents: stored forms, as JSON brings them back, by domain and identifier.
        expiries: when each may be deleted.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, object]] = {}
        self.expiries: dict[tuple[str, str], datetime] = {}

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
        stored = self.documents.get((domain, decision_id))
        return DecisionRecord.from_document(stored) if stored else None

    def list(self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, limit: int) -> DecisionPage:
        """See `DecisionStore`."""
        records = [DecisionRecord.from_document(each) for (owner, _), each in self.documents.items() if owner == domain]
        found = [each for each in records if selection.selects(each) and (after is None or _position(each) < after)]
        found.sort(key=_position, reverse=True)
        return DecisionPage(found[:limit], _position(found[limit - 1]) if len(found) > limit else None)


def _position(record: DecisionRecord) -> DecisionPosition:
    return DecisionPosition(record.decided_at, record.decision_id or "")
