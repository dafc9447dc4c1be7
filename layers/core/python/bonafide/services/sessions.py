"""Calls: started, claimed, ended and read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bonafide.audio.decode import require_possible
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.scoring import bands_to_meet
from bonafide.contracts import AudioFormat, ClaimRequest, Session, SessionEvaluation, SessionRequest
from bonafide.errors import Conflict, NotFound, StoreUnavailable
from bonafide.observability import follow, request_id
from bonafide.ports import SessionRecord, SessionStore, TenantStore, VersionConflict
from bonafide.services.clock import Clock, jittered_pauses, request_identifier, utc_now
from bonafide.services.evaluation import GRACE, IDLE, SessionJudge
from bonafide.services.tenants import domain_not_found

LONGEST_CALL = timedelta(hours=1)
WRITE_ATTEMPTS = 10


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
            InvalidInput: no chunk could be decoded with this format.
        """
        form = request.format
        require_possible(form.encoding, form.sample_rate, form.channel, "format")
        now = self._clock()
        record = SessionRecord(
            domain=domain,
            session=request_identifier(key, request, domain, "session"),
            speaker=request.speaker,
            call_id=request.context.call_id,
            encoding=form.encoding,
            sample_rate=form.sample_rate,
            channel=form.channel,
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

        def claimed(record: SessionRecord) -> SessionRecord:
            require_not_final(record)
            return replace(record, speaker=request.speaker)

        return view(change_session(self._sessions, domain, session, claimed))

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


def change_session(
    store: SessionStore, domain: str, session: str, change: Callable[[SessionRecord], SessionRecord]
) -> SessionRecord:
    """Changes a call as it stands; returns it.

    Args:
        store: of calls.
        domain: of the call.
        session: its name.
        change: returns the call as it is to be, or the one that it was given to leave it so.

    Raises:
        NotFound: the call is unknown.
    """
    for pause in jittered_pauses(WRITE_ATTEMPTS):
        record = find_session(store, domain, session)
        changed = change(record)
        if changed is record:
            return record
        changed = replace(changed, version=record.version + 1)
        try:
            store.put_session(changed)
        except VersionConflict:
            pause()
            continue
        return changed
    raise StoreUnavailable


def ended(record: SessionRecord, chunks: int, now: datetime) -> SessionRecord:
    """The call with its count; how long it waits for missing chunks begins with the first count."""
    due_at = now + GRACE if record.chunk_count is None else record.due_at
    return replace(record, chunk_count=chunks, due_at=due_at)


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


def require_not_final(record: SessionRecord) -> None:
    """Refuses what would change a call whose decision is final.

    Raises:
        Conflict: it is.
    """
    if record.finalised_at:
        raise Conflict("session_final", "The session's decision is final.", field="session")
