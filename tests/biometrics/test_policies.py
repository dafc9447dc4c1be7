"""What policies require beside the least cost, and what another policy would have decided."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Decision, Odds, Reason, certain, cheapest, thresholds
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.biometrics.outcomes.review import review_worth
from bonafide.biometrics.policies.costs import CallerProbabilities, action_cost
from bonafide.biometrics.policies.rejudging import rejudged
from bonafide.biometrics.policy import Factor, Policy, RejectingAlert
from bonafide.biometrics.risk.scorecard import CallRisk
from tests.biometrics.test_decision import COSTS, LLRS, POLICIES
from tests.biometrics.test_judgement import CALIBRATION, CASES, VOICEPRINT, heard

ODDS = st.builds(Odds, st.floats(1e-9, 1e6), st.floats(1e-9, 1e6))
ALERTS = st.lists(
    st.sampled_from([*(name for name in RejectingAlert if name in Reason), "TOO_MANY_FAILURES"]), unique=True
).map(lambda names: tuple(map(Reason, names)))
STRICT = st.builds(
    replace,
    POLICIES,
    minimum_decision_seconds=st.floats(1, 30),
    requires=st.sampled_from([(), (Factor.ANOTHER,), (Factor.CALL_RISK,)]),
    uncertain_margin=st.just(0.0) | st.floats(0, 10),
    reject_on=st.lists(st.sampled_from(RejectingAlert), unique=True).map(lambda names: tuple(sorted(names))),
)
RISK = CallRisk("v1", 0.0)
RISKS = st.none() | st.builds(CallRisk, st.just("v1"), st.floats(-1.5, 3.0))
ALERTED = st.builds(lambda case, alerts, risk: replace(case, alerts=alerts, risk=risk), CASES, ALERTS, RISKS)


@given(ODDS, POLICIES, st.floats(0, 10), st.floats(-1, 1))
def test_an_action_is_taken_only_if_no_error_within_the_margin_changes_it(
    odds: Odds, policy: Policy, margin: float, share: float
) -> None:
    decision = certain(odds, replace(policy, uncertain_margin=margin))
    assert decision is Decision.STEP_UP or decision is cheapest(odds.raised(share * margin), policy)


@given(ODDS, POLICIES)
def test_without_a_margin_the_cheapest_action_is_taken(odds: Odds, policy: Policy) -> None:
    assert certain(odds, policy) is cheapest(odds, policy)


@given(st.floats(0, 10))
def test_a_margin_widens_the_zone_between_the_thresholds_on_both_sides(margin: float) -> None:
    plain, wide = thresholds(Policy()), thresholds(Policy(uncertain_margin=margin))
    assert (wide.accept - plain.accept, plain.reject - wide.reject) == pytest.approx((margin, margin))
    assert wide.liveness - plain.liveness == pytest.approx(margin)


def test_a_perfect_match_is_a_step_up_where_another_factor_is_required() -> None:
    found = judge(Case.of(heard(), VOICEPRINT), Policy(requires=(Factor.ANOTHER,)), CALIBRATION)
    assert (found.decision, found.reasons) == (Decision.STEP_UP, (Reason.FACTOR_REQUIRED, Reason.VOICE_MATCH))


def test_where_call_risk_is_required_nobody_is_accepted_of_whose_call_nothing_was_stated() -> None:
    policy = Policy(requires=(Factor.CALL_RISK,))
    case = Case.of(heard(), VOICEPRINT)
    unknown, known = (judge(each, policy, CALIBRATION) for each in (case, replace(case, risk=RISK)))
    assert (unknown.decision, unknown.reasons[0]) == (Decision.STEP_UP, Reason.FACTOR_REQUIRED)
    assert known.decision is Decision.ACCEPT
    both = replace(policy, requires=(Factor.ANOTHER, Factor.CALL_RISK))
    assert judge(replace(case, risk=RISK), both, CALIBRATION).decision is Decision.STEP_UP


@pytest.mark.parametrize(
    ("reject_on", "decision"), [((), Decision.STEP_UP), ((RejectingAlert.AUDIO_REPLAYED,), Decision.REJECT)]
)
def test_an_alert_rejects_where_the_policy_says_so(reject_on: tuple[RejectingAlert, ...], decision: Decision) -> None:
    case = Case.of(heard(), VOICEPRINT, alerts=(Reason.AUDIO_REPLAYED,))
    found = judge(case, Policy(reject_on=reject_on), CALIBRATION)
    assert (found.decision, found.reasons) == (decision, (Reason.AUDIO_REPLAYED, Reason.VOICE_MATCH))
    other = judge(replace(case, alerts=(Reason.TOO_MANY_FAILURES,)), Policy(reject_on=reject_on), CALIBRATION)
    assert other.decision is Decision.STEP_UP


@given(ALERTED, STRICT, STRICT)
def test_another_policy_decides_as_its_judge_would_have(case: Case, former: Policy, policy: Policy) -> None:
    stored = judge(case, former, CALIBRATION)
    found, right = rejudged(case, stored, former, policy), judge(case, policy, CALIBRATION)
    if found is None:
        # Nothing says whether so little speech was enough for the calibration.
        assert Reason.NOT_ENOUGH_SPEECH in stored.reasons
        assert policy.minimum_decision_seconds <= case.speech_seconds < former.minimum_decision_seconds
    else:
        assert (found.decision, found.reasons, found.thresholds) == (right.decision, right.reasons, right.thresholds)


@given(ALERTED, STRICT)
def test_the_same_policy_decides_the_same(case: Case, policy: Policy) -> None:
    stored = judge(case, policy, CALIBRATION)
    again = rejudged(case, stored, policy, policy)
    assert again
    assert (again.decision, again.reasons, again.thresholds) == (stored.decision, stored.reasons, stored.thresholds)


@given(LLRS, st.none() | LLRS, POLICIES)
def test_the_expected_cost_of_letting_in_and_turning_away_is_that_of_reviews(
    llr: float, liveness: float | None, policy: Policy
) -> None:
    caller = CallerProbabilities.expected(llr, liveness, policy)
    assert caller.speaker + caller.impostor + caller.spoof == pytest.approx(1)
    for decision in (Decision.ACCEPT, Decision.REJECT):
        cost = review_worth(decision, llr, liveness, policy).expected_cost
        assert action_cost(decision, caller, policy) == pytest.approx(cost)


@given(st.tuples(COSTS, COSTS, COSTS, COSTS))
def test_a_known_outcome_costs_what_the_policy_says(costs: tuple[float, float, float, float]) -> None:
    policy = Policy(0.02, 0.001, *costs)
    callers = [
        CallerProbabilities.labeled(label, attack)
        for label, attack in (
            (OutcomeLabel.GENUINE, None),
            (OutcomeLabel.FRAUD, None),
            (OutcomeLabel.FRAUD, AttackKind.SYNTHETIC),
        )
    ]
    found = [[action_cost(each, caller, policy) for caller in callers if caller] for each in Decision]
    impostor, spoof, reject, step_up = costs
    assert found == [[0, impostor, spoof], [step_up] * 3, [reject, 0, 0], [step_up] * 3]
    assert CallerProbabilities.labeled(OutcomeLabel.UNKNOWN, None) is None
