"""The one judge: from a case, a policy and a calibration to a judgement.

One-shot authentications, sessions and replays of stored decisions are all judged here. It is a pure function, so equal
arguments give equal judgements to the last bit in one runtime.
"""

from dataclasses import dataclass, replace

from bonafide.biometrics.case import Case, Signal
from bonafide.biometrics.decision import Decision, Reason, ReasonedDecision, Thresholds, thresholds
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Disclosure, Factor, Policy
from bonafide.biometrics.risk.shift import decide_on_call
from bonafide.biometrics.scoring import Calibration, SpeakerScore, public_score

# Coarse LLR of evidence that reaches no threshold; lower than any that a policy has.
LOWEST_LLR = -50.0


@dataclass(frozen=True, slots=True)
class VoiceJudgement:
    """The voice against the claimed speaker's.

    Attributes:
        llr: calibrated natural-log likelihood ratio; above 0 favors the claimed speaker.
        score: the LLR on a scale of 0 to 100.
    """

    llr: float
    score: float


@dataclass(frozen=True, slots=True)
class LivenessJudgement:
    """The voice as bona fide or synthetic.

    Attributes:
        llr: calibrated natural-log likelihood ratio; above 0 favors bona fide speech.
        score: the LLR on a scale of 0 to 100.
        state: name of the LLR.
    """

    llr: float
    score: float
    state: LivenessState


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision with everything that explains it.

    Attributes:
        decision: action to take.
        reasons: the decisive one first; then those that lowered the decision or the score.
        thresholds: LLRs at which the policy changes its decision.
        speaker: None when there was nothing to compare.
        liveness: None when it was not detected.
        degraded: signals that were missing.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    thresholds: Thresholds
    speaker: VoiceJudgement | None
    liveness: LivenessJudgement | None
    degraded: tuple[Signal, ...]


def judge(case: Case, policy: Policy, calibration: Calibration) -> Judgement:
    """Judges a case: takes the action of least expected cost, unless something forbids it.

    Args:
        case: facts of the recording or session.
        policy: of the domain.
        calibration: of the bundle that extracted the evidence.
    """
    score = calibration.score(case.comparison) if case.comparison else None
    found = decided(score, case, policy)
    return Judgement(
        decision=found.decision,
        reasons=found.reasons,
        thresholds=found.thresholds,
        speaker=VoiceJudgement(score.llr, score.score) if score else None,
        liveness=_liveness(case.liveness, calibration),
        degraded=case.degraded,
    )


def decided(score: SpeakerScore | None, case: Case, policy: Policy) -> ReasonedDecision:
    """Decides on a scored case; with an alert, a brake, or a required factor that is missing, it is at best STEP_UP."""
    return _braked(_required(_alerted(_decide(score, case, policy), case, policy), case, policy), case)


def disclosed(judgement: Judgement, disclosure: Disclosure) -> Judgement:
    """Returns what an answer may tell of a judgement: the same decision and reasons, and the scores as allowed.

    A coarse LLR is the highest threshold that it reaches, at which decision or reasons change anyway, or `LOWEST_LLR`
    below all; so a score tells whoever varies a voice no more than the answer does without it. An INCONCLUSIVE decision
    does not depend on the voice, nor may what is told of it.
    """
    if disclosure is Disclosure.FULL:
        return judgement
    if disclosure is Disclosure.NONE or judgement.decision is Decision.INCONCLUSIVE:
        return replace(judgement, speaker=None, liveness=None)
    speaker, liveness, limits = judgement.speaker, judgement.liveness, judgement.thresholds
    return replace(
        judgement,
        speaker=speaker and VoiceJudgement(*_coarse(speaker.llr, limits.reject, limits.accept)),
        liveness=liveness and LivenessJudgement(*_coarse(liveness.llr, limits.liveness), liveness.state),
    )


def _coarse(llr: float, *thresholds: float) -> tuple[float, float]:
    """Returns the highest threshold that an LLR reaches, and its public score."""
    reached = max((each for each in thresholds if each <= llr), default=LOWEST_LLR)
    return reached, public_score(reached)


def _decide(score: SpeakerScore | None, case: Case, policy: Policy) -> ReasonedDecision:
    if score is None:
        return ReasonedDecision(Decision.INCONCLUSIVE, (case.obstacle or Reason.NO_SPEECH,), thresholds(policy))
    return decide_on_call(score, case, policy, case.degraded, case.risk.nats if case.risk else 0.0)


def _alerted(found: ReasonedDecision, case: Case, policy: Policy) -> ReasonedDecision:
    """Names the alerts beside whatever was decided, and lowers what would be better than they allow."""
    if not case.alerts:
        return found
    rejects = any(alert.value in policy.reject_on for alert in case.alerts)
    if found.decision is Decision.ACCEPT or (rejects and found.decision is Decision.STEP_UP):
        lowered = Decision.REJECT if rejects else Decision.STEP_UP
        return replace(found, decision=lowered, reasons=(*case.alerts, *found.reasons))
    return replace(found, reasons=(*found.reasons, *case.alerts))


def _required(found: ReasonedDecision, case: Case, policy: Policy) -> ReasonedDecision:
    """Lowers what would be ACCEPT without a factor that the policy requires."""
    if found.decision is not Decision.ACCEPT or all(_has(case, factor) for factor in policy.requires):
        return found
    return replace(found, decision=Decision.STEP_UP, reasons=(Reason.FACTOR_REQUIRED, *found.reasons))


def _has(case: Case, factor: Factor) -> bool:
    """Tells whether a factor was evaluated; no case has one that the service does not see."""
    return factor is Factor.CALL_RISK and case.risk is not None


def _braked(found: ReasonedDecision, case: Case) -> ReasonedDecision:
    """Lowers what would be ACCEPT while a brake is on; so the reason tells these decisions from all others."""
    if not case.brakes or found.decision is not Decision.ACCEPT:
        return found
    return replace(found, decision=Decision.STEP_UP, reasons=(*found.reasons, Reason.BRAKE_ON))


def _liveness(llr: float | None, calibration: Calibration) -> LivenessJudgement | None:
    if llr is None or calibration.liveness is None:
        return None
    return LivenessJudgement(llr, public_score(llr), calibration.liveness.state(llr))
