"""Deletion of a domain with everything that it holds."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from bonafide.errors import Conflict, Subject
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.fingerprints import FingerprintStore
from bonafide.ports.stores import AttemptStore, DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock
from bonafide.services.shared.erasing import begin, note
from bonafide.services.shared.lookups import domain_changed, domain_deleting
from bonafide.services.shared.recordings import Recordings

# One request deletes up to 2,000 speakers, or 20,000 recordings: some ten seconds of the 29 that it has. It is fewer
# where voiceprints are large, since a query reads 1 MB at most: some 140 speakers of 150 KB.
DELETE_PAGE = 100
PAGES_AT_ONCE = 20


class DomainDeletion:
    """Closes domains and empties them."""

    def __init__(
        self,
        store: DomainStore,
        attempts: AttemptStore,
        recordings: Recordings,
        fingerprints: FingerprintStore,
        erasures: ErasureStore,
        clock: Clock,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._recordings = recordings
        self._fingerprints = fingerprints
        self._erasures = erasures
        self._clock = clock

    def delete(self, record: DomainRecord, *, force: bool) -> None:
        """Deletes a domain as it was read; see `Domains.delete`."""
        if not force and record.state is not DomainState.DELETING:
            record = self._close_if_empty(record)
        if record.state is not DomainState.DELETING:
            record = self._switch(record, DomainState.DELETING)
        erasure, erased = self._begin_erasure(record), Counter[str]()
        try:
            self._store.shred_keys(record)
            self._erase(record, erased)
            # A request that had begun before the closing may have made another one.
            self._store.shred_keys(record)
            erased["domains"] += self._remove(record)
        finally:
            if erasure:
                note(self._erasures, record.domain, erasure, erased)

    def _close_if_empty(self, record: DomainRecord) -> DomainRecord:
        """Keeps enrollments out while speakers are looked for; opens the domain again if there are any."""
        if record.is_open:
            # Looked for before, too, so that a deletion that is refused does not close the domain meanwhile.
            self._require_empty(record)
            record = self._switch(record, DomainState.EMPTYING)
        self._require_empty(record)
        return record

    def _require_empty(self, record: DomainRecord) -> None:
        if not self._has_speakers(record):
            return
        if not record.is_open:
            with suppress(Conflict):
                self._switch(record, DomainState.OPEN)
        raise Conflict(
            "domain_not_empty", "The domain has speakers; delete them, or delete with force.", subject=Subject.SPEAKERS
        )

    def _has_speakers(self, record: DomainRecord) -> bool:
        """Tells whether there are speakers. First versions that are about to be written fail in a closed domain."""
        while page := self._store.stored_speakers(record.domain, DELETE_PAGE):
            if record.is_open or any(speaker.version for speaker in page):
                return any(speaker.version for speaker in page)
            self._delete(page)
        return False

    def _delete(self, speakers: Sequence[SpeakerRecord]) -> Counter[str]:
        """Deletes speakers with their fingerprints; returns how many, by store."""
        erased = Counter[str]()
        for speaker in speakers:
            erased["fingerprints"] += self._fingerprints.forget_speaker(speaker.domain, speaker.speaker)
            # One that was written meanwhile is found again by the next look.
            with suppress(VersionConflict):
                self._store.delete_speaker(speaker)
                erased["speakers"] += 1
        return erased

    def _switch(self, record: DomainRecord, state: DomainState) -> DomainRecord:
        switched = record.next(state=state)
        try:
            self._store.put_domain(switched)
        except VersionConflict as error:
            raise domain_changed() from error
        return switched

    def _begin_erasure(self, record: DomainRecord) -> str | None:
        """Puts the deletion of a closed domain on record, unless another one was faster and has done so.

        Its time is after the closing, so that it means every speaker, and before the domain is read once more, so that
        it means no domain that is made later under the name.

        Returns:
            The name of the erasure, if it is of this domain.
        """
        at = self._clock()
        if self._store.domain(record.domain) != record:
            return None
        decisions = record.retention.erased_decisions
        erasure = ErasureRecord(ErasureKind.DOMAIN_DELETED, record.domain, None, at, decisions)
        self._recordings.record_erasure(erasure)
        return begin(self._erasures, erasure, record)

    def _erase(self, record: DomainRecord, erased: Counter[str]) -> None:
        """Deletes speakers and recordings of a closed domain, as many as one request has time for, and counts them.

        The recordings go last and by the domain's name: an enrollment that was killed leaves audio without a speaker.
        """
        for _ in range(PAGES_AT_ONCE):
            page = self._store.stored_speakers(record.domain, DELETE_PAGE)
            if self._store.domain(record.domain) != record:
                # Another deletion was faster, and these may be the speakers of a new domain of that name.
                return
            erased.update(self._delete(page))
            recordings = 0 if page else self._recordings.forget_some(record.domain)
            erased["kept_audio"] += recordings
            if not page and not recordings:
                erased["attempts"] += self._attempts.forget(record.domain, None)
                erased["versions"] += self._store.forget_versions(record.domain)
                erased["fingerprints"] += self._fingerprints.forget_claims(record.domain)
                return
        raise domain_deleting()

    def _remove(self, record: DomainRecord) -> bool:
        try:
            self._store.delete_domain(record)
        except VersionConflict as error:
            if self._store.domain(record.domain):
                raise domain_changed() from error
            return False
        return True
