"""Speakers: read, listed, opted out and deleted."""

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
from bonafide.services.shared.erasing import begin
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

        def attempt() -> tuple[DomainRecord, SpeakerRecord]:
            found, known, at = self._find_to_erase(ErasureKind.OPTED_OUT, domain, speaker)
            current = opted_out(known or _nobody(domain, speaker, at), at)
            self._store.put_speaker(found, current)
            return found, current

        try:
            erased = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        except DomainChanged as error:
            raise domain_not_found(domain) from error
        self._forget_voice(domain, speaker)
        return erased

    def delete(self, domain: str, speaker: str) -> None:
        """Deletes a speaker with all that was kept of the voice.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        owner, known, _ = self._find_to_erase(ErasureKind.SPEAKER_DELETED, domain, speaker)
        _, found = require_speaker(owner, known, domain, speaker)
        # Before, so that a deletion that is cut short can be repeated; after, for audio that was kept meanwhile.
        self._forget_voice(domain, speaker)
        retry_on_conflict(WRITE_ATTEMPTS, partial(self._delete, found))
        self._attempts.forget(domain, speaker_counter(speaker))
        self._forget_voice(domain, speaker)

    def _forget_voice(self, domain: str, speaker: str) -> None:
        self._recordings.forget_speaker(domain, speaker)
        self._fingerprints.forget_speaker(domain, speaker)

    def _delete(self, found: SpeakerRecord) -> None:
        """Deletes the record in its current version, but not one that was made anew after its deletion."""
        _, current = self._store.find(found.domain, found.speaker)
        if current and current.created_at == found.created_at:
            self._store.delete_speaker(current)

    def _find_to_erase(
        self, kind: ErasureKind, domain: str, speaker: str
    ) -> tuple[DomainRecord, SpeakerRecord | None, datetime]:
        """Reads a speaker, with the domain, and puts the erasure on record; returns its time, too.

        The clock is read first: a speaker who is made anew under the name after the one that was found is not meant.
        """
        at = self._clock()
        found, current = self._store.find(domain, speaker)
        if found and current is None:
            # The speaker may be missing until a restore. One that could not read this yet has put the speaker back.
            self._record(ErasureRecord(kind, domain, speaker, at), found, None)
            found, current = self._store.find(domain, speaker)
        if not (found and found.is_open and current):
            # A first enrollment that was killed leaves audio of a speaker who is not known yet.
            self._forget_voice(domain, speaker)
        owner = require_open(found, domain)
        if current:
            at = max(at, current.created_at)
            self._record(ErasureRecord(kind, domain, speaker, at), owner, current)
        return owner, current, at

    def _record(self, record: ErasureRecord, owner: DomainRecord, known: SpeakerRecord | None) -> None:
        """Puts an erasure on record for restores, and begins it in all other stores."""
        self._recordings.record_erasure(record)
        begin(self._erasures, record, owner, known)


def _nobody(domain: str, speaker: str, now: datetime) -> SpeakerRecord:
    return SpeakerRecord(domain, speaker, SpeakerStatus.PENDING, created_at=now, updated_at=now)
