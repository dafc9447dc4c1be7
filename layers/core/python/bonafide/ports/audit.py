"""The audit trail."""

from typing import Protocol

from bonafide.access.audit import ActPage, AdministrativeAct


class AuditTrail(Protocol):
    """Administrative acts, appended and never changed. Reads see every write that was acknowledged before."""

    def append(self, act: AdministrativeAct) -> None:
        """Appends an act as it is asked for, or as it ended; both stay. Appending it again changes nothing."""

    def acts(self, domain: str | None, before: str | None, limit: int) -> ActPage:
        """Reads at most `limit` acts before a position, the newest first; each as it ended, if that is known."""
