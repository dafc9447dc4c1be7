"""Several voices in one recording or session, found by comparing its parts with each other: pure, without a voiceprint.

All parts come over one line, so that those of one voice are far more alike than recordings of one person are. Decision
0028 says how the bounds were chosen; `python -m training.evaluation.voices` measures them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.scoring import attenuation

# Shorter chunks of a session are joined with their neighbors until they have so much speech.
SHORTEST_PART_SECONDS = 0.8
# Each of two voices has at least so much speech; with less a cosine says little.
LEAST_VOICE_SECONDS = 3.5
# Speech at which noise and voice weigh the same in an embedding, as of a calibration's curve.
HALF_SECONDS = 1.0
# Another room, line or mood changes a voice too, but seldom back and forth.
FEW_CHANGES = 2
_MOST_ROUNDS = 20
# What a change of sides has to be worth, in seconds times the difference of cosines: people do not take turns from one
# half second to the next.
TURN_COSTS = 0.1

type Side = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LikenessBounds:
    """Likenesses below which two sides of the speech are two voices.

    Attributes:
        once: of sides that take turns FEW_CHANGES times at most.
        often: of sides that do so more often.
        moment: of the speech before and after one moment.
    """

    once: float
    often: float
    moment: float

    def margin(self, parts: "SpeechParts", side: Side) -> float:
        """Returns by how much the likeness of two sides is above its bound."""
        return parts.likeness(side) - self.of(side)

    def of(self, side: Side) -> float:
        """Returns the bound for a side, by how often it takes turns with the other."""
        changes = np.count_nonzero(side[1:] != side[:-1])
        return self.once if changes <= FEW_CHANGES else self.often

    def margin_at(self, parts: "SpeechParts", moment: int) -> float:
        """Returns by how much the likeness of the parts before a moment and of those after it is above its bound."""
        return parts.likeness(np.arange(len(parts.seconds)) < moment) - self.moment


# Over the telephone strangers are more alike. Parts of one recording are more alike than chunks of a session, each of
# which the network hears alone.
RECORDING = {
    Channel.WIDEBAND: LikenessBounds(once=0.65, often=0.72, moment=0.65),
    Channel.NARROWBAND: LikenessBounds(once=0.84, often=0.90, moment=0.80),
}
SESSION = {
    Channel.WIDEBAND: LikenessBounds(once=0.57, often=0.60, moment=0.57),
    Channel.NARROWBAND: LikenessBounds(once=0.77, often=0.80, moment=0.77),
}
# Embeddings of half a second of telephone speech have more in common, whoever speaks.
SHORT_CHUNKS = {**SESSION, Channel.NARROWBAND: LikenessBounds(once=0.77, often=0.80, moment=0.82)}


@dataclass(frozen=True, slots=True)
class SpeechParts:
    """Parts of the speech of a recording or session, in order.

    Attributes:
        units: unit vectors, shape (parts, dim).
        seconds: net speech of each, shape (parts,).
    """

    units: FloatVector
    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, pieces: Sequence[Evidence], band: Channel) -> Self:
        """Takes the parts of consecutive pieces, each with an embedding in the band."""
        found = [part for piece in pieces for part in _parts(piece, band)]
        parts = found if len(pieces) == 1 else _joined(found)
        vectors = np.stack([vector for vector, _ in parts])
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return cls(units.astype(np.float32), np.array([seconds for _, seconds in parts]))

    def likeness(self, side: Side) -> float:
        """Returns how alike one side is to the other: their cosine, freed of what noise takes from it.

        It is 1.0 where one of them is too short.
        """
        seconds = self.seconds[side].sum(), self.seconds[~side].sum()
        if min(seconds) < LEAST_VOICE_SECONDS:
            return 1.0
        return float(np.dot(*self.means(side)) / attenuation(*seconds, HALF_SECONDS))

    def means(self, side: Side) -> NDArray[np.float64]:
        """Returns the unit vectors of one side and of the other, shape (2, dim)."""
        sums = np.stack([side, ~side]) @ (self.units * self.seconds[:, None])
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def voice_alerts(pieces: Sequence[Evidence], band: Channel) -> tuple[Reason, ...]:
    """Returns the reasons not to take the speech for that of one person, out of VOICE_CHANGED and SEVERAL_VOICES.

    Args:
        pieces: evidence of one recording, or of the consecutive chunks of a session.
        band: in which all of them are embedded.
    """
    parts, bounds = SpeechParts.of(pieces, band), bounds_of(pieces)[band]
    found = {
        Reason.VOICE_CHANGED: margin_over_time(parts, bounds) < 0,
        Reason.SEVERAL_VOICES: least_margin(parts, bounds) < 0,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def without_overlaps(piece: Evidence) -> Evidence:
    """Leaves out every second part, which is speech of its neighbors: a row of a session stays small."""
    return piece if piece.parts is None else replace(piece, parts=piece.parts[::2])


def bounds_of(pieces: Sequence[Evidence]) -> Mapping[Channel, LikenessBounds]:
    """Returns the bounds for a recording, or for the chunks of a session."""
    if len(pieces) == 1:
        return RECORDING
    short = np.median([piece.speech_seconds for piece in pieces]) < SHORTEST_PART_SECONDS
    return SHORT_CHUNKS if short else SESSION


def margin_over_time(parts: SpeechParts, bounds: LikenessBounds) -> float:
    """Returns by how much the speech before and after one moment is more alike than two voices, where it is least."""
    return min((bounds.margin_at(parts, moment) for moment in range(1, len(parts.seconds))), default=1.0)


def least_margin(parts: SpeechParts, bounds: LikenessBounds) -> float:
    """Returns the same for two sides that are as different as can be: spherical 2-means from several beginnings."""
    if len(parts.seconds) <= 1:
        return 1.0
    return min(bounds.margin(parts, side) for side in settled_sides(parts))


def settled_sides(parts: SpeechParts) -> list[Side]:
    """Returns sides that are as different as can be, from several beginnings; of two parts or more."""
    return [_settled(parts, side) for side in _beginnings(parts)]


def _beginnings(parts: SpeechParts) -> Iterator[Side]:
    """Yields sides to begin from: by the largest differences among parts, and by the two that are least alike."""
    alike = (parts.units @ parts.units.T).astype(np.float64)
    centered = alike - alike.mean(axis=0) - alike.mean(axis=1)[:, None] + alike.mean()
    _, vectors = np.linalg.eigh(centered)
    yield vectors[:, -1] > 0
    yield vectors[:, -1] > np.median(vectors[:, -1])
    yield vectors[:, -2] > 0
    strange = int(np.argmin(alike.mean(axis=0)))
    yield alike[strange] > alike[int(np.argmin(alike[strange]))]


def _settled(parts: SpeechParts, side: Side) -> Side:
    """Moves parts to the side that they and their neighbors are more like, until none moves."""
    for _ in range(_MOST_ROUNDS):
        if side.all() or not side.any():
            return side
        one, other = parts.means(side)
        moved = in_turns((parts.units @ one - parts.units @ other) * parts.seconds)
        if (moved == side).all():
            return side
        side = moved
    return side


def in_turns(gains: NDArray[np.float64]) -> Side:
    """Returns the side of each part for which its gains, less the cost of each turn, are greatest.

    The Viterbi algorithm for two states (G. D. Forney, "The Viterbi algorithm", Proc. IEEE 61, 1973): how much better
    it is to be on the first side than on the other, up to each part, is never more than what a turn costs.

    Args:
        gains: of being on the first side rather than on the other, shape (parts,).
    """
    better = [float(gains[0])]
    for gain in gains[1:].tolist():
        better.append(min(max(better[-1], -TURN_COSTS), TURN_COSTS) + gain)
    first = [better[-1] > 0]
    for before in reversed(better[:-1]):
        first.append(before > (-TURN_COSTS if first[-1] else TURN_COSTS))
    return np.array(first[::-1])


def _parts(piece: Evidence, band: Channel) -> list[tuple[FloatVector, float]]:
    """Returns a piece's parts, or all of it as one; parts are measured in its own band only."""
    if piece.parts is None or piece.channel is not band:
        return [(piece.embeddings[band], piece.speech_seconds)]
    return [(part.astype(np.float32), piece.speech_seconds / len(piece.parts)) for part in piece.parts]


def _joined(parts: Sequence[tuple[FloatVector, float]]) -> list[tuple[FloatVector, float]]:
    """Joins neighbors until each has enough speech; what is left at the end joins the last one."""
    joined: list[tuple[FloatVector, float]] = []
    open_vector, open_seconds = np.zeros_like(parts[0][0]), 0.0
    for vector, seconds in parts:
        open_vector, open_seconds = open_vector + vector * np.float32(seconds), open_seconds + seconds
        if open_seconds >= SHORTEST_PART_SECONDS:
            joined.append((open_vector, open_seconds))
            open_vector, open_seconds = np.zeros_like(open_vector), 0.0
    if open_seconds and joined:
        last, before = joined.pop()
        return [*joined, (last + open_vector, before + open_seconds)]
    return joined or [(open_vector, open_seconds)]
