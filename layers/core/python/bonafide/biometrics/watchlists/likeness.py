"""Likeness of two voices among many, and how many strangers come so near: what one threshold for any list rests on.

A cosine says little by itself: with short speech strangers come nearer to each other and one voice farther from itself,
and voices near the typical one are near to everybody. The likeness takes both off. Of the best likeness among N
strangers the tail is exponential, as extreme-value theory has it for maxima of light-tailed variables (Gumbel; used so
for searches of sequences by Karlin and Altschul, PNAS 87, 1990): `expected` is N times the chance of one stranger.
`python -m training.calibration.watchlist` fits the numbers, decision 0038 says how they were chosen.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log
from typing import Any, Self

import numpy as np

from bonafide.biometrics.evidence import Channel, FloatVector

# Strangers that may be expected to come as near as a match: about one lookup in so many is a false match.
MOST_EXPECTED = 0.01


@dataclass(frozen=True, slots=True)
class LikenessScale:
    """Scale of likenesses in one embedding space and band.

    Attributes:
        typical: mean of embeddings of many people, shape (dim,).
        noise: cosine that is taken off where neither side is short of speech.
        commonness: share of the mean cosine of both sides with the typical voice that is taken off.
        half_seconds: speech at which noise and voice weigh the same in an embedding.
        decay: of the tail, 1 over likeness.
        chance: of one stranger at likeness 0, by the tail.
        least_seconds: with less speech nothing is searched, and nobody is registered.
    """

    typical: FloatVector
    noise: float
    commonness: float
    half_seconds: float
    decay: float
    chance: float
    least_seconds: float

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Reads the scale as the command that fits it writes it: `typical` in base64, little-endian float32."""
        typical = np.frombuffer(base64.b64decode(document["typical"]), "<f4")
        numbers = {name: float(document[name]) for name in cls.__dataclass_fields__ if name != "typical"}
        return cls(typical=typical, **numbers)

    def trusted(self, seconds: FloatVector | float) -> FloatVector:
        """Returns the share of voice in embeddings of so much speech, 0 to 1, of any shape."""
        return np.asarray(np.sqrt(np.divide(seconds, np.add(seconds, self.half_seconds))), np.float32)

    def common(self, vectors: FloatVector) -> FloatVector:
        """Returns what is taken off for unit vectors because they are near the typical voice, shape (...)."""
        return np.asarray(0.5 * self.commonness * (vectors @ self.typical), np.float32)

    def likeness(self, one: FloatVector, other: FloatVector, seconds: tuple[float, float]) -> float:
        """Returns the likeness of two unit vectors, shape (dim,), of so much speech each."""
        first, second = (float(self.trusted(each)) for each in seconds)
        return float(one @ other - self.common(one) - self.common(other)) - self.noise * first * second

    def expected(self, likeness: float, count: int) -> float:
        """Returns how many of `count` strangers are expected to come so near."""
        return count * self.chance * exp(-self.decay * likeness)

    def least_likeness(self, count: int, most_expected: float = MOST_EXPECTED) -> float:
        """Returns the likeness at which so many of `count` strangers are expected: it grows with their number."""
        return log(count * self.chance / most_expected) / self.decay


@cache
def _scales() -> Mapping[str, Mapping[str, LikenessScale]]:
    document = json.loads(files("bonafide.biometrics.watchlists").joinpath("likeness.json").read_text())
    spaces = document["spaces"]
    return {name: {band: LikenessScale.parse(each) for band, each in own.items()} for name, own in spaces.items()}


def scale_of(embedding_space: str, channel: Channel) -> LikenessScale | None:
    """Returns the scale of a band of an embedding space; None for a network that nobody has fitted one for."""
    return _scales().get(embedding_space, {}).get(channel)
