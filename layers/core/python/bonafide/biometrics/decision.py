"""From a speaker's score and a voice's liveness to what to do with the call, by expected cost, with reasons.

Three may be on the line: the claimed speaker, another human, and a machine with the claimed speaker's voice. The last
is taken for a perfect copy, which the speaker's score cannot tell from the original: only liveness speaks against it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Condition, SpeakerScore

# A posterior beyond any that evidence leads to; nearer to 1 the difference would be lost.
NEVER = 1e-15
# An LLR beyond any that evidence leads to; its odds can still be multiplied by any cost.
LARGEST_LLR = 300.0
LIVENESS = "liveness"


class Decision(StrEnum):
    """What to do."""

    ACCEPT = "ACCEPT"
    STEP_UP = "STEP_UP"
    REJECT = "REJECT"
    INCONCLUSIVE = "INCONCLUSIVE"


class Reason(StrEnum):
    """Why; stable codes, the decisive one first."""

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
    """Where a policy changes its mind, each for calls about which nothing else is in doubt.

    Attributes:
        accept: speaker's LLR from which on it accepts a voice that is surely human.
        reject: speaker's LLR below which it rejects such a voice.
        liveness: liveness' LLR from which on it accepts a voice that surely is the speaker's.
    """

    accept: float
    reject: float
    liveness: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision.

    Attributes:
        decision: what to do.
        reasons: the decisive one first; then what lowered the decision or the score.
        thresholds: of the policy.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Odds:
    """Posterior odds of who is not the claimed speaker against who is.

    Attributes:
        impostor: of another human.
        machine: of a machine with the speaker's voice.
    """

    impostor: float
    machine: float


def decide(score: SpeakerScore | None, evidence: Evidence, policy: Policy, degraded: Collection[str] = ()) -> Verdict:
    """Takes the action of least expected cost.

    Args:
        score: None when there was no speech to score.
        evidence: of the call; without liveness the answer is at best STEP_UP, as `missing_signals` says.
        policy: of the tenant.
        degraded: optional signals that were not available; without them the answer is at best STEP_UP.
    """
    edges = thresholds(policy)
    doubts = _doubts(score, evidence, degraded)
    if score is None or evidence.speech_seconds < max(policy.minimum_decision_seconds, score.measured.seconds):
        missing = Reason.NO_SPEECH if score is None else Reason.NOT_ENOUGH_SPEECH
        return Verdict(Decision.INCONCLUSIVE, (missing, *doubts), edges)
    decision = cheapest(odds_against(score.llr, evidence.liveness, policy), policy)
    reasons = (*_causes(score, evidence, policy, decision, edges), *doubts)
    if decision is Decision.ACCEPT:
        return Verdict(Decision.STEP_UP if doubts else decision, reasons, edges)
    return Verdict(decision, (*reasons, *_channel(score)), edges)


def missing_signals(evidence: Evidence) -> list[str]:
    """Names the optional signals that evidence of speech does not have, as `degraded` has them."""
    return [LIVENESS] if evidence.embeddings and evidence.liveness is None else []


def odds_against(speaker_llr: float, liveness_llr: float | None, policy: Policy) -> Odds:
    """Posterior odds against the claimed speaker; without liveness only the prior speaks of machines."""
    speaker = 1.0 - policy.impostor_prior - policy.spoof_prior
    return Odds(
        impostor=policy.impostor_prior / speaker * _likelihood(speaker_llr),
        machine=policy.spoof_prior / speaker * _likelihood(liveness_llr or 0.0),
    )


def fused_llr(speaker_llr: float, liveness_llr: float | None, policy: Policy) -> float:
    """One score for the whole: minus the log of the posterior odds against the claimed speaker.

    It rises with either LLR, as the posterior probability of the claimed speaker does.
    """
    odds = odds_against(speaker_llr, liveness_llr, policy)
    return -log(odds.impostor + odds.machine)


def cheapest(odds: Odds, policy: Policy) -> Decision:
    """The action of least expected cost, of equal ones the one that lets the caller go further.

    Costs are those of all calls as likely as the speaker's: accepting costs for every impostor and machine, rejecting
    for the speaker, a step-up for whoever calls.
    """
    accept = odds.impostor * policy.false_accept_cost + odds.machine * policy.spoof_accept_cost
    step_up = policy.step_up_cost * (1.0 + odds.impostor + odds.machine)
    reject = policy.false_reject_cost
    if accept <= min(step_up, reject):
        return Decision.ACCEPT
    return Decision.STEP_UP if step_up <= reject else Decision.REJECT


def thresholds(policy: Policy) -> Thresholds:
    """Where the cheapest action changes as one LLR changes and the other says that there is nothing to fear.

    With p the posterior probability of an impostor, accepting costs p * false_accept_cost, rejecting
    (1 - p) * false_reject_cost, and a step-up its own cost whoever calls; likewise of a machine.
    """
    reject = max(1.0 - policy.step_up_cost / policy.false_reject_cost, _even(policy.false_accept_cost, policy))
    prior = odds_against(0.0, 0.0, policy)
    return Thresholds(
        accept=_llr_at(_acceptable(policy.false_accept_cost, policy), prior.impostor),
        reject=_llr_at(reject, prior.impostor),
        liveness=_llr_at(_acceptable(policy.spoof_accept_cost, policy), prior.machine),
    )


def _acceptable(cost: float, policy: Policy) -> float:
    """The highest posterior, of somebody whom it costs so much to accept, at which accepting is still cheapest."""
    return min(policy.step_up_cost / cost, _even(cost, policy))


def _even(cost: float, policy: Policy) -> float:
    """The posterior at which accepting, which costs so much, and rejecting are equally dear."""
    return policy.false_reject_cost / (cost + policy.false_reject_cost)


def _likelihood(llr: float) -> float:
    """How much likelier evidence is of others than of the claimed speaker."""
    return exp(-min(max(llr, -LARGEST_LLR), LARGEST_LLR))


def _llr_at(posterior: float, odds: float) -> float:
    """The LLR that takes prior odds, > 0, to this posterior, in (0, 1)."""
    # Costs may be so far apart that a share rounds to 0 or 1; a threshold is a number all the same.
    share = min(max(posterior, NEVER), 1.0 - NEVER)
    return log(odds) - log(share / (1.0 - share))


def _causes(
    score: SpeakerScore, evidence: Evidence, policy: Policy, decision: Decision, edges: Thresholds
) -> tuple[Reason, ...]:
    """What made the decision: the voice if it would be the same for a surely human one, else liveness first.

    A voice that rather sounds human is not called synthetic, however much liveness a policy asks for.
    """
    human = cheapest(odds_against(score.llr, LARGEST_LLR, policy), policy)
    voice = VOICE[human]
    if evidence.liveness is not None and evidence.liveness < edges.liveness:
        doubt = Reason.VOICE_SYNTHETIC if evidence.liveness < 0 else Reason.LIVENESS_UNCERTAIN
        return (doubt, voice) if human is not decision else (voice, doubt)
    return (voice,) if human is decision else (Reason.LIVENESS_UNCERTAIN, voice)


def _doubts(score: SpeakerScore | None, evidence: Evidence, degraded: Collection[str]) -> list[Reason]:
    """What the calibration was not measured on, or what was not available: never accept on it."""
    found = [Reason.SIGNAL_MISSING] if degraded or missing_signals(evidence) else []
    if score is None:
        return found
    quality, measured = evidence.quality, score.measured
    if quality.clipped > measured.clipped:
        found.append(Reason.AUDIO_CLIPPED)
    if quality.level_dbfs < measured.level_dbfs:
        found.append(Reason.AUDIO_TOO_QUIET)
    if quality.snr_db is not None and quality.snr_db < measured.snr_db:
        found.append(Reason.AUDIO_NOISY)
    return found


def _channel(score: SpeakerScore) -> list[Reason]:
    return [Reason.CHANNEL_MISMATCH] if score.condition is Condition.CROSS else []
