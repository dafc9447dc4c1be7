"""Domains and speakers in memory."""

import threading

from bonafide.adapters.memory.brakes import MemoryBrakeStore
from bonafide.adapters.memory.versions import require_follows, require_same, require_version
from bonafide.ports.stores import DomainChanged
from bonafide.records.brake import BrakeRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerPage, SpeakerRecord


class MemoryDomainStore:
    """`DomainStore` in memory.

    Attributes:
        brakes: of the domains and of the stage.
    """

    def __init__(self) -> None:
        self.brakes = MemoryBrakeStore()
        self._lock = threading.Lock()
        self._domains: dict[str, DomainRecord] = {}
        self._speakers: dict[tuple[str, str], SpeakerRecord] = {}

    def domain(self, domain: str) -> DomainRecord | None:
        """See `DomainStore`."""
        return self._domains.get(domain)

    def put_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            require_follows(self._domains.get(record.domain), record)
            self._domains[record.domain] = record

    def delete_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            stored = self._domains.get(record.domain)
            require_version(stored, record.version)
            require_same(stored, record)
            del self._domains[record.domain]

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `DomainStore`."""
        with self._lock:
            return self._domains.get(domain), self._speakers.get((domain, speaker))

    def find_with_brake(
        self, domain: str, speaker: str
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakeRecord]:
        """See `DomainStore`."""
        return *self.find(domain, speaker), self.brakes.brake(domain)

    def put_speaker(self, record: SpeakerRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            domain = self._domains.get(record.domain)
            if domain is None or not domain.is_open:
                raise DomainChanged
            require_follows(self._speakers.get((record.domain, record.speaker)), record)
            self._speakers[record.domain, record.speaker] = record

    def delete_speaker(self, domain: str, speaker: str) -> bool:
        """See `DomainStore`."""
        with self._lock:
            return self._speakers.pop((domain, speaker), None) is not None

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `DomainStore`."""
        with self._lock:
            names = sorted(name for owner, name in self._speakers if owner == domain and name > (after or ""))
            page = [self._speakers[domain, name] for name in names[:limit]]
        return SpeakerPage(page, page[-1].speaker if len(names) > limit else None)
