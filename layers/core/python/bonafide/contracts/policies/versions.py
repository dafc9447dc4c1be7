"""Versions of a domain's policy, and the one that is staged."""

from dataclasses import asdict
from typing import Any

from pydantic import AwareDatetime, Field, StrictInt

from bonafide.contracts.base import Answer, Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.contracts.domains import PolicySettings
from bonafide.contracts.settings.changes import PolicyChanges
from bonafide.records.policies.staged import StagedPolicy
from bonafide.records.settings.versions import DomainVersion, SettingsAction
from bonafide.services.policies.life_cycle import PolicyVersions

WHY = "Why, for the history. Holds references, never personal data."


class PolicyStaging(Request):
    """Stages the active policy with changes; what is left out stays as it is in the active one."""

    policy: PolicyChanges
    reason: BrakeReason = Field(description=WHY)

    def changes(self) -> dict[str, Any]:
        """Returns the new values by name."""
        return self.policy.model_dump(exclude_unset=True)


class PolicyActivation(Request):
    """Makes the staged policy the active one."""

    staged_version: StrictInt = Field(ge=1, description="Of the policy that is meant.")
    reason: BrakeReason = Field(description=WHY)


class PolicyRollback(Request):
    """Goes back to the policy before the active one."""

    policy_version: StrictInt = Field(
        ge=1,
        description="The active version, which is to be left, as decisions name it: sent twice, it goes back once.",
    )
    reason: BrakeReason = Field(description=WHY)


class StagedPolicyEntry(Answer):
    """The policy that is staged: judged beside the active one in each decision, and without effect on any answer."""

    staged_version: int = Field(description="Rises with every policy that is staged; numbers may be left out.")
    policy: PolicySettings
    base_version: int = Field(
        description="Version of the policy that was active then; only over that one it may become active."
    )
    reason: str
    staged_by: str | None = Field(description="Verified identity of who staged it; null where nothing is signed.")
    staged_at: AwareDatetime


class PolicyVersionEntry(Answer):
    """A version of the policy."""

    policy_version: int = Field(description="As decisions name it.")
    policy: PolicySettings
    settings_version: int = Field(description="Version of the domain's settings that came with it.")
    changed: list[str] = Field(description="Settings that changed; empty for the first version that is known.")
    changed_at: AwareDatetime
    changed_by: str | None = Field(description="Verified identity of who changed it; null where that is not known.")
    reason: str | None = Field(description="Why; null where nobody said.")
    action: SettingsAction = Field(description="How: by a request that states it, by activation, or by going back.")


class PolicyHistory(Answer):
    """One page of versions of a policy, the newest first. A page before the last may hold fewer, even none."""

    policies: list[PolicyVersionEntry]
    next_before: int | None = Field(description="Give it as `before` for the next page; null on the last one.")


def staged_view(staged: StagedPolicy) -> StagedPolicyEntry:
    """Returns the view of a policy that is staged."""
    return StagedPolicyEntry(
        staged_version=staged.staged_version,
        policy=PolicySettings(**asdict(staged.policy)),
        base_version=staged.base_version,
        reason=staged.reason,
        staged_by=staged.staged_by,
        staged_at=staged.staged_at,
    )


def policy_view(version: DomainVersion) -> PolicyVersionEntry:
    """Returns the view of a version of the policy."""
    record = version.record
    return PolicyVersionEntry(
        policy_version=record.policy_version,
        policy=PolicySettings(**asdict(record.policy)),
        settings_version=record.version,
        changed=[name for name in version.changed if name.startswith("policy.")],
        changed_at=record.updated_at,
        changed_by=version.changed_by,
        reason=version.reason,
        action=version.action,
    )


def policies_view(page: PolicyVersions) -> PolicyHistory:
    """Returns the view of a page of versions."""
    return PolicyHistory(policies=[policy_view(each) for each in page.versions], next_before=page.before)
