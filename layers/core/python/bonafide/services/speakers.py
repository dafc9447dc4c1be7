"""Speakers: read, listed, opted out and deleted."""

from collections import Counter
from datetime import datetime
from functools import partial

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.fingerprints import FingerprintStore
from bonafide.ports.stores import AttemptStore, DomainChanged, DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.speaker import SpeakerPage, SpeakerRecord, opted_out
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.erasing import begin, note
from bonafide.services.shared.identifiers import speaker_counter
from bonafide.services.shared.lookups import (
    WRITE_ATTEMPTS,
    domain_not_found,
    find_speaker,
    require_open,
    require_speaker,
)
from bonafide.services.shared.recordings import Recordings
from bonafide.services.shared.retries import retry_on_conflict


class Speakers:
    """Life cycle of a speaker after enrollment."""

    def __init__(
        self,
        store: DomainStore,
        attempts: AttemptStore,
        recordings: Recordings,
        fingerprints: FingerprintStore,
        erasures: ErasureStore,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._recordings = recordings
        self._fingerprints = fingerprints
        self._erasures = erasures
        self._clock = clock

    def get(self, domain: str, speaker: str) -> tuple[DomainRecord, SpeakerRecord]:
        """Reads a speaker with the domain.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        return find_speaker(self._store, domain, speaker)

    def list(self, domain: str, after: str | None, limit: int) -> tuple[DomainRecord, SpeakerPage]:
        """Reads at most `limit` speakers whose identifiers come after `after`, with the domain.

        Raises:
            NotFound: the domain is unknown.
        """
        record = require_open(self._store.domain(domain), domain)
        return record, self._store.list_speakers(domain, after, limit)

    def opt_out(self, domain: str, speaker: str) -> tuple[DomainRecord, SpeakerRecord]:
        """Erases the voiceprint and refuses enrollment and authentication until consent is given anew.

        A speaker who was never enrolled gets a record of the opt-out: the name and the time, which a deletion forgets.

        Raises:
            NotFound: the domain is unknown.
        """

        def attempt() -> tuple[DomainRecord, SpeakerRecord, str]:
            found, known, at = self._find_to_erase(ErasureKind.OPTED_OUT, domain, speaker)
            erasure = self._begin(ErasureKind.OPTED_OUT, found, speaker, known, at)
            current = opted_out(known or _nobody(domain, speaker, at), at)
            self._store.put_speaker(found, current)
            return found, current, erasure

        try:
            found, current, erasure = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        except DomainChanged as error:
            raise domain_not_found(domain) from error
        note(self._erasures, domain, erasure, Counter(speakers=1) + self._forget_voice(domain, speaker))
        return found, current

    def delete(self, domain: str, speaker: str) -> None:
        """Deletes a speaker with all that was kept of the voice.

        There is a report of whoever was there. What a first enrollment left that was killed goes without one.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        owner, known, at = self._find_to_erase(ErasureKind.SPEAKER_DELETED, domain, speaker)
        _, found = require_speaker(owner, known, domain, speaker)
        erasure = self._begin(ErasureKind.SPEAKER_DELETED, owner, speaker, found, at)
        # Before, so that a deletion that is cut short can be repeated; after, for audio that was kept meanwhile.
        erased = self._forget_voice(domain, speaker)
        erased["speakers"] += retry_on_conflict(WRITE_ATTEMPTS, partial(self._delete, found))
        erased["attempts"] += self._attempts.forget(domain, speaker_counter(speaker))
        note(self._erasures, domain, erasure, erased + self._forget_voice(domain, speaker))

    def _forget_voice(self, domain: str, speaker: str) -> Counter[str]:
        """Deletes kept audio and fingerprints; returns how many, by store."""
        return Counter(
            kept_audio=self._recordings.forget_speaker(domain, speaker),
            fingerprints=self._fingerprints.forget_speaker(domain, speaker),
        )

    def _delete(self, found: SpeakerRecord) -> bool:
        """Deletes the record in its current version, but not one that was made anew after its deletion."""
        _, current = self._store.find(found.domain, found.speaker)
        if current is None or current.created_at != found.created_at:
            return False
        self._store.delete_speaker(current)
        return True

    def _find_to_erase(
        self, kind: ErasureKind, domain: str, speaker: str
    ) -> tuple[DomainRecord, SpeakerRecord | None, datetime]:
        """Reads a speaker, with the domain; returns the time of the erasure, too.

        The clock is read first: a speaker who is made anew under the name after the one that was found is not meant.
        """
        at = self._clock()
        found, current = self._store.find(domain, speaker)
        if found and current is None:
            # The speaker may be missing until a restore. One that could not read this yet has put the speaker back.
            self._recordings.record_erasure(_record(kind, found, speaker, at))
            found, current = self._store.find(domain, speaker)
        if not (found and found.is_open and current):
            # A first enrollment that was killed leaves audio of a speaker who is not known yet.
            self._forget_voice(domain, speaker)
        owner = require_open(found, domain)
        return owner, current, max(at, current.created_at) if current else at

    def _begin(
        self, kind: ErasureKind, owner: DomainRecord, speaker: str, known: SpeakerRecord | None, at: datetime
    ) -> str:
        """Puts an erasure on record for restores, and begins it in all other stores; returns its name."""
        record = _record(kind, owner, speaker, at)
        self._recordings.record_erasure(record)
        return begin(self._erasures, record, owner, known)


def _record(kind: ErasureKind, owner: DomainRecord, speaker: str, at: datetime) -> ErasureRecord:
    return ErasureRecord(kind, owner.domain, speaker, at, owner.retention.erased_decisions)


def _nobody(domain: str, speaker: str, now: datetime) -> SpeakerRecord:
    return SpeakerRecord(domain, speaker, SpeakerStatus.PENDING, created_at=now, updated_at=now)
