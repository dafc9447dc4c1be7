"""What a call's evidence says: provisionally while audio flows, and once for good."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bonafide.biometrics.decision import Decision, Reason, Verdict, decide, missing_signals, thresholds
from bonafide.biometrics.enrolment import SpeakerStatus
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, SpeakerScore, score
from bonafide.biometrics.session import Folded, Mark, SessionStatus, is_complete, pool, survey
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts import ChunkCounts, SessionEvaluation
from bonafide.errors import NotFound
from bonafide.observability import stage
from bonafide.ports import (
    DecisionLog,
    DomainRecord,
    SessionRecord,
    SessionStore,
    SpeakerRecord,
    TenantStore,
    VersionConflict,
)
from bonafide.services import ledger
from bonafide.services.clock import Clock, identifier, utc_now
from bonafide.services.enrolment import quality_report
from bonafide.services.tenants import domain_not_found
from bonafide.services.verification import liveness_evidence, speaker_evidence

# How long a call waits for chunks after its end, and an open call for anything at all.
GRACE = timedelta(seconds=30)
IDLE = timedelta(seconds=120)
OTHER_MODELS = "evidence_of_other_models"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is claimed, as far as there is somebody to compare with.

    Attributes:
        tenant: whose policy decides.
        speaker: the claimed person's record, None when there is none.
        voiceprint: to compare with; None when `obstacle` says why not.
        obstacle: why there is nothing to compare with.
    """

    tenant: DomainRecord
    speaker: SpeakerRecord | None
    voiceprint: Voiceprint | None
    obstacle: Reason | None


class SessionJudge:
    """Evaluates calls and makes their decisions final. Needs the calibration, but no model."""

    def __init__(
        self,
        sessions: SessionStore,
        tenants: TenantStore,
        decisions: DecisionLog,
        calibration: Calibration,
        bundle: str,
        clock: Clock = utc_now,
    ) -> None:
        self._sessions = sessions
        self._tenants = tenants
        self._decisions = decisions
        self._calibration = calibration
        self._bundle = bundle
        self._clock = clock

    def evaluate(self, record: SessionRecord) -> SessionEvaluation:
        """Judges the evidence as it is, making it final if it is time.

        Raises:
            NotFound: the domain is gone, or the final decision, whose time is over.
        """
        marks = self._sessions.marks(record)
        record = self._settled(record, marks)
        if record.decision_id:
            return self._final(record, marks)
        return self._judged(record, marks, self._claim(record))

    def settle(self, record: SessionRecord) -> SessionRecord:
        """Makes the decision final if every chunk is in or the wait is over; else says when to look again."""
        return self._settled(record, self._sessions.marks(record))

    def _settled(self, record: SessionRecord, marks: Sequence[Mark]) -> SessionRecord:
        if record.decision_id:
            return record
        due_at = _due_at(record, marks)
        complete = is_complete(marks, record.chunk_count)
        if record.finalised_at or complete or due_at <= self._clock():
            return self._finalised(record, marks)
        if due_at == record.due_at:
            return record
        return self._replaced(record, replace(record, due_at=due_at, version=record.version + 1))

    def _finalised(self, record: SessionRecord, marks: Sequence[Mark]) -> SessionRecord:
        """Closes the call first, so that nobody's claim is taken that the decision then would not know.

        The log keeps the first decision under the call's one name, so racing writers end with the same. Whoever finds
        a call that was closed, but not decided any more, goes on from there.
        """
        if record.finalised_at is None:
            closed = replace(record, finalised_at=self._clock(), version=record.version + 1)
            found = self._replaced(record, closed)
            return self._settled(found, marks) if found.version > record.version else record
        started = time.monotonic()
        claim = self._claim(record)
        judged = self._judged(record, marks, claim)
        name = identifier(record.session, record.domain, "session-decision", record.started_at.isoformat())
        final = judged.model_copy(update={"decision_id": name, "status": SessionStatus.FINAL})
        kept = timedelta(days=claim.tenant.retention.decision_days)
        ledger.write(self._decisions, final, self._clock() + kept, started)
        return self._replaced(record, replace(record, decision_id=name, version=record.version + 1))

    def _replaced(self, record: SessionRecord, changed: SessionRecord) -> SessionRecord:
        try:
            self._sessions.put_session(changed)
        except VersionConflict:
            # Somebody else was here; whatever they wrote, the next look starts from it.
            return self._sessions.session(record.domain, record.session) or record
        return changed

    def _final(self, record: SessionRecord, marks: Sequence[Mark]) -> SessionEvaluation:
        stored = self._decisions.read(record.domain, record.decision_id or "")
        if stored is None:
            raise NotFound(
                "decision_expired", "The session's decision was deleted when its time was over.", field="session"
            )
        evaluation = SessionEvaluation.model_validate(stored)
        # Counted without clocks: what is there now and was not when the decision was written.
        numbers = {mark.number for mark in marks}
        received = sum(record.chunk_count is None or number < record.chunk_count for number in numbers)
        late = max(received - evaluation.chunks.scored, 0)
        return evaluation.model_copy(update={"chunks": evaluation.chunks.model_copy(update={"late": late})})

    def _judged(self, record: SessionRecord, marks: Sequence[Mark], claim: Claim) -> SessionEvaluation:
        space = claim.voiceprint.embedding_space if claim.voiceprint else self._calibration.embedding_space
        with stage("fold"):
            folded = self._folded(record, marks, space)
        degraded = [OTHER_MODELS] if folded.foreign else []
        degraded += missing_signals(folded.evidence) if folded.evidence else []
        scored, verdict = self._verdict(claim, folded, degraded)
        return SessionEvaluation(
            evaluation_id=self._name(record, claim, marks),
            session_id=record.session,
            domain=record.domain,
            claimed_speaker=record.speaker,
            status=record.status,
            decision_id=None,
            decision=verdict.decision,
            reasons=list(verdict.reasons),
            speaker=speaker_evidence(scored, verdict),
            liveness=liveness_evidence(folded.evidence, self._calibration, verdict),
            speech_seconds=round(folded.evidence.speech_seconds, 2) if folded.evidence else 0.0,
            channel=folded.evidence.channel if folded.evidence else None,
            quality=quality_report(folded.evidence) if folded.evidence else None,
            chunks=_counts(record, folded),
            degraded=degraded,
            bundle=self._bundle,
            policy_version=claim.tenant.policy_version,
            call_id=record.call_id,
            decided_at=self._clock(),
            request_id=record.request_id,
        )

    def _folded(self, record: SessionRecord, marks: Sequence[Mark], embedding_space: str) -> Folded:
        """What does not grow with the call: its marks say which few rows to read."""
        surveyed = survey(marks, embedding_space, record.chunk_count)
        rows = self._sessions.evidence(record, surveyed.spoken) if surveyed.spoken else []
        return pool(surveyed, [row.chunk for row in rows])

    def _verdict(self, claim: Claim, folded: Folded, degraded: list[str]) -> tuple[SpeakerScore | None, Verdict]:
        policy = claim.tenant.policy
        if claim.obstacle or claim.voiceprint is None:
            reason = claim.obstacle or Reason.SPEAKER_NOT_CLAIMED
            return None, Verdict(Decision.INCONCLUSIVE, (reason,), thresholds(policy))
        if folded.evidence is None:
            return None, Verdict(Decision.INCONCLUSIVE, (Reason.NOT_ENOUGH_SPEECH,), thresholds(policy))
        if not claim.voiceprint.templates.keys() & folded.evidence.embeddings.keys():
            # The call began as somebody else's, who was enrolled in a band that this speaker was not.
            return None, Verdict(Decision.INCONCLUSIVE, (Reason.CHANNEL_MISMATCH,), thresholds(policy))
        with stage("score"):
            scored = score(claim.voiceprint, folded.evidence, self._calibration)
        with stage("decide"):
            return scored, decide(scored, folded.evidence, policy, degraded)

    def _claim(self, record: SessionRecord) -> Claim:
        tenant, speaker = self._tenants.find(record.domain, record.speaker or "")
        if tenant is None or tenant.deleting:
            raise domain_not_found(record.domain)
        obstacle = _obstacle(record, speaker, tenant.policy, self._calibration.embedding_space)
        return Claim(tenant, speaker, speaker.voiceprint if speaker and not obstacle else None, obstacle)

    def _name(self, record: SessionRecord, claim: Claim, marks: Sequence[Mark]) -> str:
        """Names an evaluation by all that its result depends on; to know that no chunk follows is no part of that."""
        inside = sorted(mark.tag for mark in marks if record.chunk_count is None or mark.number < record.chunk_count)
        chunks = [f"{number}:{content}:{space}" for number, content, space in inside]
        speaker = f"{record.speaker}:{claim.speaker.version if claim.speaker else 0}"
        policy = f"{claim.tenant.policy_version}:{self._bundle}"
        return identifier(",".join(chunks) or "silence", record.domain, record.session, speaker, policy)


def _due_at(record: SessionRecord, marks: Sequence[Mark]) -> datetime:
    if record.chunk_count is not None:
        return record.due_at
    heard = datetime.fromtimestamp(max((mark.accepted for mark in marks), default=0), UTC)
    return min(max(record.due_at, heard + IDLE), record.expires_at + GRACE)


def _obstacle(
    record: SessionRecord, speaker: SpeakerRecord | None, policy: Policy, embedding_space: str
) -> Reason | None:
    if record.speaker is None:
        return Reason.SPEAKER_NOT_CLAIMED
    if speaker and speaker.status is SpeakerStatus.OPTED_OUT:
        return Reason.SPEAKER_OPTED_OUT
    if speaker is None or speaker.voiceprint is None or speaker.status_under(policy) is not SpeakerStatus.ENROLLED:
        return Reason.SPEAKER_NOT_ENROLLED
    return None if speaker.voiceprint.embedding_space == embedding_space else Reason.VOICEPRINT_OUTDATED


def _counts(record: SessionRecord, folded: Folded) -> ChunkCounts:
    return ChunkCounts(
        expected=record.chunk_count,
        scored=folded.received,
        used=len(folded.used),
        conflicting=folded.conflicting,
        late=0,
    )
