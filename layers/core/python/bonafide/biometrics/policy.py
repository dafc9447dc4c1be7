"""Policy of a domain: costs of errors, priors, what it requires, limits, and what answers tell."""

from dataclasses import dataclass
from enum import StrEnum


class Disclosure(StrEnum):
    """Detail in which answers tell scores; decisions, reasons and the ledger are the same with each.

    FULL tells calibrated LLRs. COARSE tells no more than the decision and its reasons do: the threshold that an LLR
    reaches. NONE tells none.
    """

    FULL = "full"
    COARSE = "coarse"
    NONE = "none"


class SyntheticEnrollment(StrEnum):
    """Treatments of a contribution that sounds synthetic: REFUSE adds nothing, RECORD adds it and says so."""

    REFUSE = "refuse"
    RECORD = "record"


class Factor(StrEnum):
    """Factors that a policy may require beside voice and liveness, without which nothing is accepted anyway.

    ANOTHER is a proof that the service does not see, such as a PIN: where it is required, voice alone never accepts.
    CALL_RISK is what is known of the call: where it is required, nobody is accepted of whose call nothing was stated.
    """

    ANOTHER = "another_factor"
    CALL_RISK = "call_risk"


class RejectingAlert(StrEnum):
    """Alerts on which a policy may reject what would be ACCEPT or STEP_UP.

    A limit of failed attempts is none of them: whoever fails on purpose would have the genuine speaker rejected.
    """

    AUDIO_REPLAYED = "AUDIO_REPLAYED"
    VOICE_CHANGED = "VOICE_CHANGED"
    SEVERAL_VOICES = "SEVERAL_VOICES"
    WATCHLIST_MATCH = "WATCHLIST_MATCH"


@dataclass(frozen=True, slots=True)
class Policy:
    """Costs, priors, requirements and limits of a domain; the defaults are those of a new domain.

    Attributes:
        impostor_prior: share of calls in which somebody else claims to be the speaker, in (0, 0.5).
        spoof_prior: share of calls with a synthetic copy of the speaker's voice, in (0, 0.5).
        false_accept_cost: of accepting an impostor, > 0.
        spoof_accept_cost: of accepting a synthetic voice, > 0.
        false_reject_cost: of rejecting the genuine speaker, > 0.
        step_up_cost: of asking a caller, genuine or not, for another proof, > 0.
        minimum_enrolment_seconds: net speech that completes an enrollment.
        minimum_decision_seconds: net speech below which nothing is decided.
        failure_limit: failed attempts after which no decision is better than STEP_UP; None for no limit.
        failure_minutes: minutes without a failed attempt after which the limit ends.
        claim_limit: different speakers that may be claimed in one session.
        disclosure: detail in which answers tell scores.
        synthetic_enrollment: what becomes of a contribution that sounds synthetic.
        requires: factors without which nothing is accepted; sorted, each once.
        uncertain_margin: nats by which the evidence may be wrong, >= 0: ACCEPT and REJECT have to be cheapest all the
            same.
        reject_on: alerts that make REJECT of what would be ACCEPT or STEP_UP; sorted, each once.
    """

    impostor_prior: float = 0.02
    spoof_prior: float = 0.001
    false_accept_cost: float = 250.0
    spoof_accept_cost: float = 250.0
    false_reject_cost: float = 5.0
    step_up_cost: float = 1.0
    minimum_enrolment_seconds: float = 20.0
    minimum_decision_seconds: float = 3.0
    failure_limit: int | None = 5
    failure_minutes: int = 15
    claim_limit: int = 3
    disclosure: Disclosure = Disclosure.COARSE
    synthetic_enrollment: SyntheticEnrollment = SyntheticEnrollment.REFUSE
    requires: tuple[Factor, ...] = ()
    uncertain_margin: float = 0.0
    reject_on: tuple[RejectingAlert, ...] = ()
