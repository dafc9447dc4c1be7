"""From a score to what to do with the call, by expected cost, with reasons."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from math import log

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Condition, SpeakerScore

# A posterior beyond any that evidence leads to; nearer to 1 the difference would be lost.
NEVER = 1e-15


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision.

    Attributes:
        decision: what to do.
        reasons: the decisive one first; then what lowered the decision or the score.
        threshold: LLR from which on the policy accepts.
        reject_threshold: LLR below which the policy rejects.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    threshold: float
    reject_threshold: float


def decide(score: SpeakerScore | None, evidence: Evidence, policy: Policy, degraded: Collection[str] = ()) -> Verdict:
    """Takes the action of least expected cost.

    Args:
        score: None when there was no speech to score.
        evidence: of the call.
        policy: of the tenant.
        degraded: optional signals that were not available; without them the answer is at best STEP_UP.
    """
    accept, reject = thresholds(policy)
    doubts = _doubts(score, evidence, degraded)
    if score is None or evidence.speech_seconds < max(policy.minimum_decision_seconds, score.measured.seconds):
        missing = Reason.NO_SPEECH if score is None else Reason.NOT_ENOUGH_SPEECH
        return Verdict(Decision.INCONCLUSIVE, (missing, *doubts), accept, reject)
    if score.llr < reject:
        return Verdict(Decision.REJECT, (Reason.VOICE_MISMATCH, *doubts, *_channel(score)), accept, reject)
    if score.llr < accept:
        return Verdict(Decision.STEP_UP, (Reason.VOICE_UNCERTAIN, *doubts, *_channel(score)), accept, reject)
    decision = Decision.STEP_UP if doubts else Decision.ACCEPT
    return Verdict(decision, (Reason.VOICE_MATCH, *doubts), accept, reject)


def thresholds(policy: Policy) -> tuple[float, float]:
    """LLR from which on accepting costs least, and LLR below which rejecting does.

    With p the posterior probability of an impostor, accepting costs p * false_accept_cost, rejecting
    (1 - p) * false_reject_cost, and a step-up its own cost whoever calls.
    """
    even = policy.false_reject_cost / (policy.false_accept_cost + policy.false_reject_cost)
    accept = min(policy.step_up_cost / policy.false_accept_cost, even)
    reject = max(1.0 - policy.step_up_cost / policy.false_reject_cost, even)
    return _llr_at(accept, policy.impostor_prior), _llr_at(reject, policy.impostor_prior)


def _llr_at(posterior: float, prior: float) -> float:
    """The LLR that takes the prior of an impostor to this posterior, both in (0, 1)."""
    # Costs may be so far apart that a share rounds to 0 or 1; a threshold is a number all the same.
    share = min(max(posterior, NEVER), 1.0 - NEVER)
    return log(prior / (1.0 - prior)) - log(share / (1.0 - share))


def _doubts(score: SpeakerScore | None, evidence: Evidence, degraded: Collection[str]) -> list[Reason]:
    """What the calibration was not measured on, or what was not available: never accept on it."""
    found = [Reason.SIGNAL_MISSING] if degraded else []
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
