"""Effect of the risk of a call on a decision: the odds of fraud move, and the decision by one step at most."""

from dataclasses import dataclass, replace

from bonafide.biometrics.decision import CaseFacts, Decision, Reason, ReasonedDecision, Thresholds, decide
from bonafide.biometrics.evidence import Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import SpeakerScore

# A call never makes up for a voice that is likelier somebody else's.
LOWEST_ACCEPTED_LLR = 0.0


@dataclass(frozen=True, slots=True)
class ShiftedFacts:
    """Facts of a case whose liveness LLR was moved; attributes as of `CaseFacts`."""

    speech_seconds: float
    quality: Quality | None
    liveness: float | None


def decide_on_call(
    score: SpeakerScore, facts: CaseFacts, policy: Policy, degraded: tuple[str, ...], nats: float
) -> ReasonedDecision:
    """Decides on voice and call together.

    Moving all evidence by so many nats is moving the prior odds of fraud by them. In favor of the caller they count
    against another human only: whoever can make a copy of the voice can also forge a number.

    Args:
        score: of the voice.
        facts: of the case.
        policy: of the domain.
        degraded: signals that were missing.
        nats: risk of the call; 0 for none.
    """
    alone = decide(score, facts, policy, degraded)
    moved = max(nats, _most_in_favor(alone.thresholds))
    if not moved:
        return alone
    liveness = None if facts.liveness is None else facts.liveness - max(moved, 0.0)
    shifted = ShiftedFacts(facts.speech_seconds, facts.quality, liveness)
    decided = decide(replace(score, llr=score.llr - moved), shifted, policy, degraded)
    return _moved(alone, decided.decision, moved)


def _most_in_favor(limits: Thresholds) -> float:
    """Returns the nats, <= 0, below which the call would make up for a voice that fails."""
    return min(0.0, max(LOWEST_ACCEPTED_LLR, limits.reject) - limits.accept)


def _moved(alone: ReasonedDecision, decision: Decision, nats: float) -> ReasonedDecision:
    """Returns the decision that the call leads to, and says that it does; never from ACCEPT to REJECT or back.

    The reasons of the voice stay. A voice that failed still comes first, so that it counts as a failed attempt.
    """
    if decision is alone.decision:
        return alone
    final = Decision.STEP_UP if _is_too_far(alone, decision) else decision
    # To whom asking is dearer than a mistake, accepting can be cheapest where most is in doubt.
    if final is alone.decision or _is_better(final, alone.decision) is (nats > 0):
        return alone
    if alone.decision is Decision.ACCEPT or final is Decision.ACCEPT:
        return replace(alone, decision=final, reasons=(Reason.CALL_CONTEXT, *alone.reasons))
    return replace(alone, decision=final, reasons=(*alone.reasons, Reason.CALL_CONTEXT))


def _is_better(one: Decision, other: Decision) -> bool:
    ascending = (Decision.REJECT, Decision.STEP_UP, Decision.ACCEPT)
    return ascending.index(one) > ascending.index(other)


def _is_too_far(alone: ReasonedDecision, decision: Decision) -> bool:
    """Tells whether the call would reject a voice that matches, or accept one that is rejected."""
    if decision is Decision.REJECT:
        return alone.decision is Decision.ACCEPT or Reason.VOICE_MATCH in alone.reasons
    return decision is Decision.ACCEPT and alone.decision is Decision.REJECT
