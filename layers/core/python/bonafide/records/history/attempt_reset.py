"""Resets of counters of failed attempts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bonafide.records import Stored, StoredForm

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class AttemptReset:
    """One reset; kept until the speaker or the domain is deleted.

    Attributes:
        domain: of the counter.
        counter: name of the counter; that of a caller holds a keyed hash only.
        at: failures up to then do not count any more.
        reason: as the administrator gave it.
        reset_by: verified identity of the administrator; None where requests are not signed.
    """

    domain: str
    counter: str
    at: datetime
    reason: str
    reset_by: str | None

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "counter": self.counter,
            "at": self.at.isoformat(),
            "reason": self.reason,
            "reset_by": self.reset_by,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            domain=document["domain"],
            counter=document["counter"],
            at=datetime.fromisoformat(document["at"]),
            reason=document["reason"],
            reset_by=document["reset_by"],
        )
