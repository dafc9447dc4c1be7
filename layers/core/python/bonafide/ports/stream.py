"""The audio stream, the lag of its shards, and the records of it that can never be scored."""

from collections.abc import Mapping
from typing import Any, Protocol

from bonafide.records.stream import ShardLag, StreamRecord


class AudioStream(Protocol):
    """Accepted audio that waits to be scored."""

    def put(self, record: StreamRecord) -> None:
        """Appends a record; those of one session keep their order.

        Raises:
            TooLarge: the record does not fit into the stream.
            AudioOverload: the stream takes no more for now.
        """

    def shard(self, domain: str, session: str) -> str:
        """Returns the name of the shard that records of this session go to."""


class ShardLagStore(Protocol):
    """Lag of each shard, published by scoring and read by admission control."""

    def publish(self, shard: str, lag: ShardLag) -> None:
        """Publishes a shard's lag if it replaces the known one, as `ShardLag.replaces` says."""

    def lag(self, shard: str) -> ShardLag | None:
        """Reads the published lag of a shard."""


class FailureStore(Protocol):
    """Records that can never be scored, with all that a replay needs."""

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """Writes a failure; writing it again changes nothing."""
