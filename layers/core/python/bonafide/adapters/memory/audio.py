"""Recordings, the audio stream and its failures in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonafide.contracts.events import write
from bonafide.errors import Subject, TooLarge
from bonafide.records.erasure import ErasureRecord
from bonafide.records.stream import StreamRecord, partition_key, require_size


class MemoryAudioStream:
    """`AudioStream` in memory: one shard, in order.

    Attributes:
        events: partition keys and written records.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, bytes]] = []

    def put(self, record: StreamRecord) -> None:
        """See `AudioStream`."""
        partition, data = partition_key(record.domain, record.session), write(record)
        require_size(partition, data)
        self.events.append((partition, data))

    def shard(self, domain: str, session: str) -> str:  # noqa: ARG002
        """See `AudioStream`."""
        return "shardId-000000000000"


class MemoryFailureStore:
    """`FailureStore` in memory."""

    def __init__(self) -> None:
        self.documents: dict[str, Mapping[str, Any]] = {}

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """See `FailureStore`."""
        self.documents[name] = document


class MemoryAudioStore:
    """`AudioStore` in memory.

    Attributes:
        objects: audio by key.
        described: what was said about it, by key.
        erasures: records of erasures by name.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.described: dict[str, Mapping[str, str]] = {}
        self.erasures: dict[str, ErasureRecord] = {}

    def presign_upload(self, key: str, expires_seconds: int, length: int | None, media_type: str | None = None) -> str:
        """See `AudioStore`."""
        return f"memory:{key}?expires={expires_seconds}&length={length}&type={media_type}"

    def fetch(self, key: str, limit: int) -> bytes | None:
        """See `AudioStore`."""
        content = self.objects.get(key)
        if content is not None and len(content) > limit:
            raise TooLarge(
                "audio_too_large",
                "The uploaded recording has too many bytes.",
                subject=Subject.UPLOAD,
                limit=limit,
                found=len(content),
            )
        return content

    def keep(self, key: str, content: bytes, described: Mapping[str, str] | None = None) -> None:
        """See `AudioStore`."""
        self.objects[key], self.described[key] = content, described or {}

    def kept(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        """See `AudioStore`."""
        content = self.objects.get(key)
        return None if content is None else (content, self.described.get(key, {}))

    def names(self, prefix: str) -> Sequence[str]:
        """See `AudioStore`."""
        return sorted(key for key in self.objects if key.startswith(prefix))[:1000]

    def discard(self, prefix: str) -> int:
        """See `AudioStore`."""
        found = self.names(prefix)
        for key in found:
            del self.objects[key]
        return len(found)

    def record_erasure(self, erasure: ErasureRecord) -> None:
        """See `AudioStore`."""
        self.erasures[erasure.name] = erasure
