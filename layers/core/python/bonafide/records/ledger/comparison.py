"""The comparison of archived decisions with the table, which no function that archives or seals can write."""

from dataclasses import dataclass
from datetime import date, datetime

from bonafide.records import StoredForm
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, DomainState, ErasedDecisions
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, StoredDecision, canonical, plain_part
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
    own, other = entry.document, plain_part(stored.document)
    if canonical(own) == canonical(other):
        return True
    # An erasure writes the document again, in the form of the release that erases.
    if DecisionRecord.from_document(stored.document).is_linked:
        return False
    return canonical(_of_this_release(entry.record())) == canonical(
        _of_this_release(DecisionRecord.from_document(stored.document))
    )


def _of_this_release(record: DecisionRecord) -> StoredForm:
    return plain_part(record.to_document())
