"""Comparison of a recording with a voiceprint, as a calibrated likelihood ratio."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.liveness import LivenessScale
from bonafide.biometrics.templates.parts import Template
from bonafide.biometrics.voiceprint import Voiceprint

# Of one recording, or of each of a batch, shape (n,): the formulas are the same.
type Numbers = float | NDArray[np.float64]

# Net speech from which on a wideband template tells more about wideband speech than a narrowband one does, however much
# speech that one has: where the LLRs of genuine callers cross.
ENOUGH_WIDEBAND_SECONDS = 2.0


class Condition(StrEnum):
    """Kinds of comparison; each has a calibration of its own."""

    NARROWBAND = "narrowband"
    WIDEBAND = "wideband"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class CalibratedRange:
    """Bounds of the recordings that the calibration was measured on; beyond them its LLRs are a guess.

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
class Comparison:
    """A recording, or each of a batch, against a template, before calibration.

    Attributes:
        condition: kind of comparison.
        cosine: of the two embeddings, in [-1, 1].
        enrolled_seconds: net speech of the template.
        tested_seconds: net speech of the recording.
        embedding_space: of both embeddings.
    """

    condition: Condition
    cosine: Numbers
    enrolled_seconds: float
    tested_seconds: Numbers
    embedding_space: str


class Comparable(Protocol):
    """Evidence that can be compared with a voiceprint: of one recording, or of each of a batch."""

    @property
    def speech_seconds(self) -> Numbers:
        """Net speech."""

    @property
    def channel(self) -> Channel:
        """Band of the speech."""

    @property
    def embeddings(self) -> Mapping[Channel, NDArray[np.float32]]:
        """Unit vectors by band, shape (dim,) or (n, dim)."""

    @property
    def embedding_space(self) -> str:
        """Space of the embeddings."""


@dataclass(frozen=True, slots=True)
class SpeakerScore:
    """The comparison of one recording with one voiceprint.

    Attributes:
        llr: calibrated natural-log likelihood ratio; above 0 favors the claimed speaker.
        score: the same on a scale of 0 to 100, where 50 favors neither.
        condition: kind of comparison.
        cosine: of the two embeddings, in [-1, 1].
        measured: the range in which `llr` can be trusted.
    """

    llr: float
    score: float
    condition: Condition
    cosine: float
    measured: CalibratedRange


@dataclass(frozen=True, slots=True)
class Curve:
    """LLR of a condition: slope * (cosine - level * attenuation), and its bounds.

    An embedding of few seconds is a noisy one, and noise shrinks cosines towards 0 by about sqrt(t / (t + T)) for each
    side. The cosine at which neither hypothesis is favored shrinks with it.

    Attributes:
        slope: nats for each unit of cosine, > 0.
        level: cosine at which long recordings favor neither.
        half_seconds: T, the speech at which noise and voice weigh the same; chosen, not fitted.
        lowest: bound of the LLR, < 0; what the number of genuine trials supports.
        highest: bound of the LLR, > 0; what the number of impostor trials supports.
    """

    slope: float
    level: float
    half_seconds: float
    lowest: float
    highest: float

    def llr(self, cosine: Numbers, enrolled_seconds: float, tested_seconds: Numbers) -> Numbers:
        """Strictly monotone in the cosine; comes near its bounds but keeps within them."""
        shrunk = self.level * attenuation(enrolled_seconds, tested_seconds, self.half_seconds)
        raw = self.slope * (cosine - shrunk)
        return np.logaddexp(raw, self.lowest) - np.logaddexp(0.0, raw - self.highest)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Maps cosines of one embedding space to likelihood ratios, and names those of liveness.

    Attributes:
        embedding_space: the space.
        curves: by condition.
        measured: the range of recordings behind it.
        liveness: bounds of the liveness states; None for models that do not detect it.
        digest: SHA-256 of the document that it was read from, hex.
    """

    embedding_space: str
    curves: Mapping[Condition, Curve]
    measured: CalibratedRange
    liveness: LivenessScale | None = None
    digest: str = ""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Reads `calibration.json`, with the calibration of `spoof.json` under `liveness`."""
        return cls(
            embedding_space=document["embedding_space"],
            curves={Condition(name): Curve(**curve) for name, curve in document["conditions"].items()},
            measured=CalibratedRange(**document["measured"]),
            liveness=LivenessScale.parse(document["liveness"]) if "liveness" in document else None,
            digest=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
        )

    def llr(self, found: Comparison) -> Numbers:
        """Calibrates. Nothing is extrapolated to less speech than was measured: less counts as that much.

        Raises:
            ValueError: the comparison is of another embedding space.
        """
        if found.embedding_space != self.embedding_space:
            raise ValueError("the calibration is of another embedding space than the comparison")
        least = self.measured.seconds
        enrolled, tested = max(found.enrolled_seconds, least), np.maximum(found.tested_seconds, least)
        return self.curves[found.condition].llr(found.cosine, enrolled, tested)

    def score(self, found: Comparison) -> SpeakerScore:
        """Calibrates the comparison of one recording."""
        llr = float(self.llr(found))
        return SpeakerScore(llr, public_score(llr), found.condition, float(found.cosine), self.measured)


@dataclass(frozen=True, slots=True)
class SpaceCalibrations:
    """Calibrations of one bundle: its own, then those of the embedding spaces that it still serves beside.

    Attributes:
        newest_first: one for each space.
    """

    newest_first: Sequence[Calibration]

    @classmethod
    def parse(cls, documents: Sequence[Mapping[str, Any]]) -> Self:
        """Reads the calibration of each space, as `Calibration.parse` does."""
        return cls([Calibration.parse(each) for each in documents])

    @property
    def spaces(self) -> list[str]:
        """Embedding spaces, the newest first."""
        return [each.embedding_space for each in self.newest_first]

    def in_space(self, embedding_space: str | None) -> Calibration:
        """Returns the calibration of a space; the newest for None, where there is no comparison to calibrate.

        Raises:
            LookupError: the bundle does not serve the space.
        """
        for each in self.newest_first:
            if embedding_space in {None, each.embedding_space}:
                return each
        raise LookupError(f"no calibration of {embedding_space}")


def compare(voiceprint: Voiceprint, evidence: Comparable) -> Comparison:
    """Compares a recording with the template of the widest band that both have, and that holds enough speech.

    Raises:
        ValueError: they have no band, or not the embedding space, in common.
    """
    if evidence.embedding_space != voiceprint.embedding_space:
        raise ValueError("voiceprint and evidence are not of one embedding space")
    band = _common_band(voiceprint, evidence)
    template = voiceprint.templates[band]
    cosine = (evidence.embeddings[band] @ template.embedding).astype(np.float64)
    return Comparison(
        condition=_condition(band, template, evidence),
        cosine=cosine,
        enrolled_seconds=template.seconds,
        tested_seconds=evidence.speech_seconds,
        embedding_space=voiceprint.embedding_space,
    )


def bands_to_compare(voiceprint: Voiceprint) -> list[Channel]:
    """Returns the bands, besides its own, that a recording must be embedded in to be compared with the voiceprint."""
    return [] if _bands(voiceprint)[:1] == [Channel.WIDEBAND] else [Channel.NARROWBAND]


def attenuation(enrolled_seconds: float, tested_seconds: Numbers, half_seconds: float) -> Numbers:
    """Returns the factor, in (0, 1), by which noise in both embeddings shrinks a cosine."""
    sides = enrolled_seconds / (enrolled_seconds + half_seconds) * tested_seconds / (tested_seconds + half_seconds)
    return np.sqrt(sides)


def public_score(llr: float) -> float:
    """Maps (-inf, inf) to (0, 100), monotonically; an LLR of 0 is 50."""
    return 100.0 * exp(-np.logaddexp(0.0, -llr / 2.0))


def _common_band(voiceprint: Voiceprint, evidence: Comparable) -> Channel:
    for band in _bands(voiceprint):
        if band in evidence.embeddings:
            return band
    raise ValueError("voiceprint and evidence have no band in common")


def _bands(voiceprint: Voiceprint) -> list[Channel]:
    """Returns the bands of its templates, the preferred one first."""
    wide, narrow = (voiceprint.templates.get(band) for band in (Channel.WIDEBAND, Channel.NARROWBAND))
    bands = [band for band in (Channel.WIDEBAND, Channel.NARROWBAND) if band in voiceprint.templates]
    if wide and narrow and wide.seconds < ENOUGH_WIDEBAND_SECONDS and not narrow.is_derived:
        bands.reverse()
    return bands


def _condition(band: Channel, template: Template, evidence: Comparable) -> Condition:
    if band is Channel.WIDEBAND:
        return Condition.WIDEBAND
    crossed = template.is_derived != (evidence.channel is Channel.WIDEBAND)
    return Condition.CROSS if crossed else Condition.NARROWBAND
