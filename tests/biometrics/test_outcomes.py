"""Outcomes become error rates of each bundle and policy, with intervals that published tables confirm."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision, cheapest, odds_against
from bonafide.biometrics.outcomes.error_rates import DecidedBy, LabeledDecision, outcome_rates, wilson
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.biometrics.outcomes.review import review_worth
from bonafide.biometrics.policy import Policy

BY = DecidedBy("a" * 64, 1)
GENUINE = LabeledDecision(BY, Decision.ACCEPT, False, OutcomeLabel.GENUINE)
IMPOSTOR = LabeledDecision(BY, Decision.REJECT, False, OutcomeLabel.FRAUD, AttackKind.IMPOSTOR)
CLONE = LabeledDecision(BY, Decision.STEP_UP, True, OutcomeLabel.FRAUD, AttackKind.SYNTHETIC)
REPLAYED = replace(CLONE, attack=AttackKind.REPLAYED)


def test_rates_are_counted_by_bundle_policy_and_attack() -> None:
    labeled = [
        GENUINE,
        replace(GENUINE, decision=Decision.STEP_UP),
        replace(GENUINE, decision=Decision.INCONCLUSIVE, attack_found=True),
        IMPOSTOR,
        replace(IMPOSTOR, decision=Decision.ACCEPT, by=DecidedBy("a" * 64, 2)),
        CLONE,
        replace(CLONE, attack_found=False),
        replace(CLONE, attack_found=False, decision=Decision.ACCEPT),
        replace(CLONE, attack_found=None),
        REPLAYED,
        replace(CLONE, attack=AttackKind.OTHER),
        replace(CLONE, attack=None),
        replace(CLONE, label=OutcomeLabel.UNKNOWN),
    ]
    rates = outcome_rates(labeled)
    counts = {by.policy_version: [(each.name, each.errors, each.total) for each in own] for by, own in rates.items()}
    assert counts == {
        1: [
            ("APCER replayed", 0, 1),
            ("APCER synthetic", 2, 3),
            ("BPCER", 1, 3),
            ("FMR", 0, 1),
            ("FNMR", 1, 2),
            ("IAPAR replayed", 0, 1),
            ("IAPAR synthetic", 1, 4),
        ],
        2: [("FMR", 1, 1)],
    }


@pytest.mark.parametrize(
    ("errors", "total", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_the_published_examples(errors: int, total: int, low: float, high: float) -> None:
    assert wilson(errors, total) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


LLRS = st.floats(-30, 30)


@given(LLRS, st.none() | LLRS)
def test_what_the_policy_chose_by_itself_costs_no_more_than_a_step_up(voice: float, liveness: float | None) -> None:
    policy = Policy()
    chosen = cheapest(odds_against(voice, liveness, policy), policy)
    worth = review_worth(chosen, voice, liveness, policy)
    assert 0 <= worth.expected_cost <= policy.step_up_cost + 1e-9
    assert 0 <= worth.impostor + worth.spoof <= 1 + 1e-9


def test_a_doubtful_acceptance_is_worth_more_than_a_sure_one_and_a_rejection_of_a_likely_speaker_too() -> None:
    policy = Policy()
    sure, doubtful = (review_worth(Decision.ACCEPT, 9.0, liveness, policy) for liveness in (6.0, -1.0))
    assert doubtful.expected_cost > sure.expected_cost > 0
    assert doubtful.spoof > sure.spoof
    likely, unlikely = (review_worth(Decision.REJECT, voice, 6.0, policy) for voice in (-3.0, -9.0))
    assert likely.expected_cost > unlikely.expected_cost > 0
    # By hand: odds of 0.02 / 0.979 and 0.001 / 0.979, each over the likelihood e^0, and 250 for either.
    even = review_worth(Decision.ACCEPT, 0.0, 0.0, policy)
    assert even.expected_cost == pytest.approx(250 * (0.02 + 0.001), rel=1e-9)
    assert (even.impostor, even.spoof) == pytest.approx((0.02, 0.001))
    assert review_worth(Decision.STEP_UP, 0.0, None, policy).expected_cost == 0
