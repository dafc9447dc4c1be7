"""Versions of a domain's settings as changes lead to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bonafide.ports.stores import DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.settings.versions import DomainVersion, SettingsAction


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Circumstances of a change; attributes as of `DomainVersion`."""

    changed_by: str | None
    reason: str | None = None
    action: SettingsAction = SettingsAction.CHANGED
    restored: int | None = None


def kept_versions(
    store: DomainStore, wanted: DomainRecord, current: DomainRecord | None, note: ChangeNote
) -> Sequence[DomainVersion]:
    """Returns the version that is written, and the one before if an earlier release did not keep it."""
    if current is None:
        return [_version(wanted, None, note)]
    if current.settings == wanted.settings:
        return []
    kept = store.domain_versions(current, None, 1)
    known = kept and kept[0].record.settings == current.settings
    former = [] if known else [DomainVersion.of(current, kept[0].record if kept else None, None)]
    return [*former, _version(wanted, current, note)]


def _version(wanted: DomainRecord, current: DomainRecord | None, note: ChangeNote) -> DomainVersion:
    made = DomainVersion.of(wanted, current, note.changed_by, note.reason, note.action)
    return replace(made, restored=note.restored)
