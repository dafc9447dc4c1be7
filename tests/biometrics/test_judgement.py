"""One judge for recordings, sessions and replays: equal cases give equal judgements."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.case import BrakeScope, Case, Signal
from bonafide.biometrics.decision import Decision, Reason, decide
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement, judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, public_score
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records.decision import DecisionRecord
from tests.biometrics.test_decision import CLEAN, POLICIES
from tests.decisions import decision_record
from training.evaluation.batch import score

SPACE = "campplus-test"
COMMITTED = json.loads((Path(__file__).parents[2] / "layers/model/calibration/calibration.json").read_text())
CALIBRATION = Calibration.parse({**COMMITTED, "embedding_space": SPACE, "liveness": {"threshold": -1.5}})
POLICY = Policy()


def heard(
    angle: float = 0.0,
    channel: Channel = Channel.NARROWBAND,
    seconds: float = 5.0,
    liveness: float | None = 6.0,
    quality: Quality = CLEAN,
) -> Evidence:
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    return Evidence(seconds, channel, {channel: vector} if seconds else {}, quality, SPACE, liveness)


VOICEPRINT = Voiceprint.empty(SPACE).add(heard(seconds=20.0))
EVIDENCE = st.builds(
    heard,
    st.floats(0, 3, allow_subnormal=False),
    st.just(Channel.NARROWBAND),
    st.floats(0.5, 60),
    st.none() | st.floats(-12, 12, allow_subnormal=False),
    st.builds(Quality, st.floats(-60, 0), st.floats(0, 0.1), st.none() | st.floats(0, 40)),
)
MISSING = st.sampled_from([(), (Signal.OTHER_MODELS,)])
BRAKES = st.lists(st.sampled_from(BrakeScope), unique=True).map(tuple)
OBSTACLES = [
    Reason.SPEAKER_NOT_CLAIMED,
    Reason.SPEAKER_NOT_ENROLLED,
    Reason.SPEAKER_OPTED_OUT,
    Reason.VOICEPRINT_OUTDATED,
]
CASES = (
    st.builds(Case.of, EVIDENCE, st.just(VOICEPRINT), st.none(), MISSING, BRAKES)
    | st.builds(Case.of, EVIDENCE, st.none(), st.sampled_from(OBSTACLES), MISSING, BRAKES)
    | st.builds(Case.without_evidence, st.sampled_from([*OBSTACLES, Reason.NOT_ENOUGH_SPEECH]), MISSING, BRAKES)
)


@given(EVIDENCE, MISSING, POLICIES)
def test_a_case_is_judged_as_its_score_is_decided(
    evidence: Evidence, missing: tuple[Signal, ...], policy: Policy
) -> None:
    case, scored = Case.of(evidence, VOICEPRINT, missing=missing), score(VOICEPRINT, evidence, CALIBRATION)
    found, decided = judge(case, policy, CALIBRATION), decide(scored, evidence, policy, case.degraded)
    assert (found.decision, found.reasons, found.thresholds) == (decided.decision, decided.reasons, decided.thresholds)
    assert found.speaker == VoiceJudgement(scored.llr, scored.score)


def inconclusive(case: Case) -> tuple[Reason, ...]:
    """The reasons of a judgement without a score."""
    found = judge(case, POLICY, CALIBRATION)
    assert (found.decision, found.speaker) == (Decision.INCONCLUSIVE, None)
    return found.reasons


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_obstacle_is_the_reason_why_nothing_is_concluded(obstacle: Reason) -> None:
    for case in (
        Case.of(heard(), None, obstacle),
        Case.of(heard(), VOICEPRINT, obstacle),
        Case.without_evidence(obstacle),
    ):
        assert inconclusive(case) == (obstacle,)


def test_obstacles_that_nobody_named_are_found() -> None:
    assert inconclusive(Case.of(heard(), None)) == (Reason.SPEAKER_NOT_CLAIMED,)
    assert inconclusive(Case.of(heard(seconds=0.0, liveness=None), VOICEPRINT)) == (Reason.NO_SPEECH,)
    assert inconclusive(Case.of(heard(channel=Channel.WIDEBAND), VOICEPRINT)) == (Reason.CHANNEL_MISMATCH,)


@given(st.floats(-12, 12, allow_subnormal=False))
def test_liveness_is_told_even_where_the_voice_cannot_be_compared(llr: float) -> None:
    found = judge(Case.of(heard(liveness=llr), None), POLICY, CALIBRATION).liveness
    assert CALIBRATION.liveness is not None
    assert found == LivenessJudgement(llr, public_score(llr), CALIBRATION.liveness.state(llr))


@given(st.floats(0, 3, allow_subnormal=False), POLICIES)
def test_without_liveness_a_judgement_is_degraded_and_at_best_a_step_up(angle: float, policy: Policy) -> None:
    found = judge(Case.of(heard(angle, liveness=None), VOICEPRINT), policy, CALIBRATION)
    assert (found.degraded, found.liveness) == ((Signal.LIVENESS,), None)
    assert found.decision in {Decision.STEP_UP, Decision.REJECT}
    assert Reason.SIGNAL_MISSING in found.reasons


def test_a_perfect_match_without_liveness_is_a_step_up() -> None:
    with_liveness, without = (
        judge(Case.of(heard(liveness=each), VOICEPRINT), POLICY, CALIBRATION) for each in (6, None)
    )
    assert (with_liveness.decision, without.decision) == (Decision.ACCEPT, Decision.STEP_UP)


@given(CASES, POLICIES)
def test_a_brake_lowers_accept_to_step_up_and_changes_nothing_else(case: Case, policy: Policy) -> None:
    free, found = (judge(replace(case, brakes=each), policy, CALIBRATION) for each in ((), (BrakeScope.STAGE,)))
    if free.decision is Decision.ACCEPT:
        free = replace(free, decision=Decision.STEP_UP, reasons=(*free.reasons, Reason.BRAKE_ON))
    assert found == free


ALERTS = (Reason.AUDIO_REPLAYED, Reason.VOICE_CHANGED)


@given(CASES, POLICIES)
def test_an_alert_lowers_accept_to_step_up_and_is_named_beside_any_decision(case: Case, policy: Policy) -> None:
    free, found = (judge(replace(case, brakes=(), alerts=each), policy, CALIBRATION) for each in ((), ALERTS))
    accepted = free.decision is Decision.ACCEPT
    reasons = (*ALERTS, *free.reasons) if accepted else (*free.reasons, *ALERTS)
    assert (found.decision, found.reasons) == (Decision.STEP_UP if accepted else free.decision, reasons)


@pytest.mark.parametrize("brake", BrakeScope)
def test_a_perfect_match_under_a_brake_is_a_step_up_that_says_why(brake: BrakeScope) -> None:
    found = judge(Case.of(heard(), VOICEPRINT, brakes=(brake,)), POLICY, CALIBRATION)
    assert (found.decision, found.reasons) == (Decision.STEP_UP, (Reason.VOICE_MATCH, Reason.BRAKE_ON))


@given(CASES, POLICIES)
def test_a_case_is_judged_the_same_again_and_out_of_the_stored_decision(case: Case, policy: Policy) -> None:
    found: Judgement = judge(case, policy, CALIBRATION)
    assert judge(case, policy, CALIBRATION) == found
    document = decision_record(case=case, judgement=found, policy=policy).to_document()
    stored = DecisionRecord.from_document(json.loads(json.dumps(document)))
    assert stored.policy is not None
    assert judge(stored.case, stored.policy, CALIBRATION) == found == stored.judgement


def test_a_comparison_is_never_judged_with_the_calibration_of_another_space() -> None:
    case = Case.of(heard(), VOICEPRINT)
    with pytest.raises(ValueError, match="another embedding space"):
        judge(case, POLICY, replace(CALIBRATION, embedding_space="other"))
