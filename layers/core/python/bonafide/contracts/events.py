"""Events of the audio stream: one versioned envelope for every producer.

Readers ignore fields that they do not know, and have defaults for those that old producers did not send, so that
producers and consumers are released independently. A new major version is only sent after every consumer reads it.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bonafide.contracts.base import MAX_INLINE_CHARACTERS, Identifier
from bonafide.errors import InvalidInput
from bonafide.records.session import MAX_CHUNKS
from bonafide.records.stream import AudioChunk, Origin, SessionEnd, StreamRecord

VERSION = 1
LONGEST_REFERENCE = 256


def _readable(value: object) -> object:
    """Drops a reference that cannot be read: the audio is worth more than a reference to where it came from."""
    return value if isinstance(value, str) and len(value) <= LONGEST_REFERENCE else None


Reference = Annotated[Annotated[str, Field(max_length=LONGEST_REFERENCE)] | None, BeforeValidator(_readable)]


class EventEnvelope(BaseModel):
    """Fields of every event."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    domain: Identifier
    session: Identifier
    request_id: Reference = Field(None, description="Of the request that started the session.")
    trace: Reference = Field(None, description="X-Ray header of the request that sent this event.")


class AudioChunkEvent(EventEnvelope):
    """One chunk of a session, encoded as the session says."""

    model_config = ConfigDict(title="AudioChunk")

    type: Literal["audio.chunk"]
    chunk: int = Field(ge=0, lt=MAX_CHUNKS)
    content: str = Field(max_length=MAX_INLINE_CHARACTERS, description="The chunk's bytes in base64.")


class SessionEndedEvent(EventEnvelope):
    """The end of a session: no chunk follows."""

    model_config = ConfigDict(title="SessionEnded")

    type: Literal["session.ended"]
    chunks: int = Field(ge=0, le=MAX_CHUNKS)
    ended_at: AwareDatetime | None = None


type StreamEvent = Annotated[AudioChunkEvent | SessionEndedEvent, Field(discriminator="type")]

_ADAPTER: TypeAdapter[AudioChunkEvent | SessionEndedEvent] = TypeAdapter(StreamEvent)


def parse(data: bytes) -> StreamRecord:
    """Reads one event.

    Raises:
        InvalidInput: it is not an event of a version that is known here.
    """
    try:
        return _record(_ADAPTER.validate_json(data))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "event"
        raise InvalidInput(
            "event_invalid", "The record is not a known event.", subject=field, limit=first["msg"]
        ) from None


def write(record: StreamRecord) -> bytes:
    """Writes one event."""
    event = _chunk_event(record) if isinstance(record, AudioChunk) else _ended_event(record)
    sent = event.model_copy(update={"request_id": record.origin.request_id, "trace": record.origin.trace})
    return sent.model_dump_json(exclude_none=True).encode()


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of all that is read; `make openapi` publishes it in docs/contracts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Bonafide audio stream, version {VERSION}",
        **_ADAPTER.json_schema(),
    }


def _record(event: AudioChunkEvent | SessionEndedEvent) -> StreamRecord:
    origin = Origin(event.request_id, event.trace)
    if isinstance(event, AudioChunkEvent):
        return AudioChunk(event.domain, event.session, event.chunk, event.content, origin)
    return SessionEnd(event.domain, event.session, event.chunks, event.ended_at, origin)


def _chunk_event(record: AudioChunk) -> EventEnvelope:
    return AudioChunkEvent(
        type="audio.chunk",
        domain=record.domain,
        session=record.session,
        chunk=record.number,
        content=record.text,
    )


def _ended_event(record: SessionEnd) -> EventEnvelope:
    return SessionEndedEvent(
        type="session.ended",
        domain=record.domain,
        session=record.session,
        chunks=record.chunks,
        ended_at=record.ended_at,
    )
