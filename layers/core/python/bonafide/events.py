"""The data contract of the audio stream: one envelope, versioned, for every producer.

Readers ignore what they do not know and have defaults for what old producers did not send, so producers and consumers
are released independently. A new major version is only sent after every consumer reads it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bonafide.contracts import MAX_CHUNKS, MAX_INLINE_CHARACTERS, Identifier
from bonafide.errors import InvalidInput

VERSION = 1
LONGEST_LEAD = 256


def _readable(value: object) -> object:
    """Audio is not lost because what only helps to find it again cannot be read."""
    return value if isinstance(value, str) and len(value) <= LONGEST_LEAD else None


Lead = Annotated[Annotated[str, Field(max_length=LONGEST_LEAD)] | None, BeforeValidator(_readable)]


class Event(BaseModel):
    """What every event says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    domain: Identifier
    session: Identifier
    request_id: Lead = Field(None, description="Of the request that started the call.")
    trace: Lead = Field(None, description="X-Ray header of the request that sent this event.")


class AudioChunk(Event):
    """One chunk of a call, encoded as its session says."""

    type: Literal["audio.chunk"]
    chunk: int = Field(ge=0, lt=MAX_CHUNKS)
    content: str = Field(max_length=MAX_INLINE_CHARACTERS, description="The chunk's bytes in base64.")


class SessionEnded(Event):
    """No chunk follows."""

    type: Literal["session.ended"]
    chunks: int = Field(ge=0, le=MAX_CHUNKS)
    ended_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What leads from an event back to the requests that it comes from.

    Attributes:
        request_id: of the request that started the call.
        trace: X-Ray header of the request that sent the event; None when that is not traced.
    """

    request_id: str | None = None
    trace: str | None = None


UNKNOWN = Origin()

type StreamEvent = Annotated[AudioChunk | SessionEnded, Field(discriminator="type")]

_ADAPTER: TypeAdapter[AudioChunk | SessionEnded] = TypeAdapter(StreamEvent)


def parse(data: bytes) -> AudioChunk | SessionEnded:
    """Reads one event.

    Raises:
        InvalidInput: it is not an event of a version that is known here.
    """
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "event"
        raise InvalidInput(
            "event_invalid", "The record is not a known event.", field=field, limit=first["msg"]
        ) from None


def schema() -> dict[str, Any]:
    """The JSON Schema of everything that is read; docs/contracts publishes it, `make openapi` writes it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Bonafide audio stream, version {VERSION}",
        **_ADAPTER.json_schema(),
    }


def chunk_event(domain: str, session: str, chunk: int, content: str, origin: Origin = UNKNOWN) -> bytes:
    """Writes an `audio.chunk`."""
    event = AudioChunk(type="audio.chunk", domain=domain, session=session, chunk=chunk, content=content)
    return _written(event, origin)


def ended_event(domain: str, session: str, chunks: int, ended_at: datetime, origin: Origin = UNKNOWN) -> bytes:
    """Writes a `session.ended`."""
    event = SessionEnded(type="session.ended", domain=domain, session=session, chunks=chunks, ended_at=ended_at)
    return _written(event, origin)


def _written(event: Event, origin: Origin) -> bytes:
    sent = event.model_copy(update={"request_id": origin.request_id, "trace": origin.trace})
    return sent.model_dump_json(exclude_none=True).encode()
