"""Turns the scores of the detector into log-likelihood ratios.

The calibration uses speech that was scored by heads that were not trained on its collection or family of attacks. Every
family counts alike, however many files it has, and so does every collection of bona fide speech over every channel: the
next system is as likely to resemble a small family as a large one. Below nearly all bona fide speech the line is
steeper, since a single line through everything would understate the evidence there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
# Share of bona fide crops of any kind of line that may fall below the threshold: less than callers may, since some
# lines are worse than any of ours.
BPCER = 0.035
# Fewer crops than these tell nothing of a quantile.
SMALLEST_CELL = 10
SMALLEST_LINE = 40
# Below this quantile of bona fide speech the line may be steeper, if enough of it is there to tell.
KNEE = 0.02


@dataclass(frozen=True, slots=True)
class DetectorCalibration:
    """line = offset + scale * score, LLR = max(line + steepness * min(line - knee, 0), floor).

    Attributes:
        scale: of the score.
        offset: LLR at scores of 0.
        steepness: how much steeper it is below the knee, 0 or more.
        knee: in LLR.
        floor: the least LLR; no lower one is supported by so many bona fide crops (after the bounds of Vergeer 2016).
    """

    scale: float
    offset: float
    steepness: float
    knee: float
    floor: float

    def llr(self, scores: Numbers) -> Numbers:
        """Maps scores (n,) to LLRs (n,)."""
        line = scores * self.scale + self.offset
        return np.asarray(np.maximum(line + self.steepness * np.minimum(line - self.knee, 0), self.floor), np.float64)


def fit(scores: Numbers, human: NDArray[np.bool_], cells: NDArray[np.str_]) -> DetectorCalibration:
    """Fits to held-out crops.

    Args:
        scores: shape (n,).
        human: whether bona fide, shape (n,).
        cells: collection or family, and channel; all count alike within a class, shape (n,).
    """
    weights = alike(human, cells)
    slope, offset = odds(np.stack([scores, np.ones_like(scores)], 1), human, weights)
    line = slope * scores + offset
    order = np.argsort(line[human])
    share = np.cumsum(weights[human][order]) / weights[human].sum()
    knee = float(line[human][order][np.searchsorted(share, KNEE)])
    steeper = 0.0
    if (line[human] < knee).sum() >= SMALLEST_CELL:
        (steeper,) = odds(np.minimum(line - knee, 0)[:, None], human, weights, start=line)
    return DetectorCalibration(
        scale=float(slope),
        offset=float(offset),
        steepness=max(0.0, float(steeper)),
        knee=knee,
        floor=-float(np.log(human.sum())),
    )


def odds(
    design: Numbers, human: NDArray[np.bool_], weights: Numbers, start: Numbers | float = 0.0, rounds: int = 50
) -> Numbers:
    """Weighted logistic regression (Platt 1999) by Newton's method, shape (columns,).

    Args:
        design: shape (n, columns).
        human: whether bona fide, shape (n,).
        weights: shape (n,), each class with a sum of 1, so that log odds are LLRs.
        start: log odds to begin from, shape (n,).
        rounds: of Newton's method.
    """
    found = np.zeros(design.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-(start + design @ found)))
        slope = design.T @ (weights * (chance - human)) + 1e-6 * found
        curve = design.T @ (design * (weights * chance * (1 - chance))[:, None]) + 1e-6 * np.eye(len(found))
        found = found - np.linalg.solve(curve, slope)
    return np.asarray(found, np.float64)


def alike(human: NDArray[np.bool_], cells: NDArray[np.str_]) -> Numbers:
    """Returns weights by which all cells of a class count alike, each class with a sum of 1."""
    _, cell, counts = np.unique(
        np.char.add(np.where(human, "h ", "s "), cells), return_inverse=True, return_counts=True
    )
    weights = 1 / counts[cell]
    return np.where(human, weights / weights[human].sum(), weights / weights[~human].sum())


def worst_quantile(llr: Numbers, lines: NDArray[np.str_]) -> float:
    """Returns the least of the lines' quantiles: over none of them is bona fide speech refused more often than BPCER.

    An average over lines would be that of clean speech, and calls are not clean.
    """
    names, counts = np.unique(lines, return_counts=True)
    # Where no line has enough of them, all together have to tell.
    sides = [llr[lines == name] for name in names[counts >= SMALLEST_LINE]] or [llr]
    return min(float(np.quantile(side, BPCER)) for side in sides)
