from dataclasses import astuple, replace
from math import exp, isfinite

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import (
    LARGEST_LLR,
    Decision,
    Reason,
    decide,
    fused_llr,
    odds_against,
    thresholds,
)
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import CalibratedRange, Condition, SpeakerScore, public_score

CLEAN = Quality(level_dbfs=-20.0, clipped=0.0, snr_db=30.0)
VOICE = {Channel.NARROWBAND: np.ones(1, np.float32)}
CALL = Evidence(5.0, Channel.NARROWBAND, VOICE, CLEAN, "space", liveness=LARGEST_LLR)
MEASURED = CalibratedRange(seconds=1.5, clipped=0.01, level_dbfs=-45.0, snr_db=8.0)
POLICY = Policy()
LLRS = st.floats(-12, 12, allow_subnormal=False)
COSTS = st.floats(0.01, 10_000)
PRIORS = st.floats(0.0001, 0.49)
POLICIES = st.builds(Policy, PRIORS, PRIORS, COSTS, COSTS, COSTS, COSTS)
# To whom asking is dearer than any mistake, accepting may be cheapest just when most is in doubt.
SENSIBLE = POLICIES.filter(
    lambda policy: policy.step_up_cost <= min(policy.false_accept_cost, policy.spoof_accept_cost)
)
RANK = {Decision.REJECT: 0, Decision.STEP_UP: 1, Decision.ACCEPT: 2}


def scored(llr: float, condition: Condition = Condition.NARROWBAND) -> SpeakerScore:
    return SpeakerScore(llr, public_score(llr), condition, 0.5, MEASURED)


def expected_costs(llr: float, liveness: float, policy: Policy) -> dict[Decision, float]:
    speaker = 1 - policy.impostor_prior - policy.spoof_prior
    weights = speaker, policy.impostor_prior * exp(-llr), policy.spoof_prior * exp(-liveness)
    genuine, impostor, spoof = (weight / sum(weights) for weight in weights)
    return {
        Decision.ACCEPT: impostor * policy.false_accept_cost + spoof * policy.spoof_accept_cost,
        Decision.REJECT: genuine * policy.false_reject_cost,
        Decision.STEP_UP: policy.step_up_cost,
    }


@given(LLRS, LLRS, POLICIES)
def test_takes_the_action_of_least_expected_cost(llr: float, liveness: float, policy: Policy) -> None:
    costs = expected_costs(llr, liveness, policy)
    decision = decide(scored(llr), replace(CALL, liveness=liveness), policy).decision
    assert costs[decision] == pytest.approx(min(costs.values()), rel=1e-6)


@given(LLRS, LLRS, LLRS, SENSIBLE)
def test_a_voice_that_sounds_more_human_is_never_decided_worse(
    llr: float, one: float, other: float, policy: Policy
) -> None:
    low, high = (decide(scored(llr), replace(CALL, liveness=each), policy).decision for each in sorted((one, other)))
    assert RANK[low] <= RANK[high]


@given(LLRS, POLICIES)
def test_nobody_is_accepted_whom_nobody_listened_to_for_liveness(llr: float, policy: Policy) -> None:
    decided = decide(scored(llr), replace(CALL, liveness=None), policy)
    assert decided.decision is not Decision.ACCEPT
    assert Reason.SIGNAL_MISSING in decided.reasons


@given(LLRS, LLRS, LLRS, LLRS, POLICIES)
def test_the_fused_score_rises_with_the_probability_of_the_speaker(
    llr: float, liveness: float, more_llr: float, more_liveness: float, policy: Policy
) -> None:
    fused, other = fused_llr(llr, liveness, policy), fused_llr(more_llr, more_liveness, policy)
    odds, others = odds_against(llr, liveness, policy), odds_against(more_llr, more_liveness, policy)
    against, for_other = odds.impostor + odds.spoof, others.impostor + others.spoof
    # Two odds so close that their logarithms are one number may have one score.
    assert against < for_other or fused <= other
    assert against > for_other or fused >= other


def test_with_a_perfect_voice_the_answer_goes_from_accept_to_step_up_to_reject_as_it_sounds_less_human() -> None:
    edge = thresholds(POLICY).liveness
    calls = [decide(scored(12.0), replace(CALL, liveness=llr), POLICY) for llr in (edge + 0.1, edge - 0.1, -12.0)]
    assert [call.decision for call in calls] == [Decision.ACCEPT, Decision.STEP_UP, Decision.REJECT]
    assert calls[0].reasons == (Reason.VOICE_MATCH,)
    assert calls[1].reasons == calls[2].reasons == (Reason.VOICE_SYNTHETIC, Reason.VOICE_MATCH)


def test_no_information_about_liveness_keeps_no_clear_match_from_being_accepted() -> None:
    assert decide(scored(4.0), replace(CALL, liveness=0.0), POLICY).reasons == (Reason.VOICE_MATCH,)


def test_doubt_about_liveness_is_named_where_it_makes_the_difference() -> None:
    doubtful = replace(CALL, liveness=thresholds(POLICY).liveness + 0.1)
    decided = decide(scored(thresholds(POLICY).accept + 0.1), doubtful, POLICY)
    assert decided.decision is Decision.STEP_UP
    assert decided.reasons == (Reason.LIVENESS_UNCERTAIN, Reason.VOICE_MATCH)


@given(LLRS, st.floats(0, 30), POLICIES)
def test_a_voice_that_rather_sounds_human_is_never_called_synthetic(
    llr: float, liveness: float, policy: Policy
) -> None:
    decided = decide(scored(llr), replace(CALL, liveness=liveness), policy)
    assert Reason.VOICE_SYNTHETIC not in decided.reasons


def test_an_impostor_with_a_synthetic_voice_is_rejected_for_the_voice_first() -> None:
    decided = decide(scored(-12.0), replace(CALL, liveness=-12.0), POLICY)
    assert decided.reasons == (Reason.VOICE_MISMATCH, Reason.VOICE_SYNTHETIC)


@given(LLRS, LLRS, SENSIBLE)
def test_a_higher_llr_never_decides_worse(one: float, other: float, policy: Policy) -> None:
    low, high = (decide(scored(llr), CALL, policy).decision for llr in sorted((one, other)))
    assert RANK[low] <= RANK[high]


def test_names_match_mismatch_and_doubt() -> None:
    accept, reject = thresholds(POLICY).accept, thresholds(POLICY).reject
    assert decide(scored(accept + 0.1), CALL, POLICY).reasons == (Reason.VOICE_MATCH,)
    assert decide(scored(accept - 0.1), CALL, POLICY).reasons == (Reason.VOICE_UNCERTAIN,)
    assert decide(scored(reject - 0.1), CALL, POLICY).reasons == (Reason.VOICE_MISMATCH,)


def test_a_new_domain_accepts_above_odds_of_five_and_rejects_only_when_it_is_clear() -> None:
    assert astuple(thresholds(Policy())) == pytest.approx((1.63, -5.28, -1.37), abs=0.01)


ANY_COST = st.floats(0, 1_000_000, exclude_min=True)
ANY_PRIOR = st.floats(0, 0.5, exclude_min=True, exclude_max=True)


@given(st.builds(Policy, ANY_PRIOR, ANY_PRIOR, ANY_COST, ANY_COST, ANY_COST, ANY_COST))
def test_whatever_policy_the_contract_takes_has_thresholds(policy: Policy) -> None:
    assert all(isfinite(each) for each in astuple(thresholds(policy)))


def test_the_threshold_is_where_accepting_begins() -> None:
    threshold = decide(scored(0.0), CALL, POLICY).thresholds.accept
    assert decide(scored(threshold + 1e-9), CALL, POLICY).decision is Decision.ACCEPT
    assert decide(scored(threshold - 0.001), CALL, POLICY).decision is Decision.STEP_UP


@pytest.mark.parametrize(
    ("seconds", "policy_minimum", "expected"),
    [
        (2.9, 3.0, Decision.INCONCLUSIVE),
        (3.0, 3.0, Decision.ACCEPT),
        (1.4, 1.0, Decision.INCONCLUSIVE),
        (1.6, 1.0, Decision.ACCEPT),
    ],
)
def test_is_inconclusive_below_the_policys_and_the_calibrations_minimum(
    seconds: float, policy_minimum: float, expected: Decision
) -> None:
    policy = replace(POLICY, minimum_decision_seconds=policy_minimum)
    assert decide(scored(9.0), replace(CALL, speech_seconds=seconds), policy).decision is expected


def test_says_whether_there_was_no_speech_or_too_little() -> None:
    silent = replace(CALL, speech_seconds=0.0)
    assert decide(None, silent, POLICY).reasons == (Reason.NO_SPEECH,)
    assert decide(scored(9.0), replace(CALL, speech_seconds=1.0), POLICY).reasons == (Reason.NOT_ENOUGH_SPEECH,)


@pytest.mark.parametrize(
    ("quality", "reason"),
    [
        (replace(CLEAN, clipped=0.02), Reason.AUDIO_CLIPPED),
        (replace(CLEAN, level_dbfs=-50.0), Reason.AUDIO_TOO_QUIET),
        (replace(CLEAN, snr_db=5.0), Reason.AUDIO_NOISY),
    ],
)
def test_never_accepts_on_audio_that_calibration_has_not_met(quality: Quality, reason: Reason) -> None:
    decided = decide(scored(9.0), replace(CALL, quality=quality), POLICY)
    assert decided.decision is Decision.STEP_UP
    assert decided.reasons == (Reason.VOICE_MATCH, reason)


def test_unknown_background_is_no_doubt() -> None:
    decided = decide(scored(9.0), replace(CALL, quality=replace(CLEAN, snr_db=None)), POLICY)
    assert decided.decision is Decision.ACCEPT


def test_never_accepts_when_a_signal_is_missing() -> None:
    decided = decide(scored(9.0), CALL, POLICY, degraded=["call_risk"])
    assert decided.decision is Decision.STEP_UP
    assert decided.reasons == (Reason.VOICE_MATCH, Reason.SIGNAL_MISSING)


def test_still_rejects_when_a_signal_is_missing() -> None:
    assert decide(scored(-12.0), CALL, POLICY, degraded=["call_risk"]).decision is Decision.REJECT


def test_names_the_other_channel_when_it_did_not_accept() -> None:
    assert decide(scored(9.0, Condition.CROSS), CALL, POLICY).reasons == (Reason.VOICE_MATCH,)
    assert Reason.CHANNEL_MISMATCH in decide(scored(-1.0, Condition.CROSS), CALL, POLICY).reasons


@given(LLRS, LLRS)
def test_the_public_score_rises_with_the_llr(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 < public_score(low) <= public_score(high) < 100.0
    assert public_score(0.0) == 50.0
