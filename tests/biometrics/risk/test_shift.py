"""What the risk of a call does to a decision."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision, Reason, ReasonedDecision, decide, thresholds
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.risk.scorecard import SCORECARD
from bonafide.biometrics.risk.shift import decide_on_call
from tests.biometrics.test_decision import CALL, LLRS, POLICIES, POLICY, RANK, scored

NATS = st.floats(SCORECARD.lowest, SCORECARD.highest, allow_subnormal=False)
LIMITS = thresholds(POLICY)


def both(llr: float, liveness: float, policy: Policy, nats: float) -> tuple[ReasonedDecision, ReasonedDecision]:
    facts = replace(CALL, liveness=liveness)
    return decide(scored(llr), facts, policy), decide_on_call(scored(llr), facts, policy, (), nats)


@given(LLRS, LLRS, POLICIES)
def test_a_call_of_which_nothing_is_known_changes_nothing(llr: float, liveness: float, policy: Policy) -> None:
    alone, found = both(llr, liveness, policy, 0.0)
    assert found == alone


@given(LLRS, LLRS, POLICIES, NATS)
def test_the_call_alone_neither_accepts_a_voice_that_fails_nor_rejects_one_that_matches(
    llr: float, liveness: float, policy: Policy, nats: float
) -> None:
    alone, found = both(llr, liveness, policy, nats)
    assert abs(RANK[found.decision] - RANK[alone.decision]) <= 1
    if found.decision is Decision.ACCEPT is not alone.decision:
        assert llr >= 0
        assert liveness >= -SCORECARD.highest or alone.thresholds.liveness < 0
    if found.decision is Decision.REJECT is not alone.decision:
        assert Reason.VOICE_MATCH not in found.reasons


@given(LLRS, LLRS, POLICIES, NATS, NATS)
def test_more_risk_never_decides_better(llr: float, liveness: float, policy: Policy, one: float, other: float) -> None:
    less, more = sorted((one, other))
    alone, found = both(llr, liveness, policy, more)
    if more > 0:
        assert RANK[found.decision] <= RANK[alone.decision]
    if less < 0:
        assert RANK[both(llr, liveness, policy, less)[1].decision] >= RANK[alone.decision]


@given(LLRS, POLICIES, NATS)
def test_a_decision_that_the_call_changed_says_so_and_no_other_does(llr: float, policy: Policy, nats: float) -> None:
    alone, found = both(llr, 12.0, policy, nats)
    changed = found.decision is not alone.decision
    assert (Reason.CALL_CONTEXT in found.reasons) is changed
    assert [each for each in found.reasons if each is not Reason.CALL_CONTEXT] == list(alone.reasons)


@given(LLRS, LLRS, POLICIES, st.floats(SCORECARD.lowest, 0.0, allow_subnormal=False))
def test_nothing_is_forgiven_to_a_voice_that_may_be_a_copy(
    llr: float, liveness: float, policy: Policy, nats: float
) -> None:
    """Were the voice surely the speaker's, a call in the caller's favor would change nothing."""
    alone, found = both(300.0, liveness, policy, nats)
    assert found.decision is alone.decision


@pytest.mark.parametrize(
    ("llr", "nats", "decision", "reasons"),
    [
        (LIMITS.accept - 0.1, -1.0, Decision.ACCEPT, (Reason.CALL_CONTEXT, Reason.VOICE_UNCERTAIN)),
        (LIMITS.accept - 1.1, -1.0, Decision.STEP_UP, (Reason.VOICE_UNCERTAIN,)),
        (LIMITS.accept + 0.9, 1.0, Decision.STEP_UP, (Reason.CALL_CONTEXT, Reason.VOICE_MATCH)),
        (LIMITS.accept + 1.1, 1.0, Decision.ACCEPT, (Reason.VOICE_MATCH,)),
        (LIMITS.reject + 0.9, 1.0, Decision.REJECT, (Reason.VOICE_UNCERTAIN, Reason.CALL_CONTEXT)),
        (LIMITS.reject - 0.1, -1.0, Decision.STEP_UP, (Reason.VOICE_MISMATCH, Reason.CALL_CONTEXT)),
        (-0.01, -30.0, Decision.STEP_UP, (Reason.VOICE_UNCERTAIN,)),
    ],
)
def test_the_thresholds_move_by_the_nats(
    llr: float, nats: float, decision: Decision, reasons: tuple[Reason, ...]
) -> None:
    found = decide_on_call(scored(llr), CALL, POLICY, (), nats)
    assert (found.decision, found.reasons, found.thresholds) == (decision, reasons, LIMITS)
