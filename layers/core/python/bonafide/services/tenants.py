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
# One request deletes up to 2,000 speakers, or 20,000 recordings: some ten seconds of the 29 that it has.
DELETE_PAGE = 100
PAGES_AT_ONCE = 20


def domain_not_found(domain: str) -> NotFound:
    """The error for a domain that is not there, or no more."""
    return NotFound("domain_not_found", "There is no such domain.", field="domain", found=domain)


def require_standing(store: TenantStore, domain: str) -> None:
    """Refuses what would go into a domain that is gone for good; one that is only looked through may open again.

    Raises:
        NotFound: it is gone, or going.
    """
    record = store.domain(domain)
    if record is None or (record.deleting and not record.tentative):
        raise domain_not_found(domain)


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

        A deletion that is cut short, or has more to delete than one request has time for, leaves the domain closed to
        everything but another deletion, which goes on.

        Raises:
            NotFound: there is none.
            Conflict: it has speakers, and `force` was not given; it was changed at the same time; or this was only a
                part of the deletion, and the next request goes on.
        """
        record = self._existing(domain)
        if not force and (record.tentative or not record.deleting):
            record = self._close_if_empty(record)
        if record.tentative or not record.deleting:
            record = self._switched(record, deleting=True)
        self._erase(record)
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

    def _close_if_empty(self, record: DomainRecord) -> DomainRecord:
        """Keeps enrolments out while it is looked for speakers; who finds any, opens the domain again."""
        if not record.deleting:
            # Asked first, too, so that a deletion that is refused does not close the domain to calls meanwhile.
            self._require_empty(record)
            record = self._switched(record, deleting=True, tentative=True)
        self._require_empty(record)
        return record

    def _require_empty(self, record: DomainRecord) -> None:
        if not self._store.list_speakers(record.domain, None, 1).speakers:
            return
        if record.deleting:
            with suppress(Conflict):
                self._switched(record, deleting=False)
        raise Conflict("domain_not_empty", "The domain has speakers; delete them, or delete with force.", field="force")

    def _switched(self, record: DomainRecord, *, deleting: bool, tentative: bool = False) -> DomainRecord:
        switched = replace(record, deleting=deleting, tentative=tentative, version=record.version + 1)
        try:
            self._store.put_domain(switched)
        except VersionConflict as error:
            raise _domain_changed() from error
        return switched

    def _erase(self, record: DomainRecord) -> None:
        """Deletes speakers and recordings of a closed domain, as many as one request has time for.

        The recordings go last and by the domain's name: an enrolment that was killed leaves audio without a speaker.
        """
        for _ in range(PAGES_AT_ONCE):
            page = self._store.list_speakers(record.domain, None, DELETE_PAGE).speakers
            if self._store.domain(record.domain) != record:
                # Another deletion was faster, and these may be the speakers of a new domain of that name.
                return
            for speaker in page:
                self._store.delete_speaker(record.domain, speaker.speaker)
            if not page and self._recordings.forget_some(record.domain):
                return
        raise _domain_deleting()

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
        if current.deleting and not current.tentative:
            raise _domain_deleting()
        if not current.deleting and (current.policy, current.retention) == (policy, retention):
            return current
        policy_version = current.policy_version + (current.policy != policy)
        return replace(
            current,
            policy=policy,
            retention=retention,
            updated_at=now,
            policy_version=policy_version,
            version=current.version + 1,
            deleting=False,
            tentative=False,
        )


def _domain_deleting() -> Conflict:
    return Conflict(
        "domain_deleting",
        "The domain is being deleted; repeat the deletion until it is gone.",
        field="domain",
        headers={"Retry-After": "1"},
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
