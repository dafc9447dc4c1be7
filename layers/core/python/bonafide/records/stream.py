"""Events of the audio stream, and the lag of its shards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.errors import Subject, TooLarge

LARGEST_RECORD_BYTES = 1024 * 1024  # of a stream as it is created: partition key, header and audio

# Batches of several partition groups of a shard are scored at the same time, each about once a second: for so long a
# smaller lag does not replace a larger one.
LAG_HELD = timedelta(seconds=2)
# The delay between two reads of a shard, and no more: such a lag is not worth holding.
SMALL_LAG_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Origin:
    """References from an event back to the requests that it comes from.

    Attributes:
        request_id: of the request that started the session.
        trace: X-Ray header of the request that sent the event; None when that is not traced.
    """

    request_id: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """One chunk of a session.

    Attributes:
        number: place of the chunk in the session, from 0.
        content: bytes of the chunk, encoded as the session says.
    """

    domain: str
    session: str
    number: int
    content: bytes
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class EndRecord:
    """The end of a session: no chunk follows.

    Attributes:
        chunks: number of chunks of the session.
        ended_at: by the clock of the function that accepted the end.
    """

    domain: str
    session: str
    chunks: int
    ended_at: datetime | None = None
    origin: Origin = Origin()


type StreamRecord = ChunkRecord | EndRecord


@dataclass(frozen=True, slots=True)
class ShardLag:
    """Delay of scoring on one shard.

    Attributes:
        seconds: that the oldest record of a batch had waited.
        at: when processing of that batch began.
        later_at: when processing of the newest batch began whose smaller lag did not replace this one, if any.
    """

    seconds: float
    at: datetime
    later_at: datetime | None = None

    @property
    def oldest_at(self) -> datetime:
        """Time at which the stream took the oldest record of the batch: what came before it is being scored."""
        return self.at - timedelta(seconds=self.seconds)

    @property
    def heard_at(self) -> datetime:
        """Time at which scoring last published anything about the shard."""
        return self.later_at or self.at

    def replaces(self, known: "ShardLag | None") -> bool:
        """Tells whether this lag is to be published in place of the one that is known."""
        if known is None or self.seconds >= known.seconds or known.seconds < SMALL_LAG_SECONDS:
            return True
        return self.at - known.at > LAG_HELD


def partition_key(domain: str, session: str) -> str:
    """Returns the key that keeps the records of one session in one shard, in order."""
    return f"{domain}#{session}"


def require_size(partition: str, data: bytes) -> None:
    """Refuses a record that does not fit into the stream.

    Raises:
        TooLarge: it has too many bytes.
    """
    if len(partition) + len(data) > LARGEST_RECORD_BYTES:
        raise TooLarge(
            "chunk_too_large",
            "The chunk has too many bytes; send shorter chunks, or fewer bits.",
            subject=Subject.AUDIO,
            limit=LARGEST_RECORD_BYTES,
            found=len(partition) + len(data),
        )
