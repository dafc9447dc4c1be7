"""Life cycle of policies: versions are read, one is staged, becomes active, and the one before comes back."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bonafide.biometrics.decision import require_bounds
from bonafide.biometrics.policy import Policy
from bonafide.errors import Conflict, NotFound, Subject
from bonafide.observability import logger
from bonafide.ports.stores import DomainStore, StagingStore
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedPolicy, Staging
from bonafide.records.settings.versions import DomainVersion, SettingsAction
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.domains.versions import ChangeNote, kept_versions
from bonafide.services.shared.lookups import require_open, require_revision
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 5
# Versions of settings that one page of policies is looked for in.
SEARCHED = 200


@dataclass(frozen=True, slots=True)
class PolicyVersions:
    """A page of policies.

    Attributes:
        versions: of settings that came with another policy, the newest first.
        before: version of settings that the next page begins before; None on the last one.
    """

    versions: Sequence[DomainVersion]
    before: int | None


class Policies:
    """Reads, stages, activates and takes back policies of domains."""

    def __init__(self, domains: DomainStore, stagings: StagingStore, clock: Clock = utc_now) -> None:
        self._domains = domains
        self._stagings = stagings
        self._clock = clock

    def versions(self, domain: str, before: int | None, limit: int) -> PolicyVersions:
        """Reads at most `limit` policies that settings below version `before` came with; a page may hold fewer.

        Raises:
            NotFound: there is no such domain.
        """
        record = self._open(domain)
        found = self._domains.domain_versions(record, before, SEARCHED)
        if not found and before is None:
            # A domain that an earlier release wrote has one version, the present one, until its first change.
            return PolicyVersions([DomainVersion.of(record, None, None)], None)
        chosen = [each for each in found if each.changes_policy][:limit]
        seen = chosen if len(chosen) == limit else found
        more = len(found) == SEARCHED or len(seen) < len(found)
        return PolicyVersions(chosen, seen[-1].record.version if more and seen[-1].record.version > 1 else None)

    def version(self, domain: str, policy_version: int) -> DomainVersion:
        """Reads a version of the policy, as the settings that first came with it.

        Raises:
            NotFound: there is no such domain, or the policy has no such version that is kept.
        """
        return self._version(self._open(domain), policy_version)

    def staged(self, domain: str) -> StagedPolicy:
        """Reads the policy that is staged.

        Raises:
            NotFound: there is no such domain, or none is staged in it.
        """
        return _existing(self._staging(self._open(domain))[1])

    def stage(self, domain: str, changes: Mapping[str, Any], reason: str, principal: str | None) -> StagedPolicy:
        """Stages the active policy with changes, in place of the one that is staged; the same again changes nothing.

        Raises:
            NotFound: there is no such domain.
            InvalidInput: the policy is out of bounds.
        """

        def attempt() -> StagedPolicy:
            record = self._open(domain)
            staging, current = self._staging(record)
            policy = replace(record.policy, **changes)
            require_bounds(policy)
            if current and (current.policy, current.base_version) == (policy, record.policy_version):
                return current
            now, version = self._clock(), staging.version + 1
            staged = StagedPolicy(version, policy, record.policy_version, reason, principal, now)
            self._stagings.put_staging(staging.next(record.created_at, now, staged))
            return staged

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def withdraw(self, domain: str) -> StagedPolicy:
        """Ends the shadow of the policy that is staged, and returns that.

        Raises:
            NotFound: there is no such domain, or none is staged in it.
        """

        def attempt() -> StagedPolicy:
            record = self._open(domain)
            staging, current = self._staging(record)
            staged = _existing(current)
            self._stagings.put_staging(staging.next(record.created_at, self._clock(), None))
            return staged

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def activate(
        self, domain: str, staged_version: int, reason: str, revisions: Collection[str] | None, principal: str | None
    ) -> DomainRecord:
        """Makes the staged policy the active one, over the policy that it was staged beside.

        Args:
            domain: of the policy.
            staged_version: of the policy that is meant.
            reason: for the history.
            revisions: of which the domain has to be one; empty for any, None if the request names none.
            principal: verified identity of who wants it.

        Raises:
            NotFound: there is no such domain, or nothing is staged in it.
            Conflict: another policy is staged, or another one is active than when it was staged.
            PreconditionFailed: the domain is another revision by now.
        """

        def attempt() -> DomainRecord:
            record = self._open(domain)
            require_revision(record, revisions)
            staging, current = self._staging(record)
            staged = _existing(current)
            _require_meant(staged, staged_version, record)
            ended = staging.next(record.created_at, self._clock(), None)
            note = ChangeNote(principal, reason, SettingsAction.ACTIVATED)
            return self._written(record, staged.policy, note, ended)

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def roll_back(
        self, domain: str, policy_version: int, reason: str, revisions: Collection[str] | None, principal: str | None
    ) -> DomainRecord:
        """Makes the policy before an active version active again, as a new version; other settings stay.

        From a policy that was restored, it goes before the version that this was restored from, so never to one that
        was left.

        Args:
            domain: of the policy.
            policy_version: of the active policy, which is to be left: sent twice, it goes back once.
            reason: for the history.
            revisions: as of `activate`.
            principal: the same.

        Raises:
            NotFound: there is no such domain, or the version before is not kept.
            Conflict: another version of the policy is active.
            InvalidInput: the policy before is beyond the bounds of this release.
            PreconditionFailed: the domain is another revision by now.
        """

        def attempt() -> DomainRecord:
            record = self._open(domain)
            require_revision(record, revisions)
            if record.policy_version != policy_version:
                raise Conflict(
                    "policy_version_outdated",
                    "Another version of the policy is active.",
                    subject=Subject.POLICY_VERSION,
                    limit=record.policy_version,
                    found=policy_version,
                )
            former = self._version(record, self._version(record, policy_version).origin - 1)
            note = ChangeNote(principal, reason, SettingsAction.ROLLED_BACK, former.origin)
            return self._written(record, former.record.policy, note, None)

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def _written(self, record: DomainRecord, policy: Policy, note: ChangeNote, staging: Staging | None) -> DomainRecord:
        require_bounds(policy)
        changed = record.policy_version + (record.policy != policy)
        wanted = record.next(policy=policy, policy_version=changed, updated_at=self._clock())
        self._domains.put_domain(wanted, kept_versions(self._domains, wanted, record, note), staging)
        # A warning, so that it stands out; the reason holds no personal data.
        known = {"domain": record.domain, "policy_version": changed, "reason": note.reason}
        logger.warning("policy changed", extra={**known, "action": note.action, "changed_by": note.changed_by})
        return wanted

    def _version(self, record: DomainRecord, policy_version: int) -> DomainVersion:
        """Looks for the first settings with a version of the policy, which rises with that of the settings."""
        newest = self._newest_below(record)
        at = bisect_left(range(1, record.version + 1), policy_version, key=lambda version: newest(version)[0]) + 1
        number, found = newest(at)
        if number != policy_version or found is None:
            raise NotFound(
                "policy_version_not_found",
                "The policy has no such version that is kept.",
                subject=Subject.POLICY_VERSION,
                found=policy_version,
            )
        return found

    def _newest_below(self, record: DomainRecord) -> Callable[[int], tuple[int, DomainVersion | None]]:
        """Returns a function that reads the newest settings up to a version, with the version of their policy, or 0."""

        def newest(version: int) -> tuple[int, DomainVersion | None]:
            kept = next(iter(self._domains.domain_versions(record, version + 1, 1)), None)
            number = kept.record.policy_version if kept else 0
            if version >= record.version and number != record.policy_version:
                # What an earlier release wrote last is not kept, but stored as the domain.
                return record.policy_version, DomainVersion.of(record, None, None)
            return number, kept

        return newest

    def _staging(self, record: DomainRecord) -> tuple[Staging, StagedPolicy | None]:
        staging = self._stagings.staging(record.domain)
        return staging, staging.of_domain_made(record.created_at)

    def _open(self, domain: str) -> DomainRecord:
        return require_open(self._domains.domain(domain), domain)


def _existing(staged: StagedPolicy | None) -> StagedPolicy:
    if staged is None:
        raise NotFound("policy_not_staged", "No policy is staged in the domain.", subject=Subject.STAGED_VERSION)
    return staged


def _require_meant(staged: StagedPolicy, staged_version: int, record: DomainRecord) -> None:
    if staged.staged_version != staged_version:
        raise Conflict(
            "staged_policy_changed",
            "Another policy is staged by now; read it, and decide again.",
            subject=Subject.STAGED_VERSION,
            limit=staged.staged_version,
            found=staged_version,
        )
    if staged.base_version != record.policy_version:
        raise Conflict(
            "staged_policy_outdated",
            "The active policy has changed since this one was staged; stage it again.",
            subject=Subject.POLICY_VERSION,
            limit=staged.base_version,
            found=record.policy_version,
        )
