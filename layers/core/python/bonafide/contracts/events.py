"""Events of the audio stream: one envelope in two versions for every producer.

Version 1 is a JSON document; audio is in it in base64. Version 2 is for chunks only, whose bytes follow the document:

    1 byte    2
    2 bytes   length of the header, big endian
    header    JSON document, UTF-8: the envelope
    the rest  bytes of the chunk

JSON never begins with the byte 2. Readers ignore fields that they do not know, and have defaults for those that old
producers did not send, so that producers and consumers are released independently. A new major version is only sent
after every consumer reads it, and every version that was ever sent is read for good.
"""

import base64
import struct
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bonafide.contracts.base import MAX_INLINE_CHARACTERS, Identifier
from bonafide.errors import InvalidInput
from bonafide.records.session import MAX_CHUNKS
from bonafide.records.stream import ChunkRecord, EndRecord, Origin, StreamRecord
from bonafide.services.shared.recordings import from_base64

# Versions in which producers may send chunks; ends are sent in version 1.
VERSIONS = (1, 2)
LONGEST_REFERENCE = 256
FRAME = struct.Struct(">BH")
FRAMING = (
    "Header of a chunk. A record holds the byte 2, the length of the header as 2 bytes in big-endian order, "
    "the header as UTF-8, and the bytes of the chunk, encoded as its session says."
)


def _readable(value: object) -> object:
    """Drops a reference that cannot be read: the audio is worth more than a reference to where it came from."""
    return value if isinstance(value, str) and len(value) <= LONGEST_REFERENCE else None


Reference = Annotated[Annotated[str, Field(max_length=LONGEST_REFERENCE)] | None, BeforeValidator(_readable)]


class EventEnvelope(BaseModel):
    """Fields of every event besides its version."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    domain: Identifier
    session: Identifier
    request_id: Reference = Field(None, description="Of the request that started the session.")
    trace: Reference = Field(None, description="X-Ray header of the request that sent this event.")


class AudioChunk(EventEnvelope):
    """One chunk of a session, encoded as the session says."""

    version: Literal[1] = 1
    type: Literal["audio.chunk"]
    chunk: int = Field(ge=0, lt=MAX_CHUNKS)
    content: str = Field(max_length=MAX_INLINE_CHARACTERS, description="The chunk's bytes in base64.")


class SessionEnded(EventEnvelope):
    """The end of a session: no chunk follows."""

    version: Literal[1] = 1
    type: Literal["session.ended"]
    chunks: int = Field(ge=0, le=MAX_CHUNKS)
    ended_at: AwareDatetime | None = None


class ChunkHeader(EventEnvelope):
    """Header of one chunk of a session, whose bytes follow it, encoded as the session says."""

    version: Literal[2]
    type: Literal["audio.chunk"]
    chunk: int = Field(ge=0, lt=MAX_CHUNKS)


type StreamEvent = Annotated[AudioChunk | SessionEnded, Field(discriminator="type")]

_EVENT: TypeAdapter[AudioChunk | SessionEnded] = TypeAdapter(StreamEvent)
_HEADER: TypeAdapter[ChunkHeader] = TypeAdapter(ChunkHeader)


def parse(data: bytes) -> StreamRecord:
    """Reads one event of any version.

    Raises:
        InvalidInput: it is not an event of a version that is known here.
    """
    try:
        return _framed(data) if data[:1] == b"\x02" else _record(_EVENT.validate_json(data))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "event"
        raise _invalid(field, first["msg"]) from None


def write(record: StreamRecord, version: int = VERSIONS[-1]) -> bytes:
    """Writes one event.

    Args:
        record: to write.
        version: in which chunks are written.
    """
    if isinstance(record, EndRecord):
        return _json(_ended_event(record))
    if version == 1:
        return _json(_chunk_event(record))
    header = _json(_chunk_header(record))
    return FRAME.pack(2, len(header)) + header + record.content


def schema(version: int = 1) -> dict[str, Any]:
    """Returns the JSON Schema of all that is read of a version; `make openapi` publishes it in docs/contracts."""
    adapter: TypeAdapter[Any] = _EVENT if version == 1 else _HEADER
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **adapter.json_schema(),
        "title": f"Bonafide audio stream, version {version}",
        **({} if version == 1 else {"description": FRAMING}),
    }


def _framed(data: bytes) -> ChunkRecord:
    if len(data) < FRAME.size:
        raise _invalid("event", "Shorter than its frame")
    end = FRAME.size + FRAME.unpack_from(data)[1]
    if len(data) < end:
        raise _invalid("event", "Shorter than its header")
    header = _HEADER.validate_json(data[FRAME.size : end])
    return ChunkRecord(header.domain, header.session, header.chunk, data[end:], _origin(header))


def _record(event: AudioChunk | SessionEnded) -> StreamRecord:
    if isinstance(event, AudioChunk):
        return ChunkRecord(event.domain, event.session, event.chunk, from_base64(event.content), _origin(event))
    return EndRecord(event.domain, event.session, event.chunks, event.ended_at, _origin(event))


def _origin(event: EventEnvelope) -> Origin:
    return Origin(event.request_id, event.trace)


def _invalid(field: str, limit: str) -> InvalidInput:
    return InvalidInput("event_invalid", "The record is not a known event.", subject=field, limit=limit)


def _json(event: EventEnvelope) -> bytes:
    return event.model_dump_json(exclude_none=True).encode()


def _envelope(record: StreamRecord) -> dict[str, Any]:
    origin = record.origin
    return {"domain": record.domain, "session": record.session, "request_id": origin.request_id, "trace": origin.trace}


def _chunk_event(record: ChunkRecord) -> EventEnvelope:
    content = base64.b64encode(record.content).decode()
    return AudioChunk(**_envelope(record), type="audio.chunk", chunk=record.number, content=content)


def _chunk_header(record: ChunkRecord) -> EventEnvelope:
    return ChunkHeader(**_envelope(record), version=2, type="audio.chunk", chunk=record.number)


def _ended_event(record: EndRecord) -> EventEnvelope:
    return SessionEnded(**_envelope(record), type="session.ended", chunks=record.chunks, ended_at=record.ended_at)
