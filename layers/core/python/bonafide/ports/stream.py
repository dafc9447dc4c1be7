"""The audio stream, the lag of its shards, and the records of it that can never be scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bonafide.records.domain import DomainRecord
from bonafide.records.session import SessionRecord
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


@dataclass(frozen=True, slots=True)
class IntakeState:
    """All that decides whether a chunk is taken; None is what does not exist.

    Attributes:
        domain: of the session.
        session: that the chunk belongs to.
        lag: of the shard that the chunk would go to.
    """

    domain: DomainRecord | None
    session: SessionRecord | None
    lag: ShardLag | None


class IntakeReader(Protocol):
    """Reads the state of an intake as it was last written."""

    def read(self, domain: str, session: str, shard: str | None = None) -> IntakeState:
        """Reads a domain, one of its sessions and, if a shard is named, its lag."""


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
