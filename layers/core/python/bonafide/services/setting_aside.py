"""Events that can never be scored: kept with the reason, and with audio only where the domain keeps audio."""

import base64
from typing import Any

from bonafide.errors import InvalidInput
from bonafide.events import SessionEnded, parse
from bonafide.ports import FailureStore, TenantStore


class SettingAside:
    """Keeps what is needed to understand and to replay a failure.

    While the stream still has a record, its place is enough for a replay; the record itself is kept for longer, so its
    audio has to be audio that may be kept.
    """

    def __init__(self, failures: FailureStore, tenants: TenantStore) -> None:
        self._failures = failures
        self._tenants = tenants

    def put(self, event_id: str, partition_key: str, data: bytes, about: dict[str, Any]) -> None:
        """Keeps one record; keeping it again changes nothing.

        Args:
            event_id: shard and sequence number, as `<shard>:<number>`.
            partition_key: of the record.
            data: of the record.
            about: the reason, and whatever else helps.

        Raises:
            Unavailable: bucket or table do not answer.
        """
        kept = {"data": base64.b64encode(data).decode()} if self._may_be_kept(partition_key, data) else {}
        document = {"event_id": event_id, "partition_key": partition_key, **about, **kept}
        self._failures.put(event_id.replace(":", "/"), document)

    def _may_be_kept(self, partition_key: str, data: bytes) -> bool:
        try:
            event = parse(data)
        except InvalidInput:
            # Whatever it is, it may hold audio; the door names the domain in the key, too.
            return self._keeps_audio(partition_key.partition("#")[0])
        return isinstance(event, SessionEnded) or self._keeps_audio(event.domain)

    def _keeps_audio(self, domain: str) -> bool:
        tenant = self._tenants.domain(domain) if domain else None
        return tenant is not None and not tenant.deleting and tenant.retention.keep_audio
