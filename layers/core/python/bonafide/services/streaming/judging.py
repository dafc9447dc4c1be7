"""Judgement of sessions: provisional while audio arrives, and once for good."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.presentation.attempts import attempt_name
from bonafide.biometrics.session import (
    Mark,
    SessionEvidence,
    SessionStatus,
    covering,
    is_complete,
    pool,
    survey,
)
from bonafide.errors import NotFound, Subject
from bonafide.observability import Timings, stage
from bonafide.ports.stores import AttemptStore, DecisionStore, SessionStore, VersionConflict
from bonafide.records.decision import ChunkTally, DecisionRecord, SessionPart
from bonafide.records.session import GRACE, IDLE, SessionRecord, is_heard, set_digest
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.braked_domains import BrakedDomains
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.domains.staged import judged_in_shadow
from bonafide.services.shared.identifiers import counters, identifier, session_decision
from bonafide.services.shared.ledger import AttemptCounter, AttemptLimit, Ledger
from bonafide.services.shared.lookups import refuse_former, require_open
from bonafide.services.shared.replays import Replays, ReplaySearch
from bonafide.services.shared.risk.calls import CallRisks
from bonafide.services.shared.watchlists.searching import WatchlistSearch
from bonafide.services.streaming.claims import SpeakerClaim, case_of, obstacle_of, search_replay


class SessionJudge:
    """Evaluates sessions and makes their decisions final. Needs calibrations, but no model."""

    def __init__(  # noqa: PLR0913, one parameter for each collaborator
        self,
        sessions: SessionStore,
        domains: BrakedDomains,
        decisions: DecisionStore,
        attempts: AttemptStore,
        calibrations: CalibrationBook,
        replays: Replays,
        risks: CallRisks,
        watchlists: WatchlistSearch,
        bundle: str,
        clock: Clock = utc_now,
    ) -> None:
        self._sessions = sessions
        self._domains = domains
        self._decisions = decisions
        self._ledger = Ledger(decisions)
        self._attempts = AttemptCounter(attempts)
        self._calibrations = calibrations
        self._replays = replays
        self._risks = risks
        self._watchlists = watchlists
        self._bundle = bundle
        self._clock = clock

    def evaluate(self, record: SessionRecord) -> DecisionRecord:
        """Judges the evidence as it is, and makes the decision final if it is time.

        Raises:
            NotFound: the domain is deleted, or the final decision, whose retention is over.
        """
        marks = self._sessions.marks(record)
        record = self._settle(record, marks)
        if record.decision_id:
            return self._read_final(record, marks)
        claim = self._claim(record, marks, lately=True)
        evaluation = self._judge(record, marks, claim, self._replays.look)
        self._attempts.provisional(claim.domain, evaluation, session_decision(record))
        return evaluation

    def settle(self, record: SessionRecord) -> SessionRecord:
        """Makes the decision final if every chunk is in or the wait is over; else stores when to look again."""
        return self._settle(record, self._sessions.marks(record))

    def _settle(self, record: SessionRecord, marks: Sequence[Mark]) -> SessionRecord:
        if record.decision_id:
            return record
        due_at, complete = _due_at(record, marks), self._is_complete(record, marks)
        if record.finalized_at or complete or due_at <= self._clock():
            return self._finalize(record, marks, complete=complete)
        if record.due_at > self._clock():
            # It is looked at again soon enough; a write with every evaluation would move it through the index `due`.
            return record
        return self._replace(record, record.next(due_at=due_at))

    def _is_complete(self, record: SessionRecord, marks: Sequence[Mark]) -> bool:
        """Tells whether every chunk that was accepted before the end is scored, with each of its contents.

        The marks were read before: one that came meanwhile is only missed, and looked for again.
        """
        count = record.chunk_count
        if count is None or not is_complete(marks, count):
            return False
        return is_heard(self._sessions.accepted(record), marks, count)

    def _finalize(self, record: SessionRecord, marks: Sequence[Mark], *, complete: bool) -> SessionRecord:
        """Closes the session first, so that no claim is taken that the decision would not know.

        The ledger keeps the first decision under the session's one decision identifier, so that racing writers end with
        the same. A session that was closed, but not decided, is taken up from there.
        """
        if record.finalized_at is None:
            closed = record.next(finalized_at=self._clock())
            found = self._replace(record, closed)
            return self._settle(found, marks) if found.version > record.version else record
        started = time.monotonic()
        claim = self._claim(record, marks)
        name = session_decision(record)
        final = _as_final(self._judge(record, marks, claim, self._replays.find), name, complete=complete)
        stored = self._ledger.write(final, timedelta(days=claim.domain.retention.decision_days), started)
        self._attempts.final(claim.domain, stored, claim.speaker)
        self._risks.count(claim.domain, claim.speaker, stored, claim.risk.known)
        return self._replace(record, record.next(decision_id=name))

    def _replace(self, record: SessionRecord, changed: SessionRecord) -> SessionRecord:
        try:
            self._sessions.put_session(changed)
        except VersionConflict:
            # Another writer was faster; the next look starts from its version.
            return self._sessions.session(record.domain, record.session) or record
        return changed

    def _read_final(self, record: SessionRecord, marks: Sequence[Mark]) -> DecisionRecord:
        """Reads the stored decision, and counts the chunks that came after it."""
        stored = self._decisions.read(record.domain, record.decision_id or "")
        if stored is None or stored.session is None:
            raise NotFound(
                "decision_expired",
                "The session's decision was deleted when its retention was over.",
                subject=Subject.SESSION,
            )
        # Counted without clocks: numbers that are there now and were not when the decision was written.
        numbers = {mark.number for mark in marks}
        received = sum(record.chunk_count is None or number < record.chunk_count for number in numbers)
        late = max(received - stored.session.chunks.scored, 0)
        return replace(stored, session=replace(stored.session, chunks=replace(stored.session.chunks, late=late)))

    def _judge(
        self, record: SessionRecord, marks: Sequence[Mark], claim: SpeakerClaim, search: ReplaySearch
    ) -> DecisionRecord:
        timings: Timings = {}
        with stage("fold", timings):
            folded, heard = self._fold(record, marks, claim.embedding_space)
        with stage("find_replay", timings):
            replay = search_replay(record, claim, heard, search)
        with stage("search_watchlists", timings):
            listed = self._watchlists.look(claim.domain, folded.evidence)
        with stage("score", timings):
            case = case_of(claim, folded, replay, listed)
        with stage("decide", timings):
            judgement = judge(case, claim.domain.policy, claim.judging.calibration)
            staged = judged_in_shadow(claim.domain, case, claim.judging.calibration)
        return DecisionRecord(
            domain=record.domain,
            decision_id=None,
            speaker=record.speaker,
            case=case,
            judgement=judgement,
            policy=claim.domain.policy,
            policy_version=claim.domain.policy_version,
            staged=staged,
            bundle=self._bundle,
            calibration=claim.judging.calibration.digest,
            audio=_audio_digest(folded),
            call_id=record.call_id,
            decided_at=self._clock(),
            timings_ms=timings,
            request_id=record.request_id,
            principal=record.principal,
            caller=record.caller,
            call=record.call,
            watchlist_match=listed.match,
            session=SessionPart(
                record.session,
                self._name(record, claim, marks, (*replay.missing, *listed.missing, *case.alerts)),
                record.status,
                _tally(record, marks, folded),
            ),
        )

    def _fold(
        self, record: SessionRecord, marks: Sequence[Mark], embedding_space: str
    ) -> tuple[SessionEvidence, Fingerprint]:
        """Reads only the few rows that the judgement rests on, which the marks tell: their number is bounded."""
        surveyed = survey(marks, embedding_space, record.chunk_count)
        rows = self._sessions.evidence(record, surveyed.spoken) if surveyed.spoken else []
        folded = pool(surveyed, [row.chunk for row in rows])
        used = [row for row in sorted(rows, key=lambda row: row.chunk.number) if row.chunk.number in folded.used]
        heard = Fingerprint.joined([row.fingerprint for row in used if row.fingerprint])
        # Stored rows do not tell how much of them is speech.
        return folded, replace(heard, speech_seconds=folded.evidence.speech_seconds if folded.evidence else 0.0)

    def _claim(self, record: SessionRecord, marks: Sequence[Mark], *, lately: bool = False) -> SpeakerClaim:
        counting = counters(record.speaker, record.caller)
        found, speaker, brakes = self._domains.find(record.domain, record.speaker or "", counting)
        domain = require_open(found, record.domain)
        refuse_former(record, domain)
        served = self._calibrations.spaces
        usable = speaker.usable(served, domain.policy) if speaker else []
        obstacle = obstacle_of(record, self._consenting(speaker), domain.policy, usable)
        comparable = {} if obstacle else {each.embedding_space: each for each in usable}
        space = covering([*comparable] or served, marks, record.chunk_count)
        judging = self._calibrations.of(domain, record.speaker or "", space)
        name = session_decision(record)
        own = attempt_name(name, record.speaker or "")
        limit = AttemptLimit.of(domain, speaker, record.caller, self._clock(), own)
        risk = self._risks.assess(domain, (record.speaker, speaker), record.call, name, lately=lately)
        return SpeakerClaim(domain, speaker, comparable.get(space), space, obstacle, brakes, judging, limit, risk)

    def _consenting(self, speaker: SpeakerRecord | None) -> SpeakerRecord | None:
        """Returns a speaker whose consent lasts; whose has expired is like nobody who was ever enrolled."""
        is_over = speaker and speaker.consent and speaker.consent.is_over(self._clock())
        return None if is_over else speaker

    def _name(self, record: SessionRecord, claim: SpeakerClaim, marks: Sequence[Mark], found: Sequence[str]) -> str:
        """Names an evaluation by all that its result depends on, which the end of the session is no part of."""
        inside = sorted(mark.tag for mark in marks if record.chunk_count is None or mark.number < record.chunk_count)
        chunks = [f"{number}:{content}:{space}" for number, content, space in inside]
        speaker = f"{record.speaker}:{claim.speaker.version if claim.speaker else 0}"
        # Nothing is added while no brake is on, nothing was found, and the bundle's calibration judges: then names are
        # those of the release before.
        lowered = (*claim.brakes.on, *claim.missing, *found, *claim.risk.names)
        brakes = "".join(f":{each}" for each in lowered)
        own = claim.judging.calibration.digest
        judging = "" if own == self._calibrations.base(claim.embedding_space).digest else f":{own}"
        policy = f"{claim.domain.policy_version}:{self._bundle}{brakes}{judging}"
        return identifier(",".join(chunks) or "silence", record.domain, record.session, speaker, policy)


def _as_final(record: DecisionRecord, name: str, *, complete: bool) -> DecisionRecord:
    """Turns a provisional judgement into the final decision of that name."""
    part = record.session
    assert part is not None  # decisions on sessions have this part
    final = replace(part, status=SessionStatus.FINAL, chunks=replace(part.chunks, complete=complete))
    return replace(record, decision_id=name, session=final)


def _due_at(record: SessionRecord, marks: Sequence[Mark]) -> datetime:
    if record.chunk_count is not None:
        return record.due_at
    newest = datetime.fromtimestamp(max((mark.accepted for mark in marks), default=0), UTC)
    return min(max(record.due_at, newest + IDLE), record.expires_at + GRACE)


def _audio_digest(folded: SessionEvidence) -> str:
    """SHA-256 over a line `number:content` for each chunk used, in order; content as `Mark` names it, hex."""
    used = zip(folded.used, folded.contents, strict=True)
    lines = "".join(f"{number}:{content}\n" for number, content in used)
    return hashlib.sha256(lines.encode()).hexdigest()


def _tally(record: SessionRecord, marks: Sequence[Mark], folded: SessionEvidence) -> ChunkTally:
    return ChunkTally(
        expected=record.chunk_count,
        scored=folded.received,
        used=len(folded.used),
        conflicting=folded.conflicting,
        digest=set_digest(marks, record.chunk_count),
    )
