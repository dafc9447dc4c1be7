"""Sessions: started, claimed, evaluated and read."""

from dataclasses import dataclass

from bonafide.audio.decode import require_possible
from bonafide.audio.encoding import RecordingFormat
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.scoring import bands_to_compare
from bonafide.errors import AnswerOutdated, Conflict, Subject
from bonafide.observability import follow
from bonafide.ports.signatures import CallerHashes
from bonafide.ports.stores import DomainStore, SessionStore, VersionConflict
from bonafide.ports.stream import IntakeReader
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.request import RequestContext
from bonafide.records.risk.call import StatedCall
from bonafide.records.session import IDLE, LONGEST_SESSION, SessionRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.ledger import hash_of
from bonafide.services.shared.lookups import (
    WRITE_ATTEMPTS,
    change_session,
    follow_session,
    refuse_deleting,
    refuse_former,
    require_not_final,
    require_open,
)
from bonafide.services.shared.retries import retry_on_conflict
from bonafide.services.shared.risk.calls import hashed_call
from bonafide.services.streaming.judging import SessionJudge


@dataclass(frozen=True, slots=True)
class SessionWanted:
    """A session as a request starts it.

    Attributes:
        speaker: who is claimed, if that is known.
        format: of every chunk.
        call_id: the contact center's reference to the call.
        caller: its reference to the caller, if any; only a keyed hash of it is stored.
        call: what else it knows of the call, if anything.
    """

    speaker: str | None
    format: RecordingFormat
    call_id: str | None = None
    caller: str | None = None
    call: StatedCall | None = None


class Sessions:
    """Life cycle of a session."""

    def __init__(
        self,
        sessions: SessionStore,
        domains: DomainStore,
        callers: CallerHashes,
        reader: IntakeReader,
        judge: SessionJudge,
        clock: Clock = utc_now,
    ) -> None:
        self._sessions = sessions
        self._callers = callers
        self._domains = domains
        self._reader = reader
        self._judge = judge
        self._clock = clock

    def start(self, domain: str, wanted: SessionWanted, context: RequestContext) -> tuple[DomainRecord, SessionRecord]:
        """Starts a session; a repeated start under one Idempotency-Key finds the first.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: no chunk could be decoded with this format.
            Conflict: the key started a session of a domain that had this name before.
        """
        form, speaker, now = wanted.format, wanted.speaker, self._clock()
        require_possible(form.encoding, form.sample_rate, form.channel)
        found, known = self._domains.find(domain, speaker or "")
        owner = require_open(found, domain)
        record = SessionRecord(
            domain=domain,
            session=request_identifier(context, domain, "session"),
            speaker=speaker,
            call_id=wanted.call_id,
            format=form,
            bands=_bands(known),
            started_at=now,
            due_at=now + IDLE,
            expires_at=now + LONGEST_SESSION,
            request_id=context.request_id,
            principal=context.principal,
            version=1,
            spaces=tuple(each.embedding_space for each in known.voiceprints) if known else (),
            claims=(speaker,) if speaker else (),
            caller=hash_of(self._callers.hashed, domain, wanted.caller),
            call=hashed_call(self._callers, domain, wanted.call),
        )
        started = retry_on_conflict(WRITE_ATTEMPTS, lambda: self._started(record))
        if started.started_at < owner.created_at:
            raise AnswerOutdated
        follow(started.request_id)
        return owner, started

    def _started(self, record: SessionRecord) -> SessionRecord:
        """Starts a session, or returns the one that was started before.

        Raises:
            VersionConflict: another one is being started at this moment.
        """
        try:
            self._sessions.start_session(record)
        except VersionConflict:
            found = self._sessions.session(record.domain, record.session)
            if found is None:
                raise
            return found
        return record

    def get(self, domain: str, session: str) -> SessionRecord:
        """Reads a session.

        Raises:
            NotFound: it is unknown, or older than a day; or its domain is deleted.
        """
        return self._find(domain, session)

    def claim(self, domain: str, session: str, speaker: str) -> SessionRecord:
        """Sets the claimed speaker.

        Raises:
            NotFound: the session or its domain is unknown.
            Conflict: its decision is final, or as many others were claimed in it as the policy allows.
        """
        # In a batch: the functions that judge may read nothing else of the table.
        limit = require_open(self._domains.find(domain, speaker)[0], domain).policy.claim_limit

        def claimed(record: SessionRecord) -> SessionRecord:
            require_not_final(record)
            changed = record.claimed(speaker)
            if len(changed.claims) > limit:
                raise Conflict(
                    "too_many_claims",
                    "Too many different speakers were claimed in this session; start another for another caller.",
                    subject=Subject.SPEAKER,
                    limit=limit,
                )
            return changed

        self._find(domain, session)
        return change_session(self._sessions, domain, session, claimed)

    def evaluate(self, domain: str, session: str) -> DecisionRecord:
        """Judges the session's audio so far, or reads the final decision.

        Raises:
            NotFound: the session or its domain is unknown.
        """
        return self._judge.evaluate(self._find(domain, session))

    def _find(self, domain: str, session: str) -> SessionRecord:
        """Reads a session together with its domain, which says who may see it."""
        state = self._reader.read(domain, session)
        owner = refuse_deleting(state.domain, domain)
        record = follow_session(state.session, session)
        refuse_former(record, owner)
        return record


def _bands(speaker: SpeakerRecord | None) -> tuple[Channel, ...]:
    """Wideband audio is also embedded in the narrowband unless the speaker was enrolled in wideband."""
    if speaker is None or not speaker.voiceprints:
        return (Channel.NARROWBAND,)
    return tuple(sorted({band for each in speaker.voiceprints for band in bands_to_compare(each)}))
