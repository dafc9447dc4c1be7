"""The calibration of a domain: what its own speakers changed about the calibration of the bundle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bonafide.biometrics.scoring import Calibration, Condition, Curve

# Bounds of a correction: beyond them it is no correction of the bundle's calibration any more, but another one. On
# simulated lines far worse than a call's the likeliest scale was 0.6 to 2.5, and the likeliest shift -4 to 6 nats.
LEAST_SCALE, MOST_SCALE = 1 / 3, 3.0
MOST_MOVED_NATS = 8.0
# With fewer speakers a domain has no calibration of its own.
FEWEST_SPEAKERS = 50
# A calibration may be so much worse than the bundle's, bits, on speakers that it was not fitted on.
WORST_LOSS = 0.002


class UnusableCalibration(ValueError):
    """Raised for a calibration of a domain that must not be used; its text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CurveCorrection:
    """Replacement of the curve of one condition.

    Attributes:
        scale: factor of the LLR before its bounds, > 0, so that the corrected LLR is as monotone.
        shift: nats added to it for long recordings; attenuated with the length as the curve's level is.
        lowest: bound of the LLR, < 0, no lower than that of the corrected curve.
        highest: bound of the LLR, > 0, no higher than that of the corrected curve.
    """

    scale: float
    shift: float
    lowest: float
    highest: float

    def of(self, curve: Curve) -> Curve:
        """Corrects a curve: its LLR x becomes scale * x + shift * attenuation.

        Raises:
            UnusableCalibration: a bound is one that the evidence behind the curve cannot support.
        """
        if not (curve.lowest <= self.lowest < 0.0 < self.highest <= curve.highest):
            raise UnusableCalibration("an LLR is bounded less than in the calibration of the bundle")
        slope = curve.slope * self.scale
        return Curve(slope, curve.level - self.shift / slope, curve.half_seconds, self.lowest, self.highest)

    def check(self) -> None:
        """Checks that the curve moves within the bounds of a correction.

        Raises:
            UnusableCalibration: it does not.
        """
        if not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise UnusableCalibration(f"scale {self.scale:g} is not within {LEAST_SCALE:.2f} and {MOST_SCALE:g}")
        if not abs(self.shift) <= MOST_MOVED_NATS:
            raise UnusableCalibration(f"the threshold moves by {self.shift:g} nats; at most {MOST_MOVED_NATS:g}")


@dataclass(frozen=True, slots=True)
class ConditionEvidence:
    """Comparisons behind a correction, and figures of it on speakers that it was not fitted on.

    Attributes:
        speakers: in genuine comparisons.
        genuine: comparisons of one speaker.
        impostor: comparisons of two speakers.
        cllr: of the correction, bits, by cross-validation over speakers.
        global_cllr: of the bundle's calibration on the same comparisons.
        min_cllr: of their best monotone calibration (pool adjacent violators).
    """

    speakers: int
    genuine: int
    impostor: int
    cllr: float
    global_cllr: float
    min_cllr: float

    def check(self) -> None:
        """Applies the gate.

        Raises:
            UnusableCalibration: there is too little behind the correction, or it makes things worse.
        """
        if self.speakers < FEWEST_SPEAKERS:
            raise UnusableCalibration(f"{self.speakers} speakers; at least {FEWEST_SPEAKERS}")
        if self.genuine < self.speakers or self.impostor < self.speakers:
            raise UnusableCalibration("fewer comparisons than speakers")
        if not self.cllr <= self.global_cllr + WORST_LOSS:
            raise UnusableCalibration(
                f"Cllr {self.cllr:.4f} by cross-validation; at most {WORST_LOSS} above the {self.global_cllr:.4f} "
                "of the bundle's calibration"
            )


@dataclass(frozen=True, slots=True)
class DomainCalibration:
    """A fitted calibration of a domain; conditions that it does not name keep the bundle's.

    Attributes:
        domain: whose it is.
        bundle: digest of the bundle whose evidence it was fitted on.
        base: digest of the calibration that it corrects; with another one it is not used.
        embedding_space: of both.
        corrections: by condition.
        evidence: by the same conditions.
        fitted_from: SHA-256 over the speakers and recordings behind it, hex.
    """

    domain: str
    bundle: str
    base: str
    embedding_space: str
    corrections: Mapping[Condition, CurveCorrection]
    evidence: Mapping[Condition, ConditionEvidence]
    fitted_from: str

    @property
    def digest(self) -> str:
        """SHA-256 of the document, hex."""
        return hashlib.sha256(json.dumps(self.to_document(), sort_keys=True).encode()).hexdigest()

    def check(self) -> None:
        """Applies the gate to every condition.

        Raises:
            UnusableCalibration: names the condition and what is wrong with it.
        """
        if not self.corrections or self.corrections.keys() != self.evidence.keys():
            raise UnusableCalibration("no condition, or one without its evidence")
        for condition, correction in self.corrections.items():
            try:
                correction.check()
                self.evidence[condition].check()
            except UnusableCalibration as error:
                raise UnusableCalibration(f"{condition}: {error}") from error

    def of(self, base: Calibration) -> Calibration:
        """Corrects the calibration that it was fitted for; the result's digest is of both.

        Raises:
            UnusableCalibration: it was fitted for another one, or exceeds the bounds of a correction.
        """
        if self.base != base.digest or self.embedding_space != base.embedding_space:
            raise UnusableCalibration("it corrects another calibration")
        self.check()
        corrected = {each: correction.of(base.curves[each]) for each, correction in self.corrections.items()}
        digest = hashlib.sha256(f"{base.digest} {self.digest}".encode()).hexdigest()
        return replace(base, curves={**base.curves, **corrected}, digest=digest)

    def to_document(self) -> dict[str, Any]:
        """Returns the document."""
        return {
            "domain": self.domain,
            "bundle": self.bundle,
            "base": self.base,
            "embedding_space": self.embedding_space,
            "conditions": {
                each: {**asdict(correction), **asdict(self.evidence[each])}
                for each, correction in self.corrections.items()
            },
            "fitted_from": self.fitted_from,
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Reads a document, as `to_document` writes it."""
        named = {Condition(name): each for name, each in document["conditions"].items()}
        return cls(
            domain=document["domain"],
            bundle=document["bundle"],
            base=document["base"],
            embedding_space=document["embedding_space"],
            corrections={name: CurveCorrection(**_own(CurveCorrection, each)) for name, each in named.items()},
            evidence={name: ConditionEvidence(**_own(ConditionEvidence, each)) for name, each in named.items()},
            fitted_from=document["fitted_from"],
        )


def _own(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in kind.__slots__}  # type: ignore[attr-defined]
