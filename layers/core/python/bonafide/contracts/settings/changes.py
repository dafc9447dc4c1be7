"""Changes of a domain's settings, one by one."""

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from bonafide.access.quota import Quota
from bonafide.contracts.base import Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.contracts.domains import DomainQuota, PolicySettings, PrincipalSettings, RetentionSettings
from bonafide.records.settings.changes import ChangedSettings


def _without_defaults(schema: dict[str, Any]) -> None:
    for each in schema["properties"].values():
        each.pop("default", None)


class PolicyChanges(PolicySettings):
    """Settings of the policy that change, each by itself; those that are left out stay as they are."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    @model_validator(mode="after")
    def _spoofs_cost_as_much_as_impostors(self) -> Self:
        return self


class RetentionChanges(RetentionSettings):
    """Settings of the retention that change; those that are left out stay as they are."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class DomainChanges(Request):
    """Changes of a domain's settings, one by one: what is left out, at any depth, stays as it is."""

    policy: PolicyChanges = PolicyChanges()
    retention: RetentionChanges = RetentionChanges()
    principals: PrincipalSettings | None = Field(None, description="Of the roles that change; others stay as they are.")
    quota: DomainQuota | None = Field(None, description="As a whole; null for that of the stage, if there is one.")
    reason: BrakeReason | None = Field(None, description="Why, for the history. Never personal data.")

    def to_record(self) -> ChangedSettings:
        """Returns the changes as services take them."""
        return ChangedSettings(
            self.policy.model_dump(exclude_unset=True),
            self.retention.model_dump(exclude_unset=True),
            self.principals.to_record() if self.principals else None,
            Quota(**self.quota.model_dump()) if self.quota else None,
            changes_quota="quota" in self.model_fields_set,
            reason=self.reason,
        )
