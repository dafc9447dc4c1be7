from dataclasses import replace
from math import exp, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision, Reason, decide, thresholds
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Condition, Measured, SpeakerScore, public_score

CLEAN = Quality(level_dbfs=-20.0, clipped=0.0, snr_db=30.0)
CALL = Evidence(5.0, Channel.NARROWBAND, {}, CLEAN, "space")
MEASURED = Measured(seconds=1.5, clipped=0.01, level_dbfs=-45.0, snr_db=8.0)
POLICY = Policy()
LLRS = st.floats(-12, 12, allow_subnormal=False)
COSTS = st.floats(0.01, 10_000)
POLICIES = st.builds(Policy, st.floats(0.0001, 0.49), COSTS, COSTS, COSTS)
RANK = {Decision.REJECT: 0, Decision.STEP_UP: 1, Decision.ACCEPT: 2}


def scored(llr: float, condition: Condition = Condition.NARROWBAND) -> SpeakerScore:
    return SpeakerScore(llr, public_score(llr), condition, 0.5, MEASURED)


def expected_costs(llr: float, policy: Policy) -> dict[Decision, float]:
    odds = policy.impostor_prior / (1 - policy.impostor_prior) * exp(-llr)
    impostor = odds / (1 + odds)
    return {
        Decision.ACCEPT: impostor * policy.false_accept_cost,
        Decision.REJECT: (1 - impostor) * policy.false_reject_cost,
        Decision.STEP_UP: policy.step_up_cost,
    }


@given(LLRS, POLICIES)
def test_takes_the_action_of_least_expected_cost(llr: float, policy: Policy) -> None:
    costs = expected_costs(llr, policy)
    assert costs[decide(scored(llr), CALL, policy).decision] == pytest.approx(min(costs.values()), rel=1e-6)


@given(LLRS, LLRS, POLICIES)
def test_a_higher_llr_never_decides_worse(one: float, other: float, policy: Policy) -> None:
    low, high = (decide(scored(llr), CALL, policy).decision for llr in sorted((one, other)))
    assert RANK[low] <= RANK[high]


def test_names_match_mismatch_and_doubt() -> None:
    accept, reject = thresholds(POLICY)
    assert decide(scored(accept + 0.1), CALL, POLICY).reasons == (Reason.VOICE_MATCH,)
    assert decide(scored(accept - 0.1), CALL, POLICY).reasons == (Reason.VOICE_UNCERTAIN,)
    assert decide(scored(reject - 0.1), CALL, POLICY).reasons == (Reason.VOICE_MISMATCH,)


def test_a_new_domain_accepts_above_odds_of_five_and_rejects_only_when_it_is_clear() -> None:
    assert thresholds(Policy()) == pytest.approx((1.63, -5.28), abs=0.01)


ANY_COST = st.floats(0, 1_000_000, exclude_min=True)
ANY_PRIOR = st.floats(0, 0.5, exclude_min=True, exclude_max=True)


@given(st.builds(Policy, ANY_PRIOR, ANY_COST, ANY_COST, ANY_COST))
def test_whatever_policy_the_contract_takes_has_thresholds(policy: Policy) -> None:
    accept, reject = thresholds(policy)
    assert isfinite(accept)
    assert isfinite(reject)


def test_the_threshold_is_where_accepting_begins() -> None:
    threshold = decide(scored(0.0), CALL, POLICY).threshold
    assert decide(scored(threshold), CALL, POLICY).decision is Decision.ACCEPT
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
    verdict = decide(scored(9.0), replace(CALL, quality=quality), POLICY)
    assert verdict.decision is Decision.STEP_UP
    assert verdict.reasons == (Reason.VOICE_MATCH, reason)


def test_unknown_background_is_no_doubt() -> None:
    verdict = decide(scored(9.0), replace(CALL, quality=replace(CLEAN, snr_db=None)), POLICY)
    assert verdict.decision is Decision.ACCEPT


def test_never_accepts_when_a_signal_is_missing() -> None:
    verdict = decide(scored(9.0), CALL, POLICY, degraded=["call_risk"])
    assert verdict.decision is Decision.STEP_UP
    assert verdict.reasons == (Reason.VOICE_MATCH, Reason.SIGNAL_MISSING)


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
