"""Domains: created, changed, read and deleted."""

from collections.abc import Collection, Sequence
from typing import Any

from bonafide.access.authorization import current
from bonafide.access.principal import Principals
from bonafide.biometrics.decision import require_bounds
from bonafide.errors import NotFound
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.fingerprints import FingerprintStore
from bonafide.ports.stores import AttemptStore, DomainStore
from bonafide.records.domain import DomainRecord, DomainState, WantedSettings
from bonafide.records.request import RequestContext
from bonafide.records.settings.changes import ChangedSettings
from bonafide.records.settings.versions import DomainVersion
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.domains.deletion import DomainDeletion
from bonafide.services.shared.domains.versions import ChangeNote, kept_versions
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import (
    domain_deleting,
    domain_not_found,
    require_open,
    require_permitted,
    require_revision,
    require_stage_role,
)
from bonafide.services.shared.recordings import Recordings, UploadOffer
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 5


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
        self._clock = clock
        self._deletion = DomainDeletion(store, attempts, recordings, fingerprints, erasures, clock)

    def put(
        self, domain: str, settings: WantedSettings, principal: str | None, revisions: Collection[str] | None = None
    ) -> DomainRecord:
        """Creates or changes a domain; the same settings again change nothing. Every version is kept.

        Args:
            domain: to create or change.
            settings: that are wanted; without principals a new domain is bound to who creates it.
            principal: verified identity of who wants them.
            revisions: of which the domain has to be one; empty for any, None for any or none.

        Raises:
            AccessDenied: the sender is no administrator of the domain as it is by now; or none of the stage, whom
                changes of quotas are left to.
            PreconditionFailed: it is another revision by now, or there is none.
            InvalidInput: the policy is out of bounds, or the principals would lock somebody out.
            Conflict: the domain is being deleted.
        """

        def attempt() -> DomainRecord:
            current = self._store.domain(domain)
            require_permitted(current)
            require_revision(current, revisions)
            wanted = self._wanted(domain, settings, current)
            if current is None:
                # What a request in flight left after the deletion of a predecessor.
                self._recordings.forget_uploads(domain)
                self._attempts.forget(domain, None)
            return self._written(wanted, current, ChangeNote(principal, settings.reason))

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def change(
        self, domain: str, changes: ChangedSettings, revisions: Collection[str], principal: str | None
    ) -> DomainRecord:
        """Changes the settings of a domain that are named, and no other; the version is kept as by `put`.

        Args:
            domain: to change.
            changes: that are wanted.
            revisions: of which the domain has to be one; empty for any.
            principal: verified identity of who wants them.

        Raises:
            AccessDenied, InvalidInput, Conflict: as by `put`.
            NotFound: there is no such domain.
            PreconditionFailed: it is another revision by now.
        """

        def attempt() -> DomainRecord:
            current = self._existing(domain)
            require_revision(current, revisions)
            wanted = self._wanted(domain, changes.over(current), current)
            return self._written(wanted, current, ChangeNote(principal, changes.reason))

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def _written(self, wanted: DomainRecord, current: DomainRecord | None, note: ChangeNote) -> DomainRecord:
        if wanted is not current:
            self._store.put_domain(wanted, kept_versions(self._store, wanted, current, note))
        return wanted

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
        self._deletion.delete(self._existing(domain), force=force)

    def _existing(self, domain: str) -> DomainRecord:
        record = self._store.domain(domain)
        require_permitted(record)
        if record is None:
            raise domain_not_found(domain)
        return record

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
