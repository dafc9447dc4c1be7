"""The audit trail in memory."""

import threading

from bonafide.access.audit import ActPage, AdministrativeAct


class MemoryAuditTrail:
    """`AuditTrail` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acts: dict[str | None, dict[str, AdministrativeAct]] = {}

    def append(self, act: AdministrativeAct) -> None:
        """See `AuditTrail`."""
        with self._lock:
            known = self._acts.setdefault(act.domain, {})
            if act.position not in known or (known[act.position].status is None and act.status is not None):
                known[act.position] = act

    def acts(self, domain: str | None, before: str | None, limit: int) -> ActPage:
        """See `AuditTrail`."""
        with self._lock:
            known = self._acts.get(domain, {})
        earlier = sorted((each for each in known if before is None or each < before), reverse=True)
        shown = [known[each] for each in earlier[:limit]]
        return ActPage(shown, shown[-1].position if len(earlier) > limit else None)
