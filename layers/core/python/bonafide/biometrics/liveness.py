"""Names for the calibrated score of the detector of synthetic speech."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class LivenessState(StrEnum):
    """Names of a liveness LLR, independent of any policy.

    `bona_fide` when a human is likelier, `spoof` when hardly any human sounds like it, `uncertain` between.
    """

    BONA_FIDE = "bona_fide"
    UNCERTAIN = "uncertain"
    SPOOF = "spoof"


@dataclass(frozen=True, slots=True)
class LivenessScale:
    """Bounds between the liveness states.

    Attributes:
        spoof_below: LLR below which hardly any bona fide recording falls.
        bona_fide_from: LLR from which on the evidence favors bona fide speech.
    """

    spoof_below: float
    bona_fide_from: float

    @classmethod
    def parse(cls, calibration: Mapping[str, Any]) -> Self:
        """Reads the calibration in `spoof.json`."""
        return cls(calibration["threshold"], max(calibration["threshold"], 0.0))

    def state(self, llr: float) -> LivenessState:
        """Names an LLR; positive ones favor bona fide speech."""
        if llr < self.spoof_below:
            return LivenessState.SPOOF
        return LivenessState.UNCERTAIN if llr < self.bona_fide_from else LivenessState.BONA_FIDE
