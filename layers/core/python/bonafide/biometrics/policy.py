"""Policy of a domain: costs of errors, priors, and the speech that it requires."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Costs, priors and requirements of a domain; the defaults are those of a new domain.

    Attributes:
        impostor_prior: share of calls in which somebody else claims to be the speaker, in (0, 0.5).
        spoof_prior: share of calls with a synthetic copy of the speaker's voice, in (0, 0.5).
        false_accept_cost: of accepting an impostor, > 0.
        spoof_accept_cost: of accepting a synthetic voice, > 0.
        false_reject_cost: of rejecting the genuine speaker, > 0.
        step_up_cost: of asking a caller, genuine or not, for another proof, > 0.
        minimum_enrolment_seconds: net speech that completes an enrollment.
        minimum_decision_seconds: net speech below which nothing is decided.
    """

    impostor_prior: float = 0.02
    spoof_prior: float = 0.001
    false_accept_cost: float = 250.0
    spoof_accept_cost: float = 250.0
    false_reject_cost: float = 5.0
    step_up_cost: float = 1.0
    minimum_enrolment_seconds: float = 20.0
    minimum_decision_seconds: float = 3.0
