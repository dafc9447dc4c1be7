"""Decisions for tests of those who keep, read and show them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Comparison, Condition
from bonafide.biometrics.session import SessionStatus
from bonafide.records.decision import ChunkTally, DecisionRecord, SessionPart

DECIDED_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)

EMBEDDING_SPACE = "campplus-a60ad57c7847fda0"

_CASE = Case(
    speech_seconds=5.04,
    channel=Channel.NARROWBAND,
    quality=Quality(-21.26, 0.00018, 31.44),
    liveness=3.98765,
    comparison=Comparison(Condition.NARROWBAND, 0.71875, 24.5, 5.04, EMBEDDING_SPACE),
)
_JUDGEMENT = Judgement(
    decision=Decision.ACCEPT,
    reasons=(Reason.VOICE_MATCH,),
    thresholds=Thresholds(1.63, -5.28, -1.37),
    speaker=VoiceJudgement(5.43219, 93.8),
    liveness=LivenessJudgement(3.98765, 88.0, LivenessState.BONA_FIDE),
    degraded=(),
)
_SESSION = SessionPart("session-1", "evaluation-1", SessionStatus.FINAL, ChunkTally(4, scored=4, used=3, conflicting=1))


def decision_record(**changes: Any) -> DecisionRecord:
    """Makes a decision on one recording."""
    record = DecisionRecord(
        domain="acme",
        decision_id="decision-1",
        speaker="ann",
        case=_CASE,
        judgement=_JUDGEMENT,
        policy=Policy(),
        policy_version=3,
        bundle="d" * 64,
        calibration="c" * 64,
        audio="a" * 64,
        call_id="call-7",
        decided_at=DECIDED_AT,
        latency_ms=312,
        timings_ms={"embed": 201.5, "decide": 0.25},
        request_id="request-1",
        principal="arn:aws:iam::123456789012:role/integrator",
    )
    return replace(record, **changes)


def session_decision_record(**changes: Any) -> DecisionRecord:
    """Makes the final decision on a session."""
    return decision_record(**{"latency_ms": None, "session": _SESSION, **changes})


def decided(record: DecisionRecord, decision: Decision) -> DecisionRecord:
    """Returns the same record with another decision."""
    return replace(record, judgement=replace(record.judgement, decision=decision))
