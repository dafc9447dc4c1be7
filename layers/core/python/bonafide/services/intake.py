"""The door of the audio stream: what it lets in can be scored, and will be in time."""

from datetime import datetime

from bonafide.audio.decode import decode
from bonafide.contracts import MAX_CHUNKS, ChunkReceipt, ChunkRequest, Encoding, EndRequest, Session
from bonafide.errors import Conflict, InvalidInput, TooLarge, UnsupportedAudio
from bonafide.events import Origin, chunk_event, ended_event
from bonafide.observability import trace_header
from bonafide.ports import AudioStream, SessionRecord, SessionStore, TenantStore
from bonafide.services.clock import Clock, utc_now
from bonafide.services.pressure import Pressure
from bonafide.services.recordings import inline
from bonafide.services.sessions import change_session, ended, find_session, require_not_final, view
from bonafide.services.tenants import require_standing

LONGEST_CHUNK_SECONDS = 15.0
CONTAINERS = {b"RIFF": Encoding.WAV, b"fLaC": Encoding.FLAC}
LARGEST_RECORD_BYTES = 1024 * 1024  # of a stream as it is created: partition key, envelope and audio in base64


class AudioIntake:
    """Takes chunks and ends."""

    def __init__(
        self, sessions: SessionStore, tenants: TenantStore, stream: AudioStream, clock: Clock = utc_now
    ) -> None:
        self._sessions = sessions
        self._tenants = tenants
        self._stream = stream
        self._clock = clock
        self._pressure = Pressure(sessions, stream, clock)

    def put(self, domain: str, session: str, number: int, chunk: ChunkRequest) -> ChunkReceipt:
        """Takes one chunk; taking it again has no further effect.

        Raises:
            NotFound: the call is unknown, or its domain is gone.
            Conflict: the call is over, or the chunk's format is not the call's.
            InvalidInput: number or audio cannot be used.
            TooLarge: the chunk does not fit into a record of the stream.
            Overloaded: scoring is behind; repeat the chunk after a while.
        """
        require_standing(self._tenants, domain)
        record = find_session(self._sessions, domain, session)
        now = self._clock()
        _require_room(record, number, now)
        _require_format(record, chunk)
        partition = f"{domain}#{session}"
        # Before the work that would be for nothing.
        self._pressure.require_room(partition)
        content = inline(chunk.content, "content")
        _require_container(record, content)
        _require_length(record, content)
        event = chunk_event(domain, session, number, chunk.content, _origin(record))
        _require_size(partition, event)
        self._stream.put(partition, event)
        self._pressure.took(partition, now)
        return ChunkReceipt(session_id=session, chunk=number, accepted_at=now)

    def end(self, domain: str, session: str, request: EndRequest) -> Session:
        """Says how many chunks the call has.

        Raises:
            NotFound: the call is unknown, or its domain is gone.
            Conflict: it ended with another count, or its decision is final.
        """
        now = self._clock()
        require_standing(self._tenants, domain)
        record = change_session(self._sessions, domain, session, lambda call: _ended(call, request.chunks, now))
        # Behind the last chunk in the same shard: when scoring reads it, all that was accepted before is scored.
        event = ended_event(domain, session, request.chunks, now, _origin(record))
        self._stream.put(f"{domain}#{session}", event)
        return view(record)


def _ended(record: SessionRecord, chunks: int, now: datetime) -> SessionRecord:
    if record.chunk_count == chunks:
        return record
    require_not_final(record)
    if record.chunk_count is not None:
        raise Conflict(
            "session_ended",
            "The session ended with another number of chunks.",
            field="chunks",
            limit=record.chunk_count,
            found=chunks,
        )
    return ended(record, chunks, now)


def _origin(record: SessionRecord) -> Origin:
    return Origin(record.request_id, trace_header())


def _require_room(record: SessionRecord, number: int, now: datetime) -> None:
    require_not_final(record)
    if now >= record.expires_at:
        raise Conflict(
            "session_expired", "The session takes no more audio.", field="session", limit=record.expires_at.isoformat()
        )
    most = MAX_CHUNKS if record.chunk_count is None else record.chunk_count
    if not 0 <= number < most:
        raise InvalidInput(
            "chunk_out_of_range", "The session has no such chunk.", field="n", limit=f"0 to {most - 1}", found=number
        )


def _require_format(record: SessionRecord, chunk: ChunkRequest) -> None:
    for field in ("encoding", "sample_rate", "channel"):
        stated, known = getattr(chunk, field), getattr(record, field)
        if stated is not None and stated != known:
            raise _format_changed(field, known, stated)


def _require_container(record: SessionRecord, content: bytes) -> None:
    """A whole file in a call of raw samples would be scored as noise."""
    found = CONTAINERS.get(content[:4], record.encoding)
    if found != record.encoding:
        raise _format_changed("encoding", record.encoding, found)


def _format_changed(field: str, known: object, found: object) -> Conflict:
    return Conflict(
        "chunk_format_changed",
        "A call keeps the format that it was started with.",
        field=field,
        limit=known,
        found=found,
    )


def _require_length(record: SessionRecord, content: bytes) -> None:
    waveform = decode(
        content, encoding=record.encoding, rate=record.sample_rate, channel=record.channel, field="content"
    )
    if waveform.seconds > LONGEST_CHUNK_SECONDS:
        raise UnsupportedAudio(
            "chunk_too_long",
            "The chunk is too long.",
            field="content",
            limit=f"{LONGEST_CHUNK_SECONDS} s",
            found=round(waveform.seconds, 2),
        )


def _require_size(partition: str, event: bytes) -> None:
    if len(partition) + len(event) > LARGEST_RECORD_BYTES:
        raise TooLarge(
            "chunk_too_large",
            "The chunk has too many bytes; send shorter chunks, or fewer bits.",
            field="content",
            limit=LARGEST_RECORD_BYTES,
            found=len(partition) + len(event),
        )
