"""Versions of a domain's settings, as changes left them."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from bonafide.records import Stored, StoredForm
from bonafide.records.domain import DomainRecord

SCHEMA = 1


class SettingsAction(StrEnum):
    """Ways in which settings come to be: as a request states them, as staged before, or as they were before."""

    CHANGED = "changed"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class DomainVersion:
    """Settings of a domain as one change left them; kept until the domain is deleted.

    Attributes:
        record: the domain after the change; `updated_at` is the time of the change.
        changed: names of the settings that changed, such as `policy.failure_limit`; empty for the first version.
        changed_by: verified identity of who made the change; None where requests are not signed, and for versions that
            an earlier release wrote.
        reason: as given; None where none was, and for versions that an earlier release wrote.
        action: that led to the version.
        restored: version of the policy that going back made active again; None for any other action.
    """

    record: DomainRecord
    changed: tuple[str, ...] = ()
    changed_by: str | None = None
    reason: str | None = None
    action: SettingsAction = SettingsAction.CHANGED
    restored: int | None = None

    @classmethod
    def of(
        cls,
        record: DomainRecord,
        former: DomainRecord | None,
        changed_by: str | None,
        reason: str | None = None,
        action: SettingsAction = SettingsAction.CHANGED,
    ) -> Self:
        """Makes the version that a change from `former`, None for a new domain, leads to."""
        return cls(record, _differences(former, record) if former else (), changed_by, reason, action)

    @property
    def origin(self) -> int:
        """Version in which its policy was new: its own, or the one that going back made active again."""
        return self.restored or self.record.policy_version

    @property
    def changes_policy(self) -> bool:
        """Tells whether the policy is another one than in the version before, or the first that is known."""
        return not self.changed or any(name.startswith("policy.") for name in self.changed)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "record": self.record.to_document(),
            "changed": list(self.changed),
            "changed_by": self.changed_by,
            "reason": self.reason,
            "action": str(self.action),
            "restored": self.restored,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        record = DomainRecord.from_document(document["record"])
        action = SettingsAction(document.get("action", SettingsAction.CHANGED))
        note = document["changed_by"], document.get("reason"), action, document.get("restored")
        return cls(record, tuple(document["changed"]), *note)


def _differences(former: DomainRecord, record: DomainRecord) -> tuple[str, ...]:
    before, after = _settings(former), _settings(record)
    return tuple(name for name in after if before[name] != after[name])


def _settings(record: DomainRecord) -> StoredForm:
    sections = {"policy": asdict(record.policy), "retention": asdict(record.retention)}
    named = {f"{section}.{name}": value for section, own in sections.items() for name, value in own.items()}
    return {**named, "principals": record.principals, "quota": record.quota}
