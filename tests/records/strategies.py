"""Any record of each kind, for Hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.case import BrakeScope, Case, Signal
from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Disclosure, Factor, Policy, RejectingAlert, SyntheticEnrollment
from bonafide.biometrics.risk.facts import Attestation, CallFacts, CallFlag, CallReference, LineType, Verstat
from bonafide.biometrics.risk.scorecard import CallRisk, WeighedReason
from bonafide.biometrics.scoring import Comparison, Condition
from bonafide.biometrics.session import ChunkEvidence, SessionStatus
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records.brake import BrakeRecord
from bonafide.records.decision import ChunkTally, DecisionRecord, SessionPart
from bonafide.records.domain import DomainRecord, DomainState, Retention
from bonafide.records.history.contribution import ContributionRecord
from bonafide.records.policies.staged import StagedJudgement, StagedPolicy, Staging
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.speaker import Consent, SpeakerRecord

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
COUNTS = st.integers(0, 10**6)
NAMES = st.text(max_size=8)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC) | ZONES)
CHANNELS = st.sampled_from(Channel)
QUALITIES = st.builds(Quality, NUMBERS, NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS)
POLICIES = st.builds(
    Policy,
    *[NUMBERS] * 8,
    st.none() | st.integers(1, 10),
    st.integers(15, 1440),
    st.integers(1, 10),
    st.sampled_from(Disclosure),
    st.sampled_from(SyntheticEnrollment),
    st.lists(st.sampled_from(Factor), unique=True).map(lambda names: tuple(sorted(names))),
    st.floats(0, 10),
    st.lists(st.sampled_from(RejectingAlert), unique=True).map(lambda names: tuple(sorted(names))),
)


def vector(seed: int) -> FloatVector:
    return np.random.default_rng(seed).standard_normal(8).astype(np.float32)


EVIDENCE = st.builds(
    Evidence,
    st.floats(0.25, 60),
    CHANNELS,
    st.dictionaries(CHANNELS, st.integers(0, 99).map(vector)),
    QUALITIES,
    st.just("space-1"),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.lists(NUMBERS, max_size=4).map(tuple),
)
DOMAINS = st.builds(
    DomainRecord,
    domain=NAMES,
    policy=POLICIES,
    retention=st.builds(Retention, COUNTS, st.booleans()),
    created_at=TIMES,
    updated_at=TIMES,
    policy_version=COUNTS,
    version=COUNTS,
    state=st.sampled_from(DomainState),
)
BRAKES = st.builds(
    BrakeRecord,
    domain=st.none() | NAMES,
    on=st.booleans(),
    version=COUNTS,
    reason=st.none() | NAMES,
    changed_by=st.none() | NAMES,
    changed_at=st.none() | TIMES,
    since=st.none() | TIMES,
)
CONTRIBUTIONS = st.builds(
    ContributionRecord,
    NAMES,
    TIMES,
    NUMBERS,
    CHANNELS,
    st.lists(NAMES, max_size=2).map(tuple),
    st.none() | NUMBERS,
    st.none() | st.sampled_from(LivenessState),
    st.none() | TIMES,
)
SPEAKERS = st.builds(
    SpeakerRecord,
    domain=NAMES,
    speaker=NAMES,
    status=st.sampled_from(SpeakerStatus),
    created_at=TIMES,
    updated_at=TIMES,
    voiceprint=st.none() | EVIDENCE.map(Voiceprint.empty("space-1").add),
    consent=st.none() | st.builds(Consent, NAMES, TIMES),
    opted_out_at=st.none() | TIMES,
    applied=st.lists(NAMES, max_size=3).map(tuple),
    version=COUNTS,
    history=st.lists(CONTRIBUTIONS, max_size=2).map(tuple),
)
CALLS = st.builds(
    CallFacts,
    st.dictionaries(st.sampled_from(CallReference), st.text("0123456789abcdef", min_size=32, max_size=32)),
    st.none() | st.sampled_from(Attestation),
    st.none() | st.sampled_from(Verstat),
    st.none() | st.sampled_from(LineType),
    st.lists(st.sampled_from(CallFlag), unique=True).map(tuple),
    st.booleans(),
)
RISKS = st.builds(CallRisk, NAMES, NUMBERS, st.lists(st.builds(WeighedReason, NAMES, NUMBERS), max_size=3).map(tuple))
SESSIONS = st.builds(
    SessionRecord,
    domain=NAMES.filter(lambda name: "#" not in name),
    session=NAMES,
    speaker=st.none() | NAMES,
    call_id=st.none() | NAMES,
    format=st.builds(RecordingFormat, st.sampled_from(Encoding), st.none() | COUNTS, st.none() | COUNTS),
    bands=st.lists(CHANNELS, max_size=2).map(tuple),
    started_at=TIMES,
    due_at=TIMES,
    expires_at=TIMES,
    chunk_count=st.none() | COUNTS,
    decision_id=st.none() | NAMES,
    finalized_at=st.none() | TIMES,
    request_id=st.none() | st.text(min_size=1, max_size=8),
    principal=st.none() | st.text(min_size=1, max_size=8),
    version=COUNTS,
    spaces=st.lists(NAMES, max_size=2).map(tuple),
    claims=st.lists(NAMES, max_size=2).map(tuple),
    caller=st.none() | NAMES,
    call=st.none() | CALLS,
)
ROWS = st.builds(
    EvidenceRow,
    st.builds(ChunkEvidence, COUNTS, st.just("0123456789abcdef" * 4), EVIDENCE),
    bundle=NAMES,
    accepted_at=TIMES,
    scored_at=TIMES,
    request_id=st.none() | NAMES,
)
DEGRADED = st.lists(st.sampled_from(Signal), max_size=2).map(tuple)
REASONS = st.lists(st.sampled_from(Reason), max_size=3).map(tuple)
COMPARISONS = st.builds(Comparison, st.sampled_from(Condition), NUMBERS, NUMBERS, NUMBERS, st.text(max_size=20))
JUDGEMENTS = st.builds(
    Judgement,
    decision=st.sampled_from(Decision),
    reasons=REASONS,
    thresholds=st.builds(Thresholds, NUMBERS, NUMBERS, NUMBERS),
    speaker=st.none() | st.builds(VoiceJudgement, NUMBERS, st.floats(0, 100)),
    liveness=st.none() | st.builds(LivenessJudgement, NUMBERS, st.floats(0, 100), st.sampled_from(LivenessState)),
    degraded=DEGRADED,
)
STAGED = st.builds(StagedJudgement, COUNTS, st.sampled_from(Decision), REASONS)
STAGINGS = st.builds(
    Staging,
    NAMES,
    COUNTS,
    st.none() | TIMES,
    st.none() | TIMES,
    st.none() | st.builds(StagedPolicy, COUNTS, POLICIES, COUNTS, NAMES, st.none() | NAMES, TIMES),
)
TALLIES = st.builds(
    ChunkTally, st.none() | COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.none() | st.booleans(), st.none() | st.text()
)


def decided(judgement: Judgement, case: Case, /, **attributes: Any) -> DecisionRecord:
    """A record whose judgement misses what its case does."""
    return DecisionRecord(judgement=judgement, case=replace(case, degraded=judgement.degraded), **attributes)


def decisions(facts: Any, latency: Any, session: Any, speaker: Any) -> Any:
    """Decisions of one kind."""
    cases = st.builds(
        Case,
        NUMBERS,
        facts(CHANNELS),
        facts(QUALITIES),
        st.none() | NUMBERS,
        st.none() | COMPARISONS,
        brakes=st.lists(st.sampled_from(BrakeScope), unique=True).map(tuple),
        alerts=st.lists(st.sampled_from(Reason), unique=True).map(tuple),
        risk=st.none() | RISKS,
    )
    obstacles = st.none() | st.sampled_from(Reason)
    return st.builds(
        decided,
        JUDGEMENTS,
        st.builds(lambda case, obstacle: replace(case, obstacle=obstacle), cases, obstacles),
        domain=NAMES,
        decision_id=NAMES,
        speaker=speaker,
        policy=st.none() | POLICIES,
        policy_version=COUNTS,
        bundle=NAMES,
        calibration=st.none() | NAMES,
        audio=st.none() | NAMES,
        call_id=st.none() | NAMES,
        decided_at=TIMES,
        latency_ms=latency,
        staged=st.none() | STAGED,
        timings_ms=st.dictionaries(NAMES, NUMBERS, max_size=3),
        request_id=st.none() | NAMES,
        principal=st.none() | NAMES,
        call=st.none() | CALLS,
        caller=st.none() | NAMES,
        session=session,
    )


AUTHENTICATIONS = decisions(lambda each: each, COUNTS, st.none(), NAMES)
SESSION_PARTS = st.builds(SessionPart, NAMES, NAMES, st.sampled_from(SessionStatus), TALLIES)
EVALUATIONS = decisions(lambda each: st.none() | each, st.none(), SESSION_PARTS, st.none() | NAMES)
