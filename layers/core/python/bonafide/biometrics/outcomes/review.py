"""Worth of a look at a decision: the expected cost of its error, under the policy that made it."""

from dataclasses import dataclass

from bonafide.biometrics.decision import Decision, Odds, odds_against
from bonafide.biometrics.policy import Policy


@dataclass(frozen=True, slots=True)
class ReviewWorth:
    """Expectations about a decision whose outcome is not known.

    Attributes:
        expected_cost: of its error, in the costs of the policy: of a false accept for ACCEPT, of a false reject for
            REJECT, and 0 for others, which let nobody in and turn nobody away, and cost the same whoever called.
        impostor: posterior probability of another human.
        spoof: posterior probability of a synthetic copy of the speaker's voice.
    """

    expected_cost: float
    impostor: float
    spoof: float


def review_worth(decision: Decision, speaker_llr: float, liveness_llr: float | None, policy: Policy) -> ReviewWorth:
    """Returns what is to be expected of a decision; a speaker LLR of 0 where there was nothing to compare."""
    odds = odds_against(speaker_llr, liveness_llr, policy)
    whole = 1.0 + odds.impostor + odds.spoof
    return ReviewWorth(_cost(decision, odds, policy) / whole, odds.impostor / whole, odds.spoof / whole)


def _cost(decision: Decision, odds: Odds, policy: Policy) -> float:
    """Returns the cost of an error relative to the claimed speaker's probability, as `cheapest` weighs it."""
    if decision is Decision.ACCEPT:
        return odds.impostor * policy.false_accept_cost + odds.spoof * policy.spoof_accept_cost
    return policy.false_reject_cost if decision is Decision.REJECT else 0.0
