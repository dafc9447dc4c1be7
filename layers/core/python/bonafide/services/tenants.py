"""Domains: created, changed, read and deleted."""

from contextlib import suppress
from dataclasses import asdict, replace

from bonafide.biometrics.policy import Policy
from bonafide.contracts import Domain, DomainSettings, PolicySettings, RetentionSettings
from bonafide.errors import Conflict, NotFound, StoreUnavailable
from bonafide.ports import DomainRecord, Retention, TenantStore, VersionConflict
from bonafide.services.clock import Clock, jittered_pauses, utc_now
from bonafide.services.recordings import Recordings

WRITE_ATTEMPTS = 5
DELETE_PAGE = 100


def domain_not_found(domain: str) -> NotFound:
    """The error for a domain that is not there, or no more."""
    return NotFound("domain_not_found", "There is no such domain.", field="domain", found=domain)


class Tenants:
    """The life cycle of a domain."""

    def __init__(self, store: TenantStore, recordings: Recordings, clock: Clock = utc_now) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    def put(self, domain: str, settings: DomainSettings) -> Domain:
        """Creates or changes a domain; the same settings again change nothing.

        Raises:
            Conflict: the domain is being deleted.
        """
        for pause in jittered_pauses(WRITE_ATTEMPTS):
            current = self._store.domain(domain)
            wanted = self._wanted(domain, settings, current)
            if wanted is current:
                return view(wanted)
            try:
                self._store.put_domain(wanted)
            except VersionConflict:
                pause()
                continue
            return view(wanted)
        raise StoreUnavailable

    def get(self, domain: str) -> Domain:
        """Reads a domain.

        Raises:
            NotFound: there is none.
        """
        return view(self._existing(domain))

    def delete(self, domain: str, *, force: bool) -> None:
        """Deletes a domain; `force` deletes its speakers first. Decisions stay until their retention is over.

        A forced deletion that is cut short leaves the domain closed to everything but another deletion, which goes on.

        Raises:
            NotFound: there is none.
            Conflict: it has speakers, and `force` was not given; or it was changed at the same time.
        """
        record = self._existing(domain)
        if not force:
            # Asked first, too, so that a deletion that is refused does not close the domain to calls meanwhile.
            self._require_empty(domain)
        record = self._close(record)
        if not force:
            self._require_empty(domain, closed=record)
        while page := self._store.list_speakers(domain, None, DELETE_PAGE).speakers:
            for speaker in page:
                self._recordings.forget_speaker(domain, speaker.speaker)
                self._store.delete_speaker(domain, speaker.speaker)
        self._remove(record)

    def require(self, domain: str) -> None:
        """Checks that the domain exists and stands.

        Raises:
            NotFound: it does not.
        """
        if self._existing(domain).deleting:
            raise domain_not_found(domain)

    def _existing(self, domain: str) -> DomainRecord:
        record = self._store.domain(domain)
        if record is None:
            raise domain_not_found(domain)
        return record

    def _close(self, record: DomainRecord) -> DomainRecord:
        """Keeps enrolments out while it is decided, and done, what the deletion asks for."""
        if record.deleting:
            return record
        closed = replace(record, deleting=True, version=record.version + 1)
        try:
            self._store.put_domain(closed)
        except VersionConflict as error:
            raise _domain_changed() from error
        return closed

    def _require_empty(self, domain: str, closed: DomainRecord | None = None) -> None:
        """Refuses to delete what has speakers; opens the domain again if it was closed for that."""
        if not self._store.list_speakers(domain, None, 1).speakers:
            return
        if closed:
            with suppress(VersionConflict):
                self._store.put_domain(replace(closed, deleting=False, version=closed.version + 1))
        raise Conflict("domain_not_empty", "The domain has speakers; delete them, or delete with force.", field="force")

    def _remove(self, record: DomainRecord) -> None:
        try:
            self._store.delete_domain(record)
        except VersionConflict as error:
            if self._store.domain(record.domain):
                raise _domain_changed() from error

    def _wanted(self, domain: str, settings: DomainSettings, current: DomainRecord | None) -> DomainRecord:
        now = self._clock()
        policy = Policy(**settings.policy.model_dump())
        retention = Retention(**settings.retention.model_dump())
        if current is None:
            return DomainRecord(domain, policy, retention, created_at=now, updated_at=now, version=1)
        if current.deleting:
            raise Conflict("domain_deleting", "The domain is being deleted.", field="domain")
        if (current.policy, current.retention) == (policy, retention):
            return current
        policy_version = current.policy_version + (current.policy != policy)
        return replace(
            current,
            policy=policy,
            retention=retention,
            updated_at=now,
            policy_version=policy_version,
            version=current.version + 1,
        )


def _domain_changed() -> Conflict:
    return Conflict("domain_changed", "The domain was changed at the same time; repeat the request.")


def view(record: DomainRecord) -> Domain:
    """Shows a domain to its owner."""
    return Domain(
        domain=record.domain,
        policy=PolicySettings(**asdict(record.policy)),
        policy_version=record.policy_version,
        retention=RetentionSettings(**asdict(record.retention)),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
