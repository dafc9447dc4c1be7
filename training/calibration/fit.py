"""Fits a calibration curve by weighted logistic regression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.biometrics.scoring import Comparison, Curve, attenuation
from training.evaluation.metrics import Flags, Floats

_STEPS = 100
_SMALL = 1e-10


@dataclass(frozen=True, slots=True)
class CorpusTrials:
    """Trials of one corpus in one condition.

    Attributes:
        comparisons: before calibration.
        targets: whether one speaker is on both sides, shape (n,).
        pairs: distinct pairs of recordings behind the targets, and behind the rest.
    """

    comparisons: Sequence[Comparison]
    targets: Flags
    pairs: tuple[int, int]


def fit(corpora: Sequence[CorpusTrials], half_seconds: float) -> Curve:
    """Finds the likeliest slope and level.

    Corpora weigh the same whatever their size, for a corpus is what differs between here and a deployment; so do
    targets and non-targets within each.

    Args:
        corpora: at least one, each with both kinds of trials.
        half_seconds: of the curve.
    """
    labels = np.concatenate([_smoothed(each) for each in corpora])
    weights = np.concatenate([_balanced(each.targets) for each in corpora]) / len(corpora)
    level, slope = _logistic(_features(corpora, half_seconds), labels, weights)
    bounds = np.log(np.sum([each.pairs for each in corpora], axis=0))
    figures = (slope, -level / slope, half_seconds, -bounds[0], bounds[1])
    return Curve(*(round(float(figure), 4) for figure in figures))


def llrs(curve: Curve, comparisons: Sequence[Comparison]) -> Floats:
    """Calibrates, shape (n,)."""
    found = [curve.llr(each.cosine, each.enrolled_seconds, each.tested_seconds) for each in comparisons]
    return np.array(found, np.float64)


def _balanced(targets: Flags) -> Floats:
    return np.where(targets, 0.5 / targets.sum(), 0.5 / (~targets).sum())


def _smoothed(corpus: CorpusTrials) -> Floats:
    """Returns labels short of certainty (Platt 1999), so that few pairs cannot make a steep curve."""
    genuine, impostor = corpus.pairs
    return np.where(corpus.targets, 1.0 - 1.0 / (genuine + 2), 1.0 / (impostor + 2))


def _features(corpora: Sequence[CorpusTrials], half_seconds: float) -> Floats:
    """Returns attenuation and cosine, shape (n, 2)."""
    rows = [
        (attenuation(each.enrolled_seconds, each.tested_seconds, half_seconds), each.cosine)
        for corpus in corpora
        for each in corpus.comparisons
    ]
    return np.array(rows, np.float64)


def _logistic(features: Floats, labels: Floats, weights: Floats) -> Floats:
    """Solves by Newton's method, shape (2,)."""
    coefficients = np.zeros(2)
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-(features @ coefficients)))
        gradient = features.T @ (weights * (probability - labels))
        curvature = (features.T * (weights * probability * (1.0 - probability))) @ features
        step = np.linalg.solve(curvature + _SMALL * np.eye(2), gradient)
        coefficients = coefficients - step
        if np.abs(step).max() < _SMALL:
            break
    return coefficients
