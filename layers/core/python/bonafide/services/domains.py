"""Domains: created, changed, read and deleted."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from bonafide.access.authorization import current
from bonafide.access.principal import Principals
from bonafide.biometrics.decision import require_bounds
from bonafide.errors import Conflict, NotFound, Subject
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.fingerprints import FingerprintStore
from bonafide.ports.stores import AttemptStore, DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState, DomainVersion, WantedSettings
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.request import RequestContext
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.erasing import begin, note
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import (
    domain_changed,
    domain_deleting,
    domain_not_found,
    require_open,
    require_permitted,
    require_stage_role,
)
from bonafide.services.shared.recordings import Recordings, UploadOffer
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 5
# One request deletes up to 2,000 speakers, or 20,000 recordings: some ten seconds of the 29 that it has.
DELETE_PAGE = 100
PAGES_AT_ONCE = 20


class Domains:
    """Life cycle of a domain."""

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

    def put(self, domain: str, settings: WantedSettings, principal: str | None) -> DomainRecord:
        """Creates or changes a domain; the same settings again change nothing. Every version is kept.

        Args:
            domain: to create or change.
            settings: that are wanted; without principals a new domain is bound to who creates it.
            principal: verified identity of who wants them.

        Raises:
            AccessDenied: the sender is no administrator of the domain as it is by now; or none of the stage, whom
                changes of quotas are left to.
            InvalidInput: the policy is out of bounds, or the principals would lock somebody out.
            Conflict: the domain is being deleted.
        """

        def attempt() -> DomainRecord:
            current = self._store.domain(domain)
            require_permitted(current)
            wanted = self._wanted(domain, settings, current)
            if current is None:
                # What a request in flight left after the deletion of a predecessor.
                self._recordings.forget_uploads(domain)
                self._attempts.forget(domain, None)
            if wanted is not current:
                self._store.put_domain(wanted, self._history(wanted, current, principal))
            return wanted

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def versions(self, domain: str, before: int | None, limit: int) -> Sequence[DomainVersion]:
        """Reads at most `limit` versions of the settings below `before`, or of all; the newest first.

        A domain that an earlier release wrote has one version, the present one, until its first change.

        Raises:
            NotFound: there is no such domain.
        """
        record = self._existing(domain)
        found = self._store.domain_versions(record, before, limit)
        if not found and before is None:
            return [DomainVersion.of(record, None, None)]
        return found

    def version(self, domain: str, version: int) -> DomainVersion:
        """Reads one version of the settings.

        Raises:
            NotFound: there is no such domain, or no such version of it.
        """
        record = self._existing(domain)
        for each in (*self._store.domain_versions(record, version + 1, 1), *self.versions(domain, None, 1)):
            if each.record.version == version:
                return each
        raise NotFound("domain_version_not_found", "The settings have no such version.", found=version)

    def get(self, domain: str) -> DomainRecord:
        """Reads a domain.

        Raises:
            NotFound: there is none.
        """
        return self._existing(domain)

    def offer_upload(
        self, domain: str, length: int | None, context: RequestContext, media_type: str | None = None
    ) -> tuple[DomainRecord, UploadOffer]:
        """Creates an upload URL for a recording of `length` bytes and a type, if known, in an open domain.

        A request that is repeated gets another URL for the same upload.

        Raises:
            NotFound: there is no such domain.
        """
        record = require_open(self._store.domain(domain), domain)
        name = request_identifier(context, domain, record.created_at.isoformat(), "upload")
        return record, self._recordings.offer_upload(domain, name, length, media_type)

    def delete(self, domain: str, *, force: bool) -> None:
        """Deletes a domain; `force` deletes its speakers first. What becomes of decisions is a setting.

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
        erasure, erased = self._begin_erasure(record), Counter[str]()
        try:
            self._store.shred_keys(record)
            self._erase(record, erased)
            # A request that had begun before the closing may have made another one.
            self._store.shred_keys(record)
            erased["domains"] += self._remove(record)
        finally:
            if erasure:
                note(self._erasures, domain, erasure, erased)

    def _history(
        self, wanted: DomainRecord, current: DomainRecord | None, principal: str | None
    ) -> Sequence[DomainVersion]:
        """Returns the version that is written, and the one before if an earlier release did not keep it."""
        if current is None:
            return [DomainVersion.of(wanted, None, principal)]
        if current.settings == wanted.settings:
            return []
        kept = self._store.domain_versions(current, None, 1)
        known = kept and kept[0].record.settings == current.settings
        former = [] if known else [DomainVersion.of(current, kept[0].record if kept else None, None)]
        return [*former, DomainVersion.of(wanted, current, principal)]

    def _existing(self, domain: str) -> DomainRecord:
        record = self._store.domain(domain)
        require_permitted(record)
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
        # Recordings go last and by the domain's name: an enrollment that was killed leaves audio without a speaker.
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

    def _wanted(self, domain: str, settings: WantedSettings, current: DomainRecord | None) -> DomainRecord:
        now = self._clock()
        policy, retention, principals, quota = settings.over(current)
        require_bounds(policy)
        if quota != (current.quota if current else None):
            require_stage_role()
        if current is None:
            bound = principals or _creator()
            times: dict[str, Any] = {"created_at": now, "updated_at": now}
            return DomainRecord(domain, policy, retention, **times, version=1, principals=bound, quota=quota)
        if current.state is DomainState.DELETING:
            raise domain_deleting()
        if current.is_open and current.settings == (policy, retention, principals, quota):
            return current
        return current.next(
            policy=policy,
            retention=retention,
            principals=principals,
            quota=quota,
            updated_at=now,
            policy_version=current.policy_version + (current.policy != policy),
            state=DomainState.OPEN,
        )


def _creator() -> Principals:
    """Binds a new domain to who creates it; one that no request creates, to nobody but those of the stage."""
    sender = current()
    return Principals.only(sender.principal if sender else None)
