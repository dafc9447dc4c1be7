"""A case: everything about one recording or session that a judgement rests on, apart from policy and calibration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.risk.scorecard import CallRisk
from bonafide.biometrics.scoring import Comparison, compare
from bonafide.biometrics.voiceprint import Voiceprint


class Signal(StrEnum):
    """Signals that a judgement can miss, by their names in `degraded`."""

    LIVENESS = "liveness"
    OTHER_MODELS = "evidence_of_other_models"
    BRAKE = "brake"
    DOMAIN_CALIBRATION = "domain_calibration"
    ATTEMPTS = "attempts"
    REPLAY = "replay"
    CALL_RISK = "call_risk"


class BrakeScope(StrEnum):
    """Scopes of brakes: switches after which no decision is better than STEP_UP."""

    STAGE = "stage"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Case:
    """Facts of one recording or session; they are stored with the decision, so that it can be replayed.

    Attributes:
        speech_seconds: net speech.
        channel: band of the speech; None without evidence.
        quality: measurements; None without evidence.
        liveness: calibrated LLR, above 0 favors bona fide speech; None when it was not detected.
        comparison: of the evidence with the voiceprint; None when `obstacle` says why there is none.
        obstacle: reason why there is nothing to compare.
        degraded: signals that are missing; without them the decision is at best STEP_UP.
        brakes: scopes of those that are on; with any of them the decision is at best STEP_UP.
        alerts: reasons not to trust who speaks, however well the voice matches; with any of them it is at best STEP_UP.
        risk: of the call, by what is known of it beside the voice; None where nothing was supplied.
        embedding_norm: of the evidence; nothing is judged by it, but drift is watched by it.
        embedding_directions: the same.
    """

    speech_seconds: float
    channel: Channel | None
    quality: Quality | None
    liveness: float | None
    comparison: Comparison | None = None
    obstacle: Reason | None = None
    degraded: tuple[Signal, ...] = ()
    brakes: tuple[BrakeScope, ...] = ()
    alerts: tuple[Reason, ...] = ()
    risk: CallRisk | None = None
    embedding_norm: float | None = None
    embedding_directions: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        voiceprint: Voiceprint | None,
        obstacle: Reason | None = None,
        missing: tuple[Signal, ...] = (),
        brakes: tuple[BrakeScope, ...] = (),
        alerts: tuple[Reason, ...] = (),
    ) -> Self:
        """Compares evidence with a voiceprint where that is possible.

        Args:
            evidence: of the recording, or pooled over the session.
            voiceprint: of the claimed speaker, of the same embedding space; None when `obstacle` is given.
            obstacle: reason known beforehand why there is nothing to compare.
            missing: signals that are missing besides those that the evidence lacks.
            brakes: scopes of those that are on.
            alerts: reasons not to trust who speaks.
        """
        found = obstacle or _obstacle(evidence, voiceprint)
        return cls(
            speech_seconds=evidence.speech_seconds,
            channel=evidence.channel,
            quality=evidence.quality,
            liveness=evidence.liveness,
            comparison=None if found or voiceprint is None else compare(voiceprint, evidence),
            obstacle=found,
            degraded=(*missing, *missing_signals(evidence)),
            brakes=brakes,
            alerts=alerts,
            embedding_norm=evidence.embedding_norm,
            embedding_directions=evidence.embedding_directions,
        )

    @property
    def embedding_space(self) -> str | None:
        """Space of the comparison; None without one."""
        return self.comparison.embedding_space if self.comparison else None

    @classmethod
    def without_evidence(
        cls,
        obstacle: Reason,
        missing: tuple[Signal, ...] = (),
        brakes: tuple[BrakeScope, ...] = (),
        alerts: tuple[Reason, ...] = (),
    ) -> Self:
        """Makes the case of a session without any speech; arguments as of `of`."""
        return cls(0.0, None, None, None, obstacle=obstacle, degraded=missing, brakes=brakes, alerts=alerts)


def missing_signals(evidence: Evidence) -> tuple[Signal, ...]:
    """Returns the optional signals that evidence of speech does not have."""
    return (Signal.LIVENESS,) if evidence.embeddings and evidence.liveness is None else ()


def _obstacle(evidence: Evidence, voiceprint: Voiceprint | None) -> Reason | None:
    if voiceprint is None:
        return Reason.SPEAKER_NOT_CLAIMED
    if not evidence.embeddings:
        return Reason.NO_SPEECH
    # A session that began under another claim may have been embedded in bands that this voiceprint does not have.
    return None if voiceprint.templates.keys() & evidence.embeddings.keys() else Reason.CHANNEL_MISMATCH
