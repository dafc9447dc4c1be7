"""Changes of a domain's settings, one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bonafide.access.principal import NOBODY, Principals
from bonafide.access.quota import Quota
from bonafide.records.domain import DomainRecord, WantedSettings


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """Settings that a request changes one by one.

    Attributes:
        policy: new values by name.
        retention: the same.
        principals: of the roles that change; None for no role.
        quota: None takes away the one that the domain has, if `changes_quota`.
        changes_quota: whether the request says anything of the quota.
        reason: for the history; None if none was given.
    """

    policy: Mapping[str, Any]
    retention: Mapping[str, Any]
    principals: Principals | None = None
    quota: Quota | None = None
    changes_quota: bool = False
    reason: str | None = None

    def over(self, current: DomainRecord) -> WantedSettings:
        """Returns the settings as a whole: those of the domain with the changes."""
        former = (current.principals or NOBODY).patterns
        return WantedSettings(
            replace(current.policy, **self.policy),
            replace(current.retention, **self.retention),
            self.principals and Principals({**former, **self.principals.patterns}),
            quota=self.quota,
            changes_quota=self.changes_quota,
        )
