"""Records of the stream that can never be scored: kept with the reason, and audio only where the domain keeps it."""

import base64
from typing import Any

from bonafide.ports.stores import DomainStore
from bonafide.ports.stream import FailureStore
from bonafide.records.stream import ChunkRecord, StreamRecord


class FailedRecords:
    """Keeps all that is needed to understand and to replay a failure.

    While the stream still has a record, its sequence number is enough for a replay. What is written here is kept for
    longer, so its audio has to be audio that may be kept.
    """

    def __init__(self, failures: FailureStore, domains: DomainStore) -> None:
        self._failures = failures
        self._domains = domains

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
        kept = {"data": base64.b64encode(data).decode()} if self._may_be_kept(partition_key, event) else {}
        document = {"event_id": event_id, "partition_key": partition_key, **about, **kept}
        self._failures.put(event_id.replace(":", "/"), document)

    def _may_be_kept(self, partition_key: str, event: StreamRecord | None) -> bool:
        if event is None:
            # An unreadable record may hold audio; the partition key names the domain, too.
            return self._keeps_audio(partition_key.partition("#")[0])
        return not isinstance(event, ChunkRecord) or self._keeps_audio(event.domain)

    def _keeps_audio(self, domain: str) -> bool:
        record = self._domains.domain(domain) if domain else None
        return record is not None and record.is_open and record.retention.keep_audio
