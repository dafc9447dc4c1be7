"""Intake of the audio stream: accepted chunks can be scored, and will be in time."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from bonafide.audio.decode import duration
from bonafide.audio.encoding import Encoding
from bonafide.errors import Conflict, InvalidInput, Subject, UnsupportedAudio
from bonafide.observability import trace_header
from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.ports.stream import AudioStream, IntakeReader
from bonafide.records.domain import DomainRecord
from bonafide.records.session import MAX_CHUNKS, SessionRecord
from bonafide.records.stream import ChunkRecord, EndRecord, Origin
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import (
    change_session,
    follow_session,
    refuse_deleting,
    refuse_former,
    require_not_deleting,
    require_not_final,
)
from bonafide.services.shared.recordings import from_base64
from bonafide.services.streaming.admission import AdmissionControl

LONGEST_CHUNK_SECONDS = 15.0
CONTAINERS = {b"RIFF": Encoding.WAV, b"fLaC": Encoding.FLAC}


@dataclass(frozen=True, slots=True)
class StatedFormat:
    """Format that a chunk states of itself; None is not stated."""

    encoding: Encoding | None = None
    sample_rate: int | None = None
    channel: int | None = None


class AudioIntake:
    """Takes chunks and ends."""

    def __init__(
        self,
        sessions: SessionStore,
        domains: DomainStore,
        reader: IntakeReader,
        stream: AudioStream,
        clock: Clock = utc_now,
    ) -> None:
        self._sessions = sessions
        self._domains = domains
        self._reader = reader
        self._stream = stream
        self._clock = clock
        self._admission = AdmissionControl(clock)

    def put(self, domain: str, session: str, number: int, text: str, stated: StatedFormat) -> datetime:
        """Takes one chunk, and returns when; taking it again has no further effect.

        Args:
            domain: of the session.
            session: its identifier.
            number: place of the chunk in the session, from 0.
            text: bytes of the chunk in base64.
            stated: format of the chunk, if it states one.

        Raises:
            NotFound: the session is unknown, or its domain is deleted.
            Conflict: the session is over, or the chunk's format is not the session's.
            InvalidInput: number or audio cannot be used.
            TooLarge: the chunk does not fit into a record of the stream.
            Overloaded: scoring is behind; repeat the chunk after a while.
        """
        shard = self._stream.shard(domain, session)
        state = self._reader.read(domain, session, shard)
        owner = refuse_deleting(state.domain, domain)
        record = follow_session(state.session, session)
        refuse_former(record, owner)
        now = self._clock()
        _require_place(record, number, now)
        _require_format(record, stated)
        # Before the work that would be in vain.
        self._admission.require_capacity(shard, state.lag)
        content = from_base64(text)
        _require_container(record, content)
        _require_length(record, content)
        self._stream.put(ChunkRecord(domain, session, number, content, _origin(record)))
        # Before the answer, so that an end which follows it waits for this very content, whatever the number has.
        self._sessions.note_accepted(record, number, hashlib.sha256(content).hexdigest())
        self._admission.accepted(shard, now)
        return now

    def end(self, domain: str, session: str, chunks: int) -> tuple[DomainRecord, SessionRecord]:
        """Takes the number of chunks that the session has.

        Raises:
            NotFound: the session is unknown, or its domain is deleted.
            Conflict: it ended with another count, or its decision is final.
        """
        now = self._clock()
        owner = require_not_deleting(self._domains, domain)
        record = change_session(self._sessions, domain, session, lambda current: _ended(owner, current, chunks, now))
        # Behind the last chunk in the same shard: when scoring reads it, all that was accepted before is scored.
        self._stream.put(EndRecord(domain, session, chunks, now, _origin(record)))
        return owner, record


def _ended(owner: DomainRecord, record: SessionRecord, chunks: int, now: datetime) -> SessionRecord:
    refuse_former(record, owner)
    if record.chunk_count == chunks:
        return record
    require_not_final(record)
    if record.chunk_count is not None:
        raise Conflict(
            "session_ended",
            "The session ended with another number of chunks.",
            subject=Subject.CHUNK_COUNT,
            limit=record.chunk_count,
            found=chunks,
        )
    return record.ended(chunks, now)


def _origin(record: SessionRecord) -> Origin:
    return Origin(record.request_id, trace_header())


def _require_place(record: SessionRecord, number: int, now: datetime) -> None:
    require_not_final(record)
    if now >= record.expires_at:
        raise Conflict(
            "session_expired",
            "The session accepts no more audio.",
            subject=Subject.SESSION,
            limit=record.expires_at.isoformat(),
        )
    most = MAX_CHUNKS if record.chunk_count is None else record.chunk_count
    if not 0 <= number < most:
        raise InvalidInput(
            "chunk_out_of_range",
            "The session has no such chunk.",
            subject=Subject.CHUNK_NUMBER,
            limit=f"0 to {most - 1}",
            found=number,
        )


def _require_format(record: SessionRecord, stated: StatedFormat) -> None:
    known = record.format
    for subject, was, now in (
        (Subject.CHUNK_ENCODING, known.encoding, stated.encoding),
        (Subject.CHUNK_SAMPLE_RATE, known.sample_rate, stated.sample_rate),
        (Subject.CHUNK_CHANNEL, known.channel, stated.channel),
    ):
        if now is not None and now != was:
            raise _format_changed(subject, was, now)


def _require_container(record: SessionRecord, content: bytes) -> None:
    """A whole file in a session of bare samples would be scored as noise."""
    known = record.format.encoding
    found = CONTAINERS.get(content[:4], known)
    if found != known:
        raise _format_changed(Subject.CHUNK_ENCODING, known, found)


def _format_changed(subject: Subject, known: object, found: object) -> Conflict:
    return Conflict(
        "chunk_format_changed",
        "A session keeps the format that it was started with.",
        subject=subject,
        limit=known,
        found=found,
    )


def _require_length(record: SessionRecord, content: bytes) -> None:
    form = record.format
    seconds = duration(content, encoding=form.encoding, rate=form.sample_rate, channel=form.channel)
    if seconds > LONGEST_CHUNK_SECONDS:
        raise UnsupportedAudio(
            "chunk_too_long",
            "The chunk is too long.",
            subject=Subject.AUDIO,
            limit=f"{LONGEST_CHUNK_SECONDS} s",
            found=round(seconds, 2),
        )
