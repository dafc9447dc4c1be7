"""Expected cost of an action, whoever called."""

from dataclasses import dataclass
from typing import Self

from bonafide.biometrics.decision import Decision, odds_against
from bonafide.biometrics.outcomes.labels import PRESENTATION_ATTACKS, AttackKind, OutcomeLabel
from bonafide.biometrics.policy import Policy


@dataclass(frozen=True, slots=True)
class CallerProbabilities:
    """Probabilities of who called, which sum to 1.

    Attributes:
        speaker: the claimed speaker.
        impostor: another human.
        spoof: a synthetic copy of the speaker's voice, or a recording of it.
    """

    speaker: float
    impostor: float
    spoof: float

    @classmethod
    def labeled(cls, label: OutcomeLabel, attack: AttackKind | None) -> Self | None:
        """Returns them for an outcome that says who called; a fraud of another kind, or of none, is an impostor's."""
        if label is OutcomeLabel.UNKNOWN:
            return None
        if label is OutcomeLabel.GENUINE:
            return cls(1.0, 0.0, 0.0)
        return cls(0.0, 0.0, 1.0) if attack in PRESENTATION_ATTACKS else cls(0.0, 1.0, 0.0)

    @classmethod
    def expected(cls, speaker_llr: float, liveness_llr: float | None, policy: Policy) -> Self:
        """Returns them by the evidence and the priors of a policy; an LLR of 0 where nothing was compared."""
        odds = odds_against(speaker_llr, liveness_llr, policy)
        whole = 1.0 + odds.impostor + odds.spoof
        return cls(1.0 / whole, odds.impostor / whole, odds.spoof / whole)


def action_cost(decision: Decision, caller: CallerProbabilities, policy: Policy) -> float:
    """Returns the expected cost of an action in the costs of a policy.

    INCONCLUSIVE costs what a step-up does: the voice did not settle who calls, and something else has to.
    """
    if decision is Decision.ACCEPT:
        return caller.impostor * policy.false_accept_cost + caller.spoof * policy.spoof_accept_cost
    return caller.speaker * policy.false_reject_cost if decision is Decision.REJECT else policy.step_up_cost
