"""Decisions by expected cost, with reasons, from a speaker's score and the liveness of a voice.

Three hypotheses compete: the claimed speaker, another human, and a synthetic copy of the claimed speaker's voice. The
copy is taken to be perfect, so that the speaker's score cannot tell it from the original: only liveness can.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import Protocol, Self

from bonafide.biometrics.evidence import Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Condition, SpeakerScore
from bonafide.errors import InvalidInput, Subject

# Smallest posterior, and smallest difference of one from 1: below any that evidence leads to, yet not lost in rounding.
SMALLEST_POSTERIOR = 1e-15
# An LLR beyond any that evidence leads to; its odds can still be multiplied by any cost.
LARGEST_LLR = 300.0

# Bounds of a policy. What they refuse would switch a judgement off, by mistake or on purpose.
# It takes 30,000 calls without one attack to show that fewer than 1 in 10,000 are attacks (rule of three, 95 %):
# Hanley, Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
SMALLEST_PRIOR = 1e-4
# No policy accepts a voice that is e^2 = 7 times likelier to be somebody else's,
LOWEST_ACCEPT = -2.0
# or, since liveness is rougher and attacks are rarer, e^5 = 148 times likelier to be synthetic.
LOWEST_LIVENESS = -5.0


class Decision(StrEnum):
    """Actions that can be taken."""

    ACCEPT = "ACCEPT"
    STEP_UP = "STEP_UP"
    REJECT = "REJECT"
    INCONCLUSIVE = "INCONCLUSIVE"


class Reason(StrEnum):
    """Stable codes of the reasons for a decision."""

    VOICE_MATCH = "VOICE_MATCH"
    VOICE_UNCERTAIN = "VOICE_UNCERTAIN"
    VOICE_MISMATCH = "VOICE_MISMATCH"
    VOICE_SYNTHETIC = "VOICE_SYNTHETIC"
    LIVENESS_UNCERTAIN = "LIVENESS_UNCERTAIN"
    NO_SPEECH = "NO_SPEECH"
    NOT_ENOUGH_SPEECH = "NOT_ENOUGH_SPEECH"
    AUDIO_CLIPPED = "AUDIO_CLIPPED"
    AUDIO_TOO_QUIET = "AUDIO_TOO_QUIET"
    AUDIO_NOISY = "AUDIO_NOISY"
    CHANNEL_MISMATCH = "CHANNEL_MISMATCH"
    SIGNAL_MISSING = "SIGNAL_MISSING"
    BRAKE_ON = "BRAKE_ON"
    FACTOR_REQUIRED = "FACTOR_REQUIRED"
    AUDIO_REPLAYED = "AUDIO_REPLAYED"
    VOICE_CHANGED = "VOICE_CHANGED"
    SEVERAL_VOICES = "SEVERAL_VOICES"
    TOO_MANY_FAILURES = "TOO_MANY_FAILURES"
    CALL_CONTEXT = "CALL_CONTEXT"
    SPEAKER_NOT_CLAIMED = "SPEAKER_NOT_CLAIMED"
    SPEAKER_NOT_ENROLLED = "SPEAKER_NOT_ENROLLED"
    SPEAKER_OPTED_OUT = "SPEAKER_OPTED_OUT"
    VOICEPRINT_OUTDATED = "VOICEPRINT_OUTDATED"


VOICE = {
    Decision.ACCEPT: Reason.VOICE_MATCH,
    Decision.STEP_UP: Reason.VOICE_UNCERTAIN,
    Decision.REJECT: Reason.VOICE_MISMATCH,
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """LLRs at which a policy changes its decision, each for cases in which nothing else is in doubt; margins included.

    Attributes:
        accept: speaker LLR from which on a voice that is surely bona fide is accepted.
        reject: speaker LLR below which such a voice is rejected.
        liveness: liveness LLR from which on a voice that surely is the speaker's is accepted.
    """

    accept: float
    reject: float
    liveness: float


@dataclass(frozen=True, slots=True)
class ReasonedDecision:
    """A decision with its reasons.

    Attributes:
        decision: action to take.
        reasons: the decisive one first; then those that lowered the decision or the score.
        thresholds: of the policy.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Odds:
    """Posterior odds of the other hypotheses against the claimed speaker.

    Attributes:
        impostor: of another human.
        spoof: of a synthetic copy of the speaker's voice.
    """

    impostor: float
    spoof: float

    def raised(self, nats: float) -> Self:
        """Returns the odds if all evidence were wrong by so much, in favor of the speaker if above 0."""
        factor = exp(nats)
        return type(self)(self.impostor * factor, self.spoof * factor)


class CaseFacts(Protocol):
    """Measurements of a case beside its score."""

    @property
    def speech_seconds(self) -> float:
        """Net speech, in seconds."""

    @property
    def quality(self) -> Quality | None:
        """Measurements of the recording; never None where there is a score."""

    @property
    def liveness(self) -> float | None:
        """Liveness LLR; None when it was not detected."""


def decide(
    score: SpeakerScore | None, facts: CaseFacts, policy: Policy, degraded: Collection[str] = ()
) -> ReasonedDecision:
    """Takes the action of least expected cost.

    Args:
        score: None when there was no speech to score.
        facts: of the case; without liveness the decision is at best STEP_UP.
        policy: of the domain.
        degraded: signals that were missing; without them the decision is at best STEP_UP.
    """
    limits = thresholds(policy)
    doubts = _doubts(score, facts, degraded)
    if score is None or facts.speech_seconds < max(policy.minimum_decision_seconds, score.measured.seconds):
        missing = Reason.NO_SPEECH if score is None else Reason.NOT_ENOUGH_SPEECH
        return ReasonedDecision(Decision.INCONCLUSIVE, (missing, *doubts), limits)
    decision = certain(odds_against(score.llr, facts.liveness, policy), policy)
    reasons = (*_causes(score, facts.liveness, policy, decision, limits), *doubts)
    if decision is Decision.ACCEPT:
        return ReasonedDecision(Decision.STEP_UP if doubts else decision, reasons, limits)
    return ReasonedDecision(decision, (*reasons, *_channel(score)), limits)


def odds_against(speaker_llr: float, liveness_llr: float | None, policy: Policy) -> Odds:
    """Returns posterior odds against the claimed speaker; without liveness those of a spoof rest on the prior alone."""
    speaker = 1.0 - policy.impostor_prior - policy.spoof_prior
    return Odds(
        impostor=policy.impostor_prior / speaker * _likelihood(speaker_llr),
        spoof=policy.spoof_prior / speaker * _likelihood(liveness_llr or 0.0),
    )


def fused_llr(speaker_llr: float, liveness_llr: float | None, policy: Policy) -> float:
    """Returns one score for the whole case: minus the log of the posterior odds against the claimed speaker.

    It rises with either LLR, as the posterior probability of the claimed speaker does.
    """
    odds = odds_against(speaker_llr, liveness_llr, policy)
    return -log(odds.impostor + odds.spoof)


def certain(odds: Odds, policy: Policy) -> Decision:
    """Returns the action that is cheapest wherever within the policy's margin the true odds lie; STEP_UP if none is.

    There is one margin for the log odds, whatever evidence they are made of: their error is what shifts a decision.
    """
    worst, best = (cheapest(odds.raised(nats), policy) for nats in (policy.uncertain_margin, -policy.uncertain_margin))
    return worst if worst is best else Decision.STEP_UP


def cheapest(odds: Odds, policy: Policy) -> Decision:
    """Returns the action of least expected cost, of equal ones the more permissive.

    Costs are relative to the claimed speaker's probability: accepting costs for impostors and spoofs, rejecting for the
    speaker, a step-up for every caller.
    """
    accept = odds.impostor * policy.false_accept_cost + odds.spoof * policy.spoof_accept_cost
    step_up = policy.step_up_cost * (1.0 + odds.impostor + odds.spoof)
    reject = policy.false_reject_cost
    if accept <= min(step_up, reject):
        return Decision.ACCEPT
    return Decision.STEP_UP if step_up <= reject else Decision.REJECT


def thresholds(policy: Policy) -> Thresholds:
    """Returns the LLRs at which the cheapest action changes, each while the other LLR leaves no doubt.

    With p the posterior probability of an impostor, accepting costs p * false_accept_cost, rejecting
    (1 - p) * false_reject_cost, and a step-up its own cost in any case; likewise for a spoof.
    """
    reject = max(1.0 - policy.step_up_cost / policy.false_reject_cost, _even(policy.false_accept_cost, policy))
    prior, margin = odds_against(0.0, 0.0, policy), policy.uncertain_margin
    return Thresholds(
        accept=_llr_at(_acceptable(policy.false_accept_cost, policy), prior.impostor) + margin,
        reject=_llr_at(reject, prior.impostor) - margin,
        liveness=_llr_at(_acceptable(policy.spoof_accept_cost, policy), prior.spoof) + margin,
    )


def require_bounds(policy: Policy) -> None:
    """Refuses a policy by which a judgement would be switched off.

    Raises:
        InvalidInput: names the prior or the threshold, the bound and what was found.
    """
    for subject, prior in ((Subject.IMPOSTOR_PRIOR, policy.impostor_prior), (Subject.SPOOF_PRIOR, policy.spoof_prior)):
        if prior < SMALLEST_PRIOR:
            raise _beyond(subject, f"{SMALLEST_PRIOR} or more", prior)
    limits = thresholds(policy)
    for name, lowest, found in (
        ("speaker", LOWEST_ACCEPT, limits.accept),
        ("liveness", LOWEST_LIVENESS, limits.liveness),
    ):
        if found < lowest:
            raise _beyond(Subject.POLICY, f"{name} threshold of {lowest} or more", round(found, 3))


def _beyond(subject: Subject, limit: str, found: float) -> InvalidInput:
    return InvalidInput(
        "policy_out_of_bounds", "The policy would accept almost anybody.", subject=subject, limit=limit, found=found
    )


def _acceptable(cost: float, policy: Policy) -> float:
    """Returns the highest posterior of a hypothesis, which costs so much to accept, at which accepting is cheapest."""
    return min(policy.step_up_cost / cost, _even(cost, policy))


def _even(cost: float, policy: Policy) -> float:
    """Returns the posterior at which accepting, which costs so much, and rejecting cost the same."""
    return policy.false_reject_cost / (cost + policy.false_reject_cost)


def _likelihood(llr: float) -> float:
    """Returns how much likelier the evidence is under another hypothesis than under the claimed speaker."""
    return exp(-min(max(llr, -LARGEST_LLR), LARGEST_LLR))


def _llr_at(posterior: float, odds: float) -> float:
    """Returns the LLR that takes prior odds, > 0, to this posterior, in (0, 1)."""
    # Costs may be so far apart that a share rounds to 0 or 1; a threshold is a number all the same.
    share = min(max(posterior, SMALLEST_POSTERIOR), 1.0 - SMALLEST_POSTERIOR)
    return log(odds) - log(share / (1.0 - share))


def _causes(
    score: SpeakerScore, liveness: float | None, policy: Policy, decision: Decision, limits: Thresholds
) -> tuple[Reason, ...]:
    """Returns the reasons that made the decision, the decisive one first.

    The voice comes first if the decision would be the same for a surely bona fide voice, else liveness. A voice whose
    liveness LLR is above 0 is not called synthetic, however much liveness a policy asks for.
    """
    bona_fide = certain(odds_against(score.llr, LARGEST_LLR, policy), policy)
    voice = VOICE[bona_fide]
    if liveness is not None and liveness < limits.liveness:
        doubt = Reason.VOICE_SYNTHETIC if liveness < 0 else Reason.LIVENESS_UNCERTAIN
        return (doubt, voice) if bona_fide is not decision else (voice, doubt)
    return (voice,) if bona_fide is decision else (Reason.LIVENESS_UNCERTAIN, voice)


def _doubts(score: SpeakerScore | None, facts: CaseFacts, degraded: Collection[str]) -> list[Reason]:
    """Returns reasons never to accept: signals that are missing, and conditions beyond the calibration's range."""
    found = [Reason.SIGNAL_MISSING] if degraded or (score and facts.liveness is None) else []
    if score is None or facts.quality is None:
        return found
    quality, measured = facts.quality, score.measured
    if quality.clipped > measured.clipped:
        found.append(Reason.AUDIO_CLIPPED)
    if quality.level_dbfs < measured.level_dbfs:
        found.append(Reason.AUDIO_TOO_QUIET)
    if quality.snr_db is not None and quality.snr_db < measured.snr_db:
        found.append(Reason.AUDIO_NOISY)
    return found


def _channel(score: SpeakerScore) -> list[Reason]:
    return [Reason.CHANNEL_MISMATCH] if score.condition is Condition.CROSS else []
