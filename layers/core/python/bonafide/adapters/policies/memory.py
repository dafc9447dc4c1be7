"""Staged policies in memory."""

import threading

from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedPolicy, Staging


class MemoryStagingStore:
    """`StagingStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, list[Staging]] = {}

    def staging(self, domain: str) -> Staging:
        """See `StagingStore`."""
        with self._lock:
            return next(reversed(self._changes.get(domain, ())), Staging(domain))

    def staged_before(self, domain: DomainRecord, staged_version: int) -> StagedPolicy | None:
        """See `StagingStore`."""
        with self._lock:
            changes = [each for each in self._changes.get(domain.domain, ()) if each.version == staged_version]
        return changes[0].of_domain_made(domain.created_at) if changes else None

    def put_staging(self, staging: Staging) -> None:
        """See `StagingStore`."""
        with self._lock:
            changes = self._changes.setdefault(staging.domain, [])
            if len(changes) != staging.version - 1:
                raise VersionConflict
            changes.append(staging)
