"""Erasures in memory."""

import threading
from collections.abc import Iterator, Sequence

from bonafide.adapters.memory.versions import require_version
from bonafide.ports.erasure import PendingErasure, SweepPlace
from bonafide.records.erasure import Erasure


class MemoryErasureStore:
    """`ErasureStore` in memory.

    Attributes:
        erasures: by domain and name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.erasures: dict[tuple[str, str], Erasure] = {}
        self._place: SweepPlace | None = None

    def put(self, erasure: Erasure) -> None:
        """See `ErasureStore`."""
        with self._lock:
            require_version(self.erasures.get((erasure.domain, erasure.name)), erasure.version - 1)
            self.erasures[erasure.domain, erasure.name] = erasure

    def read(self, domain: str, name: str) -> Erasure | None:
        """See `ErasureStore`."""
        return self.erasures.get((domain, name))

    def of_domain(self, domain: str, limit: int) -> Sequence[Erasure]:
        """See `ErasureStore`."""
        found = [each for each in self.erasures.values() if each.domain == domain]
        return sorted(found, key=lambda each: (each.at, each.name), reverse=True)[:limit]

    def pending(self) -> Iterator[PendingErasure]:
        """See `ErasureStore`."""
        waiting = [each for each in self.erasures.values() if each.completed_at is None]
        yield from sorted(PendingErasure(each.due_at, each.domain, each.name) for each in waiting)

    def place(self) -> SweepPlace | None:
        """See `ErasureStore`."""
        return self._place

    def put_place(self, place: SweepPlace) -> None:
        """See `ErasureStore`."""
        self._place = place
