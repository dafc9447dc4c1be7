"""Records of the stream that can never be scored: kept with the reason, and audio only where the domain keeps it."""

import base64
from typing import Any

from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.ports.stream import FailureStore
from bonafide.records.session import SessionRecord
from bonafide.records.stream import EndRecord, StreamRecord

RECORDS = "records/"
# In the place of a name that is not known; no name has this character.
NOBODY = "~"


class FailedRecords:
    """Keeps all that is needed to understand and to replay a failure.

    While the stream still has a record, its sequence number is enough for a replay. What is written here is kept for
    longer, so its audio has to be audio that may be kept.
    """

    def __init__(self, failures: FailureStore, domains: DomainStore, sessions: SessionStore) -> None:
        self._failures = failures
        self._domains = domains
        self._sessions = sessions

    def put(
        self, event_id: str, partition_key: str, data: bytes, event: StreamRecord | None, about: dict[str, Any]
    ) -> None:
        """Writes one record to the failure bucket; writing it again changes nothing.

        Args:
            event_id: shard and sequence number, as `<shard>:<number>`.
            partition_key: of the record.
            data: of the record.
            event: the record as it was read; None when it could not be read.
            about: the reason, and other attributes that help.

        Raises:
            Unavailable: bucket or table do not answer.
        """
        # What cannot be read may be a chunk; the partition key names its session, too.
        domain, name = (event.domain, event.session) if event else _names(partition_key)
        session = self._sessions.session(domain, name) if domain and name else None
        is_kept = isinstance(event, EndRecord) or self._may_be_kept(session)
        kept = {"data": base64.b64encode(data).decode()} if is_kept else {}
        document = {"event_id": event_id, "partition_key": partition_key, **about, **kept}
        self._failures.put(f"{_place(domain, session)}/{event_id.replace(':', '/')}", document)

    def _may_be_kept(self, session: SessionRecord | None) -> bool:
        """Tells whether audio may be kept: of a session that was erased none may, and none of nobody's."""
        record = self._domains.domain(session.domain) if session else None
        return record is not None and record.is_open and record.retention.keep_audio


def _names(partition_key: str) -> tuple[str, str]:
    domain, _, session = partition_key.partition("#")
    return domain, session


def _place(domain: str, session: SessionRecord | None) -> str:
    """Names a place that an erasure of the domain, of the claimed speaker or of the session finds."""
    if session is None:
        return f"{RECORDS}{domain.replace('/', NOBODY) or NOBODY}/{NOBODY}/{NOBODY}"
    return f"{RECORDS}{session.domain}/{session.speaker or NOBODY}/{session.session}"
