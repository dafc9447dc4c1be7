"""Checks of versions, as the conditions of DynamoDB make them."""

from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import Erasure
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord


def require_version(record: DomainRecord | SpeakerRecord | SessionRecord | Erasure | None, version: int) -> None:
    """Refuses a write over another version; version 0 is no record."""
    if (record.version if record else 0) != version:
        raise VersionConflict


def require_follows(stored: DomainRecord | SpeakerRecord | None, record: DomainRecord | SpeakerRecord) -> None:
    """Refuses a write that does not follow the stored version of the same record."""
    require_version(stored, record.version - 1)
    require_same(stored, record)


def require_same(stored: DomainRecord | SpeakerRecord | None, record: DomainRecord | SpeakerRecord) -> None:
    """Refuses a write over a record that was deleted and made again."""
    if stored and stored.created_at != record.created_at:
        raise VersionConflict
