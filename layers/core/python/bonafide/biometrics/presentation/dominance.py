"""The share of the dominant voice in a recording or session, by comparing its parts with each other.

Decision 0044 says how the numbers were chosen; `python -m training.evaluation.voices.shares` measures them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.presentation.voices import (
    HALF_SECONDS,
    LikenessBounds,
    Side,
    SpeechParts,
    bounds_of,
    settled_sides,
)
from bonafide.biometrics.scoring import attenuation

# Another voice counts from so much speech on.
LEAST_SECONDS = 1.0
# A few seconds within a recording have less noise than as many of another one, so that the correction is halved. Then
# they have to differ more from the rest than any stretch of it that is as long, by so much of a cosine.
HALF_SECONDS_WITHIN = 0.5
LEAST_DIFFERENCE = 0.1


def with_dominant_share(whole: Evidence, pieces: Sequence[Evidence], band: Channel) -> Evidence:
    """Adds the dominant voice's share to the measurements on a recording or session.

    Args:
        whole: evidence of it.
        pieces: evidence of the recording itself, or of the session's consecutive chunks.
        band: in which all of them are embedded.
    """
    share = dominant_share(SpeechParts.of(pieces, band), bounds_of(pieces)[band])
    return replace(whole, quality=replace(whole.quality, dominant_share=share))


def dominant_share(parts: SpeechParts, bounds: LikenessBounds) -> float:
    """Returns the share of the speech that is of the voice that speaks most; 1.0 where no other one is found."""
    if len(parts.seconds) <= 1:
        return 1.0
    found = [side for side in settled_sides(parts) if _are_two(parts, side, bounds.of(side))]
    if not found:
        return 1.0
    side = min(found, key=lambda each: _likeness(parts, each, HALF_SECONDS_WITHIN) - bounds.of(each))
    share = float(parts.seconds[side].sum() / parts.seconds.sum())
    return max(share, 1 - share)


def _are_two(parts: SpeechParts, side: Side, bound: float) -> bool:
    if min(parts.seconds[side].sum(), parts.seconds[~side].sum()) < LEAST_SECONDS:
        return False
    if _likeness(parts, side, HALF_SECONDS) < bound:
        return True
    return _likeness(parts, side, HALF_SECONDS_WITHIN) < bound and _differs(parts, side)


def _likeness(parts: SpeechParts, side: Side, half_seconds: float) -> float:
    seconds = parts.seconds[side].sum(), parts.seconds[~side].sum()
    return float(np.dot(*parts.means(side)) / attenuation(*seconds, half_seconds))


def _differs(parts: SpeechParts, side: Side) -> bool:
    """Tells whether the smaller side differs from the larger one more than any stretch of the larger one does."""
    smaller = side if 2 * np.count_nonzero(side) <= len(side) else ~side
    rest = parts.units[~smaller]
    least = _least_likeness(rest, min(int(np.count_nonzero(smaller)), len(rest) // 2))
    return least - float(np.dot(*parts.means(side))) >= LEAST_DIFFERENCE


def _least_likeness(units: FloatVector, length: int) -> float:
    """Returns the least cosine of a stretch of so many parts with all that it does not overlap."""
    found = [1.0]
    for start in range(len(units) - length + 1):
        others = np.concatenate([units[: max(0, start - 1)], units[start + length + 1 :]]).sum(axis=0)
        stretch = units[start : start + length].sum(axis=0)
        lengths = np.linalg.norm(others) * np.linalg.norm(stretch)
        found.append(float(stretch @ others / lengths) if lengths else 1.0)
    return min(found)
