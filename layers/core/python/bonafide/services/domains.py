"""Domains: created, changed, read and deleted."""

from collections.abc import Sequence
from contextlib import suppress

from bonafide.biometrics.decision import require_bounds
from bonafide.biometrics.policy import Policy
from bonafide.errors import Conflict, Subject
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState, Retention
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.request import RequestContext
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import domain_not_found, require_open
from bonafide.services.shared.recordings import Recordings, UploadOffer
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 5
# One request deletes up to 2,000 speakers, or 20,000 recordings: some ten seconds of the 29 that it has.
DELETE_PAGE = 100
PAGES_AT_ONCE = 20


class Domains:
    """Life cycle of a domain."""

    def __init__(self, store: DomainStore, recordings: Recordings, clock: Clock = utc_now) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    def put(self, domain: str, policy: Policy, retention: Retention) -> DomainRecord:
        """Creates or changes a domain; the same settings again change nothing.

        Raises:
            InvalidInput: the policy is out of bounds.
            Conflict: the domain is being deleted.
        """
        require_bounds(policy)

        def attempt() -> DomainRecord:
            current = self._store.domain(domain)
            wanted = self._wanted(domain, policy, retention, current)
            if wanted is not current:
                self._store.put_domain(wanted)
            return wanted

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def get(self, domain: str) -> DomainRecord:
        """Reads a domain.

        Raises:
            NotFound: there is none.
        """
        return self._existing(domain)

    def offer_upload(
        self, domain: str, length: int | None, context: RequestContext
    ) -> tuple[DomainRecord, UploadOffer]:
        """Creates an upload URL for a recording of `length` bytes, if known, in an open domain.

        A request that is repeated gets another URL for the same upload.

        Raises:
            NotFound: there is no such domain.
        """
        record = require_open(self._store.domain(domain), domain)
        name = request_identifier(context, domain, record.created_at.isoformat(), "upload")
        return record, self._recordings.offer_upload(domain, name, length)

    def delete(self, domain: str, *, force: bool) -> None:
        """Deletes a domain; `force` deletes its speakers first. Decisions stay until their retention is over.

        A deletion that is cut short, or has more to delete than one request has time for, leaves the domain closed to
        everything but another deletion, which goes on.

        Raises:
            NotFound: there is none.
            Conflict: it has speakers, and `force` was not given; it was changed at the same time; or this was only a
                part of the deletion, and the next request goes on.
        """
        record = self._existing(domain)
        if not force and record.state is not DomainState.DELETING:
            record = self._close_if_empty(record)
        if record.state is not DomainState.DELETING:
            record = self._switch(record, DomainState.DELETING)
        self._record_erasure(record)
        self._store.shred_keys(record)
        self._erase(record)
        # A request that had begun before the closing may have made another one.
        self._store.shred_keys(record)
        self._remove(record)

    def _existing(self, domain: str) -> DomainRecord:
        record = self._store.domain(domain)
        if record is None:
            raise domain_not_found(domain)
        return record

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

    def _delete(self, speakers: Sequence[SpeakerRecord]) -> None:
        for speaker in speakers:
            # One that was written meanwhile is found again by the next look.
            with suppress(VersionConflict):
                self._store.delete_speaker(speaker)

    def _switch(self, record: DomainRecord, state: DomainState) -> DomainRecord:
        switched = record.next(state=state)
        try:
            self._store.put_domain(switched)
        except VersionConflict as error:
            raise _domain_changed() from error
        return switched

    def _record_erasure(self, record: DomainRecord) -> None:
        """Puts the deletion of a closed domain on record, unless another one was faster and has done so.

        Its time is after the closing, so that it means every speaker, and before the domain is read once more, so that
        it means no domain that is made later under the name.
        """
        at = self._clock()
        if self._store.domain(record.domain) == record:
            self._recordings.record_erasure(ErasureRecord(ErasureKind.DOMAIN_DELETED, record.domain, None, at))

    def _erase(self, record: DomainRecord) -> None:
        """Deletes speakers and recordings of a closed domain, as many as one request has time for.

        The recordings go last and by the domain's name: an enrollment that was killed leaves audio without a speaker.
        """
        for _ in range(PAGES_AT_ONCE):
            page = self._store.stored_speakers(record.domain, DELETE_PAGE)
            if self._store.domain(record.domain) != record:
                # Another deletion was faster, and these may be the speakers of a new domain of that name.
                return
            self._delete(page)
            if not page and self._recordings.forget_some(record.domain):
                return
        raise _domain_deleting()

    def _remove(self, record: DomainRecord) -> None:
        try:
            self._store.delete_domain(record)
        except VersionConflict as error:
            if self._store.domain(record.domain):
                raise _domain_changed() from error

    def _wanted(self, domain: str, policy: Policy, retention: Retention, current: DomainRecord | None) -> DomainRecord:
        now = self._clock()
        if current is None:
            return DomainRecord(domain, policy, retention, created_at=now, updated_at=now, version=1)
        if current.state is DomainState.DELETING:
            raise _domain_deleting()
        if current.is_open and (current.policy, current.retention) == (policy, retention):
            return current
        return current.next(
            policy=policy,
            retention=retention,
            updated_at=now,
            policy_version=current.policy_version + (current.policy != policy),
            state=DomainState.OPEN,
        )


def _domain_deleting() -> Conflict:
    return Conflict(
        "domain_deleting",
        "The domain is being deleted; repeat the deletion until it is gone.",
        subject=Subject.DOMAIN,
        retry_after=1,
    )


def _domain_changed() -> Conflict:
    return Conflict("domain_changed", "The domain was changed at the same time; repeat the request.")
