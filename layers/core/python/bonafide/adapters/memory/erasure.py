"""Erasures in memory."""

import threading
from collections.abc import Iterator, Sequence

from bonafide.adapters.memory.versions import require_version
from bonafide.records.erasure import Erasure


class MemoryErasureStore:
    """`ErasureStore` in memory.

    Attributes:
        erasures: by domain and name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.erasures: dict[tuple[str, str], Erasure] = {}

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
        return [each for each in self.erasures.values() if each.domain == domain][:limit]

    def pending(self) -> Iterator[tuple[str, str]]:
        """See `ErasureStore`."""
        yield from [name for name, each in self.erasures.items() if each.completed_at is None]
