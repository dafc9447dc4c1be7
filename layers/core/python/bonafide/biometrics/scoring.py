"""How much a recording speaks for the claimed speaker, as a calibrated likelihood ratio."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log1p
from typing import Any, Self

from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.voiceprint import Template, Voiceprint


class Condition(StrEnum):
    """What was compared with what; each is calibrated by itself."""

    NARROWBAND = "narrowband"
    WIDEBAND = "wideband"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class Measured:
    """The worst recordings that the calibration was measured on; beyond them its numbers are a guess.

    Attributes:
        seconds: least net speech.
        clipped: largest fraction of clipped samples.
        level_dbfs: lowest level of the speech.
        snr_db: lowest ratio of speech to background.
    """

    seconds: float
    clipped: float
    level_dbfs: float
    snr_db: float


@dataclass(frozen=True, slots=True)
class SpeakerScore:
    """The comparison of one recording with one voiceprint.

    Attributes:
        llr: calibrated natural-log likelihood ratio; above 0 favours the claimed speaker.
        score: the same on a scale of 0 to 100, where 50 favours neither.
        condition: what was compared with what.
        cosine: of the two embeddings, in [-1, 1].
        measured: the range in which `llr` can be trusted.
    """

    llr: float
    score: float
    condition: Condition
    cosine: float
    measured: Measured


@dataclass(frozen=True, slots=True)
class Line:
    """LLR as a line in the cosine: offset + slope * cosine."""

    offset: float
    slope: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns cosines of one embedding space into likelihood ratios.

    Attributes:
        embedding_space: the space.
        lines: by condition.
        measured: the range of recordings behind it.
    """

    embedding_space: str
    lines: Mapping[Condition, Line]
    measured: Measured

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Reads `calibration.json`."""
        return cls(
            embedding_space=document["embedding_space"],
            lines={Condition(name): Line(**line) for name, line in document["conditions"].items()},
            measured=Measured(**document["measured"]),
        )


def score(voiceprint: Voiceprint, evidence: Evidence, calibration: Calibration) -> SpeakerScore:
    """Compares a recording with a voiceprint in the widest band that both have.

    Args:
        voiceprint: with at least one template.
        evidence: with an embedding for a band that the voiceprint has.
        calibration: of the same embedding space.

    Raises:
        ValueError: they have no band, or not the embedding space, in common.
    """
    if not evidence.embedding_space == voiceprint.embedding_space == calibration.embedding_space:
        raise ValueError("voiceprint, evidence and calibration are not of one embedding space")
    band = _common_band(voiceprint, evidence)
    template = voiceprint.templates[band]
    condition = _condition(band, template, evidence)
    cosine = float(template.embedding @ evidence.embeddings[band])
    line = calibration.lines[condition]
    llr = line.offset + line.slope * cosine
    return SpeakerScore(llr, public_score(llr), condition, cosine, calibration.measured)


def public_score(llr: float) -> float:
    """Maps (-inf, inf) to (0, 100), monotonically; an LLR of 0 is 50."""
    half = llr / 2.0
    return 100.0 * (1.0 / (1.0 + exp(-half)) if half >= 0 else exp(half - log1p(exp(half))))


def bands_to_meet(voiceprint: Voiceprint) -> list[Channel]:
    """The bands, besides its own, that a call must be embedded in so that it can meet the voiceprint."""
    return [] if Channel.WIDEBAND in voiceprint.templates else [Channel.NARROWBAND]


def _common_band(voiceprint: Voiceprint, evidence: Evidence) -> Channel:
    for band in (Channel.WIDEBAND, Channel.NARROWBAND):
        if band in voiceprint.templates and band in evidence.embeddings:
            return band
    raise ValueError("voiceprint and evidence have no band in common")


def _condition(band: Channel, template: Template, evidence: Evidence) -> Condition:
    if band is Channel.WIDEBAND:
        return Condition.WIDEBAND
    crossed = template.is_derived != (evidence.channel is Channel.WIDEBAND)
    return Condition.CROSS if crossed else Condition.NARROWBAND
