"""Brakes: switches after which no decision is better than STEP_UP, one for the stage and one for each domain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bonafide.records import Stored, StoredForm, times

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class BrakeRecord:
    """A brake as one change left it; without arguments one that was never set.

    It belongs to the name of a domain and outlasts the domain, so that nobody releases a brake by deleting a domain and
    creating it again.

    Attributes:
        domain: whose brake it is; None for the brake of the stage.
        on: whether the brake is set.
        version: counts the changes, 0 before the first.
        reason: of the change, as the operator gave it.
        changed_by: verified identity of who made the change; None where requests are not signed.
        changed_at: time of the change.
        since: time from which on the brake has been set, or released, without interruption.
    """

    domain: str | None
    on: bool = False
    version: int = 0
    reason: str | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None
    since: datetime | None = None

    def next(self, now: datetime, *, on: bool, reason: str, changed_by: str | None) -> Self:
        """Returns the brake after a change."""
        since = self.since if self.on == on and self.since else now
        return type(self)(self.domain, on, self.version + 1, reason, changed_by, now, since)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "on": self.on,
            "version": self.version,
            "reason": self.reason,
            "changed_by": self.changed_by,
            "changed_at": times.written(self.changed_at),
            "since": times.written(self.since),
        }

    @classmethod
    def from_document(cls, domain: str | None, document: Stored) -> Self:
        """Reads a stored form; an operator without the API may have written one that is on and says nothing else."""
        return cls(
            domain=domain,
            on=document["on"],
            version=document["version"],
            reason=document.get("reason"),
            changed_by=document.get("changed_by"),
            changed_at=times.read(document.get("changed_at")),
            since=times.read(document.get("since")),
        )
