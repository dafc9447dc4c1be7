"""Domains and speakers in memory."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bonafide.adapters.memory.attempts import MemoryAttemptStore
from bonafide.adapters.memory.brakes import MemoryBrakeStore
from bonafide.adapters.memory.calibrations import MemoryCalibrationStore
from bonafide.adapters.memory.versions import require_follows, require_same, require_version
from bonafide.adapters.policies.memory import MemoryStagingStore
from bonafide.ports.stores import DomainChanged
from bonafide.records.brake import BrakeRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import Staging
from bonafide.records.settings.versions import DomainVersion
from bonafide.records.speaker import SpeakerPage, SpeakerRecord


class MemoryDomainStore:
    """`DomainStore` in memory.

    Attributes:
        stagings: policies of the domains that are staged.
        brakes: of the domains and of the stage.
        calibrations: of the domains.
        attempts: counters of failed attempts in the domains.
    """

    def __init__(self) -> None:
        self.stagings = MemoryStagingStore()
        self.brakes = MemoryBrakeStore()
        self.calibrations = MemoryCalibrationStore()
        self.attempts = MemoryAttemptStore()
        self._lock = threading.Lock()
        self._domains: dict[str, DomainRecord] = {}
        self._speakers: dict[tuple[str, str], SpeakerRecord] = {}
        self._versions: dict[str, list[DomainVersion]] = {}

    def domain(self, domain: str) -> DomainRecord | None:
        """See `DomainStore`."""
        return self._domains.get(domain)

    def put_domain(
        self, record: DomainRecord, history: Sequence[DomainVersion] = (), staging: Staging | None = None
    ) -> None:
        """See `DomainStore`."""
        with self._lock:
            require_follows(self._domains.get(record.domain), record)
            if staging:
                self.stagings.put_staging(staging)
            self._domains[record.domain] = record
            self._versions.setdefault(record.domain, []).extend(history)

    def domain_versions(self, record: DomainRecord, before: int | None, limit: int) -> Sequence[DomainVersion]:
        """See `DomainStore`."""
        with self._lock:
            every = self._versions.get(record.domain, [])[::-1]
        own = (each for each in every if each.record.created_at == record.created_at)
        return [each for each in own if before is None or each.record.version < before][:limit]

    def forget_versions(self, domain: str) -> int:
        """See `DomainStore`."""
        with self._lock:
            return len(self._versions.pop(domain, ()))

    def delete_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            stored = self._domains.get(record.domain)
            require_version(stored, record.version)
            require_same(stored, record)
            del self._domains[record.domain]

    def shred_keys(self, domain: DomainRecord) -> None:
        """See `DomainStore`. Nothing is encrypted here."""

    def domain_names(self) -> Iterator[str]:
        """See `DomainStore`."""
        return iter(list(self._domains))

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `DomainStore`."""
        with self._lock:
            return self._domains.get(domain), self._speakers.get((domain, speaker))

    def find_with_brake(
        self, domain: str, speaker: str, counters: Sequence[str] = ()
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakeRecord]:
        """See `DomainStore`."""
        found, known = self.find(domain, speaker)
        if found:
            found = replace(found, staged=self.stagings.staging(domain).of_domain_made(found.created_at))
        calibrations = self.calibrations.calibrations(domain)
        counted = tuple(self.attempts.attempts(domain, each) for each in counters)
        used = known and replace(known, used_at=self.attempts.uses.get((domain, f"speaker#{speaker}")))
        return found and replace(found, calibrations=calibrations, attempts=counted), used, self.brakes.brake(domain)

    def put_speaker(self, domain: DomainRecord, record: SpeakerRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            stored = self._speakers.get((record.domain, record.speaker))
            require_follows(stored, record)
            if stored is None:
                self._require_open(domain)
            self._speakers[record.domain, record.speaker] = record

    def delete_speaker(self, record: SpeakerRecord) -> None:
        """See `DomainStore`."""
        with self._lock:
            stored = self._speakers.get((record.domain, record.speaker))
            require_version(stored, record.version)
            require_same(stored, record)
            del self._speakers[record.domain, record.speaker]

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `DomainStore`."""
        stored = [each for each in self._sorted(domain) if each.speaker > (after or "")]
        page = [each.summary for each in stored[:limit]]
        return SpeakerPage(page, page[-1].speaker if len(stored) > limit else None)

    def stored_speakers(self, domain: str, limit: int) -> Sequence[SpeakerRecord]:
        """See `DomainStore`. Writes are atomic here, so none is ever about to be written."""
        return self._sorted(domain)[:limit]

    def _sorted(self, domain: str) -> list[SpeakerRecord]:
        with self._lock:
            return [self._speakers[key] for key in sorted(self._speakers) if key[0] == domain]

    def _require_open(self, domain: DomainRecord) -> None:
        current = self._domains.get(domain.domain)
        if not domain.is_still_open(current):
            raise DomainChanged
