"""The comparison of archived decisions with the table, which no function that archives or seals can write."""

from dataclasses import dataclass
from datetime import date, datetime

from bonafide.records import Stored
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, DomainState, ErasedDecisions
from bonafide.records.ledger.entry import (
    COMPONENTS,
    LATER,
    PERSONAL,
    PLAIN,
    ArchivedDecision,
    StoredContent,
    StoredDecision,
    canonical,
    plain_part,
)
from bonafide.records.ledger.verification import Fault


@dataclass(frozen=True, slots=True)
class TableComparison:
    """Compares entries of one domain.

    Attributes:
        domain: its settings; None of one that is deleted.
        now: time of the comparison.
    """

    domain: DomainRecord | None
    now: datetime

    def fault(self, day: date, found: StoredContent, stored: StoredDecision | None) -> Fault | None:
        """Compares an entry with the decision of its name.

        Args:
            day: of the entry.
            found: the entry.
            stored: the decision in the table, from which an erasure may have taken what leads to the person.
        """
        if found.content is None:
            return Fault.UNREADABLE
        if self._fits(day, found.name, found.content, stored):
            return None
        return Fault.CHANGED if stored else Fault.INSERTED

    def _fits(self, day: date, name: str, content: bytes, stored: StoredDecision | None) -> bool:
        try:
            entry = ArchivedDecision.from_bytes(content)
            if not name or (entry.day, entry.decision_id) != (day, name):
                return False
            return _agree(entry, stored) if stored else not self._has_to_be_there(entry)
        except Exception:
            # Whoever may add entries may write anything.
            return False

    def _has_to_be_there(self, entry: ArchivedDecision) -> bool:
        """Tells whether nothing deletes such a decision: no retention, erasure or deletion of a domain of that name."""
        domain = self.domain
        if domain is None or domain.state is not DomainState.OPEN:
            return False
        if domain.retention.erased_decisions is ErasedDecisions.ERASE:
            return False
        decided_at = StoredDecision(entry.document, entry.until).decided_at
        of_former_domain = decided_at < domain.created_at and decided_at.date() == entry.day
        return self.now < entry.until and not of_former_domain


def _agree(entry: ArchivedDecision, stored: StoredDecision) -> bool:
    if (entry.domain, entry.until) != (stored.domain, stored.until):
        return False
    if _same(entry.document, stored.document):
        return True
    # An erasure writes the document again, in the form of the release that erases.
    if DecisionRecord.from_document(stored.document).is_linked:
        return False
    own = plain_part(entry.record().to_document())
    return _same(own, DecisionRecord.from_document(stored.document).to_document())


def _same(own: Stored, stored: Stored) -> bool:
    """Compares what an entry holds, since the lists of the release that archived it may be others.

    It has to hold what was on the list from the beginning, and nothing that leads to the person.
    """
    names = own.keys() | (PLAIN - LATER)
    wanted = {name: each for name, each in stored.items() if name in names}
    if facts := wanted.get("facts"):
        held = own.get("facts") or {}
        wanted["facts"] = {name: each for name, each in facts.items() if name in held or name not in COMPONENTS}
    return not own.keys() & set(PERSONAL) and canonical(own) == canonical(wanted)
