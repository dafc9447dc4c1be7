"""Brakes in memory."""

import threading
from collections.abc import Sequence

from bonafide.ports.stores import VersionConflict
from bonafide.records.brake import BrakeRecord


class MemoryBrakeStore:
    """`BrakeStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str | None, list[BrakeRecord]] = {}

    def brake(self, domain: str | None) -> BrakeRecord:
        """See `BrakeStore`."""
        return next(iter(self.brake_changes(domain, 1)), BrakeRecord(domain))

    def put_brake(self, record: BrakeRecord) -> None:
        """See `BrakeStore`."""
        with self._lock:
            changes = self._changes.setdefault(record.domain, [])
            if len(changes) != record.version - 1:
                raise VersionConflict
            changes.append(record)

    def brake_changes(self, domain: str | None, limit: int) -> Sequence[BrakeRecord]:
        """See `BrakeStore`."""
        with self._lock:
            return self._changes.get(domain, [])[::-1][:limit]
