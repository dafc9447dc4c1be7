"""Calls: started, claimed, fed with audio, ended and read."""

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bonafide.audio.decode import decode
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.scoring import bands_to_meet
from bonafide.contracts import (
    MAX_CHUNKS,
    AudioFormat,
    ChunkReceipt,
    ChunkRequest,
    ClaimRequest,
    EndRequest,
    Session,
    SessionEvaluation,
    SessionRequest,
)
from bonafide.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Overloaded,
    StoreUnavailable,
    TooLarge,
    UnsupportedAudio,
)
from bonafide.events import Origin, chunk_event, ended_event
from bonafide.observability import follow, logger, request_id, trace_header
from bonafide.ports import AudioStream, SessionRecord, SessionStore, TenantStore, VersionConflict
from bonafide.services.clock import Clock, jittered_pauses, request_identifier, utc_now
from bonafide.services.evaluation import GRACE, IDLE, SessionJudge
from bonafide.services.recordings import inline
from bonafide.services.tenants import domain_not_found

LONGEST_CALL = timedelta(hours=1)
LONGEST_CHUNK_SECONDS = 15.0
LARGEST_RECORD_BYTES = 1024 * 1024  # of a stream as it is created: partition key, envelope and audio in base64
WRITE_ATTEMPTS = 10

# Between these lags the door refuses a growing share of the chunks; what is behind it was accepted and will be scored.
TOLERATED_LAG_SECONDS = 1.0
MOST_LAG_SECONDS = 3.0
LAG_REMEMBERED = timedelta(seconds=1)
LAG_VALID = timedelta(seconds=10)
SHARDS_REMEMBERED = 4096
CLOSED_AT_ONCE = 500
SECONDS_TO_CLOSE_ONE = 5.0


class Sessions:
    """The life cycle of a call."""

    def __init__(
        self, sessions: SessionStore, tenants: TenantStore, judge: SessionJudge, clock: Clock = utc_now
    ) -> None:
        self._sessions = sessions
        self._tenants = tenants
        self._judge = judge
        self._clock = clock

    def start(self, domain: str, request: SessionRequest, key: str | None) -> Session:
        """Starts a call; a repeated start under one Idempotency-Key finds the first.

        Raises:
            NotFound: the domain is unknown.
        """
        now = self._clock()
        record = SessionRecord(
            domain=domain,
            session=request_identifier(key, request, domain, "session"),
            speaker=request.speaker,
            call_id=request.context.call_id,
            encoding=request.format.encoding,
            sample_rate=request.format.sample_rate,
            channel=request.format.channel,
            bands=self._bands(domain, request.speaker),
            started_at=now,
            due_at=now + IDLE,
            expires_at=now + LONGEST_CALL,
            request_id=request_id(),
            version=1,
        )
        try:
            self._sessions.put_session(record)
        except VersionConflict:
            record = find_session(self._sessions, domain, record.session)
        follow(record.request_id)
        return view(record)

    def get(self, domain: str, session: str) -> Session:
        """Reads a call.

        Raises:
            NotFound: it is unknown, or older than a day.
        """
        return view(find_session(self._sessions, domain, session))

    def claim(self, domain: str, session: str, request: ClaimRequest) -> Session:
        """Sets who the caller claims to be.

        Raises:
            NotFound: the call is unknown.
            Conflict: its decision is final.
        """
        return view(self._change(domain, session, lambda record: replace(record, speaker=request.speaker)))

    def evaluate(self, domain: str, session: str) -> SessionEvaluation:
        """Judges the call's audio so far, or reads the final decision.

        Raises:
            NotFound: the call or its domain is unknown.
        """
        return self._judge.evaluate(find_session(self._sessions, domain, session))

    def _bands(self, domain: str, speaker: str | None) -> tuple[Channel, ...]:
        """A wideband call is also embedded in the telephone band unless its speaker was enrolled in wideband."""
        tenant, known = self._tenants.find(domain, speaker or "")
        if tenant is None or tenant.deleting:
            raise domain_not_found(domain)
        return tuple(bands_to_meet(known.voiceprint)) if known and known.voiceprint else (Channel.NARROWBAND,)

    def _change(self, domain: str, session: str, change: Callable[[SessionRecord], SessionRecord]) -> SessionRecord:
        for pause in jittered_pauses(WRITE_ATTEMPTS):
            record = find_session(self._sessions, domain, session)
            _require_not_final(record)
            changed = change(record)
            try:
                self._sessions.put_session(replace(changed, version=record.version + 1))
            except VersionConflict:
                pause()
                continue
            return changed
        raise StoreUnavailable


class AudioIntake:
    """The door of the stream: what it lets in can be scored, and will be in time."""

    def __init__(self, sessions: SessionStore, stream: AudioStream, clock: Clock = utc_now) -> None:
        self._sessions = sessions
        self._stream = stream
        self._clock = clock
        self._pressure = Pressure(sessions, clock)

    def put(self, domain: str, session: str, number: int, chunk: ChunkRequest) -> ChunkReceipt:
        """Takes one chunk; taking it again has no further effect.

        Raises:
            NotFound: the call is unknown.
            Conflict: the call is over, or the chunk's format is not the call's.
            InvalidInput: number or audio cannot be used.
            TooLarge: the chunk does not fit into a record of the stream.
            Overloaded: scoring is behind; repeat the chunk after a while.
        """
        record = find_session(self._sessions, domain, session)
        now = self._clock()
        _require_room(record, number, now)
        _require_format(record, chunk)
        _require_length(record, inline(chunk.content, "content"))
        partition = f"{domain}#{session}"
        event = chunk_event(domain, session, number, chunk.content, _origin(record))
        _require_size(partition, event)
        self._pressure.require_room(partition)
        shard = self._stream.put(partition, event)
        self._pressure.learn(partition, shard)
        return ChunkReceipt(session_id=session, chunk=number, accepted_at=now)

    def end(self, domain: str, session: str, request: EndRequest) -> Session:
        """Says how many chunks the call has.

        Raises:
            NotFound: the call is unknown.
            Conflict: it ended with another count, or its decision is final.
        """
        record = end_session(self._sessions, domain, session, request.chunks, self._clock())
        # Behind the last chunk in the same shard: when scoring reads it, all that was accepted before is scored.
        event = ended_event(domain, session, request.chunks, self._clock(), _origin(record))
        self._stream.put(f"{domain}#{session}", event)
        return view(record)


class Pressure:
    """Knows how far the shard of each call is behind, from what scoring leaves word of."""

    def __init__(self, sessions: SessionStore, clock: Clock, dice: Callable[[], float] = random.random) -> None:
        self._sessions = sessions
        self._clock = clock
        self._dice = dice
        self._shards: OrderedDict[str, str] = OrderedDict()
        self._known: dict[str, tuple[datetime, float]] = {}

    def learn(self, partition: str, shard: str) -> None:
        """Remembers the shard that took a call's last chunk."""
        self._shards[partition] = shard
        self._shards.move_to_end(partition)
        if len(self._shards) > SHARDS_REMEMBERED:
            self._shards.popitem(last=False)

    def require_room(self, partition: str) -> None:
        """Refuses audio for a shard that is behind, the more of it the further.

        Raises:
            Overloaded: it is.
        """
        shard = self._shards.get(partition)
        # A door that is either open or shut lets all that waited in at once, and twice the lag with it.
        if shard is not None and self._dice() < self._refused_share(shard):
            raise Overloaded(
                "audio_overload", "More audio arrives than can be scored in time.", headers={"Retry-After": "1"}
            )

    def _refused_share(self, shard: str) -> float:
        now = self._clock()
        looked, share = self._known.get(shard, (datetime.min.replace(tzinfo=now.tzinfo), 0.0))
        if now - looked > LAG_REMEMBERED:
            lag = self._sessions.lag(shard)
            seconds = lag.seconds if lag and now - lag.at < LAG_VALID else 0.0
            over = (seconds - TOLERATED_LAG_SECONDS) / (MOST_LAG_SECONDS - TOLERATED_LAG_SECONDS)
            share = min(1.0, max(0.0, over))
            self._known[shard] = (now, share)
        return share


def find_session(store: SessionStore, domain: str, session: str) -> SessionRecord:
    """Reads a call.

    Raises:
        NotFound: it is unknown, or older than a day.
    """
    record = store.session(domain, session)
    if record is None:
        raise NotFound("session_not_found", "There is no such session in the domain.", field="session", found=session)
    follow(record.request_id)
    return record


def end_session(store: SessionStore, domain: str, session: str, chunks: int, now: datetime) -> SessionRecord:
    """Writes how many chunks a call has; the same again changes nothing.

    Raises:
        NotFound: the call is unknown.
        Conflict: it ended with another count, or its decision is final.
    """
    for pause in jittered_pauses(WRITE_ATTEMPTS):
        record = find_session(store, domain, session)
        if record.chunk_count == chunks:
            return record
        _require_not_final(record)
        if record.chunk_count is not None:
            raise Conflict(
                "session_ended",
                "The session ended with another number of chunks.",
                field="chunks",
                limit=record.chunk_count,
                found=chunks,
            )
        ended = replace(record, chunk_count=chunks, due_at=now + GRACE, version=record.version + 1)
        try:
            store.put_session(ended)
        except VersionConflict:
            pause()
            continue
        return ended
    raise StoreUnavailable


def view(record: SessionRecord) -> Session:
    """Shows a call."""
    return Session(
        session_id=record.session,
        domain=record.domain,
        claimed_speaker=record.speaker,
        status=record.status,
        format=AudioFormat.model_validate(
            {"encoding": record.encoding, "sample_rate": record.sample_rate, "channel": record.channel}
        ),
        chunks=record.chunk_count,
        call_id=record.call_id,
        started_at=record.started_at,
        expires_at=record.expires_at,
        decision_id=record.decision_id,
        request_id=record.request_id,
    )


def _origin(record: SessionRecord) -> Origin:
    return Origin(record.request_id, trace_header())


def _require_not_final(record: SessionRecord) -> None:
    if record.finalised_at:
        raise Conflict("session_final", "The session's decision is final.", field="session")


def _require_room(record: SessionRecord, number: int, now: datetime) -> None:
    _require_not_final(record)
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
            raise Conflict(
                "chunk_format_changed",
                "A call keeps the format that it was started with.",
                field=field,
                limit=known,
                found=stated,
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


class SessionClosing:
    """Settles the calls that nobody asks about any more: the end was lost, or chunks never came."""

    def __init__(self, sessions: SessionStore, judge: SessionJudge, clock: Clock = utc_now) -> None:
        self._sessions = sessions
        self._judge = judge
        self._clock = clock

    def close_overdue(self, seconds_left: Callable[[], float]) -> int:
        """Looks at overdue calls while there is time; tells how many became final.

        Args:
            seconds_left: what remains of the invocation.
        """
        closed = 0
        for domain, session in self._sessions.due(self._clock(), CLOSED_AT_ONCE):
            if seconds_left() < SECONDS_TO_CLOSE_ONE:
                break
            closed += self._close(domain, session)
        follow(None)
        return closed

    def _close(self, domain: str, session: str) -> bool:
        """The longest overdue come first, so one that cannot be settled must not stand in the way of the others."""
        try:
            record = self._sessions.session(domain, session)
            follow(record.request_id if record else None)
            return record is not None and self._judge.settle(record).decision_id is not None
        except NotFound:
            # The domain was deleted; its calls expire by themselves.
            return False
        except Exception as error:
            logger.error("call not settled", extra={"session": session, "error_type": type(error).__name__})
            return False
