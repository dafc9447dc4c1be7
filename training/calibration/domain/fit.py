"""Fits the correction of a domain by maximum a posteriori: the fewer speakers, the nearer to the global calibration.

The corrected LLR is scale * x + shift * attenuation, with x the LLR of the global calibration before its bounds. The
prior of scale and shift is normal, centered on (1, 0), the global calibration. The likelihood counts with the number of
speakers, not of comparisons, since those of one pair say much the same, and below 50 with the cube of it, since a few
speakers may all be unlike the rest. Genuine and impostor comparisons weigh the same, and so does every genuine speaker.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bonafide.biometrics.domain_calibration import LEAST_SCALE, MOST_MOVED_NATS, MOST_SCALE, CurveCorrection
from bonafide.biometrics.scoring import Curve
from training.evaluation.metrics import Flags, Floats, Indices

FOLDS = 5
CENTER = np.array([1.0, 0.0])
_STEPS = 50
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class CorrectionPrior:
    """Assumptions about a domain before its speakers are heard.

    Chosen on lines that the reports of `domain.study` leave out: docs/decisions/0023-calibration-of-a-domain.md.

    Attributes:
        scale_spread: standard deviation of the scale.
        shift_spread: standard deviation of the shift, nats.
        comparisons_of_50: independent comparisons that 50 speakers stand for.
        bounding_speakers: at which the domain and the global calibration bound the LLR alike.
    """

    scale_spread: float = 0.35
    shift_spread: float = 4.0
    comparisons_of_50: float = 150.0
    bounding_speakers: float = 4.0

    @property
    def precision(self) -> Floats:
        """Inverse covariance of scale and shift, shape (2, 2)."""
        return np.diag([self.scale_spread**-2, self.shift_spread**-2])

    def comparisons(self, speakers: int) -> float:
        """Returns how many independent comparisons some speakers stand for; few of them for far fewer."""
        share = speakers / 50
        return self.comparisons_of_50 * min(share**3, share)


PRIOR = CorrectionPrior()


@dataclass(frozen=True, slots=True)
class DomainTrials:
    """Comparisons of one condition, by columns, shape (n,) each.

    Attributes:
        llr: of the global calibration, before its bounds.
        attenuation: of the lengths.
        targets: whether one speaker is on both sides.
        enrolled: index of the enrolled speaker.
        tested: index of the speaker of the test.
    """

    llr: Floats
    attenuation: Floats
    targets: Flags
    enrolled: Indices
    tested: Indices

    @property
    def genuine_speakers(self) -> Indices:
        """Indices of the speakers with a comparison with themselves."""
        return np.unique(self.enrolled[self.targets])

    @property
    def complete(self) -> bool:
        """Tells whether both kinds of comparisons occur."""
        return bool(self.targets.any() and not self.targets.all())

    def of(self, speakers: Indices) -> "DomainTrials":
        """Keeps the comparisons whose two sides are among some speakers."""
        return self.at(np.isin(self.enrolled, speakers) & np.isin(self.tested, speakers))

    def at(self, chosen: Flags) -> "DomainTrials":
        """Keeps some comparisons."""
        columns = (self.llr, self.attenuation, self.targets, self.enrolled, self.tested)
        return DomainTrials(*(column[chosen] for column in columns))  # type: ignore[arg-type]


def fit(trials: DomainTrials, curve: Curve, prior: CorrectionPrior = PRIOR) -> CurveCorrection:
    """Fits the correction of a curve.

    Args:
        trials: of both kinds.
        curve: of the global calibration.
        prior: what is assumed of the domain.
    """
    lowest, highest = _bounds(trials, curve, prior)
    scale, shift = _maximum(trials, (lowest, highest), prior)
    return CurveCorrection(*(round(float(each), 4) for each in (scale, shift, lowest, highest)))


def corrected(correction: CurveCorrection, trials: DomainTrials) -> Floats:
    """Returns LLRs as they are served with a correction, shape (n,)."""
    raw = correction.scale * trials.llr + correction.shift * trials.attenuation
    return bounded(raw, correction.lowest, correction.highest)


def bounded(raw: Floats, lowest: float, highest: float) -> Floats:
    """Keeps LLRs within bounds as `Curve.llr` does."""
    return np.asarray(np.logaddexp(raw, lowest) - np.logaddexp(0.0, raw - highest), np.float64)


def folds(trials: DomainTrials, seed: int = 1) -> Iterator[tuple[DomainTrials, DomainTrials]]:
    """Yields comparisons to fit on and comparisons to measure on, which have no speaker in common."""
    speakers = np.random.default_rng(seed).permutation(np.unique([trials.enrolled, trials.tested]))
    for number in range(FOLDS):
        held = speakers[number::FOLDS]
        parts = trials.of(np.setdiff1d(speakers, held)), trials.of(held)
        if all(part.complete for part in parts):
            yield parts


def _maximum(trials: DomainTrials, bounds: tuple[float, float], prior: CorrectionPrior) -> Floats:
    """Finds the most probable scale and shift, within the bounds of a correction. Shape (2,)."""
    features = np.stack([trials.llr, trials.attenuation], axis=1)
    weights = prior.comparisons(len(trials.genuine_speakers)) * _weights(trials)
    posterior = _Posterior(features, trials.targets, weights, bounds, prior.precision)
    found = CENTER
    for _ in range(_STEPS):
        following = posterior.step(found)
        if np.abs(following - found).max() < _SMALL:
            break
        found = following
    return np.asarray(np.clip(found, [LEAST_SCALE, -MOST_MOVED_NATS], [MOST_SCALE, MOST_MOVED_NATS]), np.float64)


@dataclass(frozen=True, slots=True)
class _Posterior:
    """The posterior of scale and shift, up to a factor, with LLRs bounded as they are served.

    A genuine recording that is unlike its speaker costs no more than its bound, here as in a decision.

    Attributes:
        features: LLR and attenuation, shape (n, 2).
        targets: shape (n,).
        weights: of the comparisons, shape (n,).
        bounds: of the LLR, the lowest and the highest.
        precision: of the prior, shape (2, 2).
    """

    features: Floats
    targets: Flags
    weights: Floats
    bounds: tuple[float, float]
    precision: Floats

    def cost(self, found: Floats) -> float:
        """Returns minus its logarithm."""
        llr = bounded(self.features @ found, *self.bounds)
        away = (found - CENTER) @ self.precision @ (found - CENTER)
        return float(self.weights @ (np.logaddexp(0.0, llr) - self.targets * llr) + away / 2.0)

    def step(self, found: Floats) -> Floats:
        """Takes a Gauss-Newton step, shortened until it does not raise the cost; returns where it leads."""
        raw = self.features @ found
        probability = _sigmoid(bounded(raw, *self.bounds))
        slope = _sigmoid(raw - self.bounds[0]) - _sigmoid(raw - self.bounds[1])
        pull = self.weights * (probability - self.targets) * slope
        gradient = self.features.T @ pull + self.precision @ (found - CENTER)
        spread = self.weights * probability * (1.0 - probability) * slope**2
        step = np.linalg.solve((self.features.T * spread) @ self.features + self.precision, gradient)
        while self.cost(found - step) > self.cost(found) and np.abs(step).max() > _SMALL:
            step = step / 2.0
        return np.asarray(found - step, np.float64)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0))), np.float64)


def _weights(trials: DomainTrials) -> Floats:
    """Weighs both kinds the same, and every genuine speaker; the sum is 1. Shape (n,)."""
    _, places = np.unique(trials.enrolled, return_inverse=True)
    own = np.bincount(places, weights=trials.targets)[places]
    genuine = np.where(trials.targets, 1.0 / np.maximum(own, 1.0), 0.0)
    return np.asarray(0.5 * genuine / genuine.sum() + 0.5 * ~trials.targets / (~trials.targets).sum(), np.float64)


def _bounds(trials: DomainTrials, curve: Curve, prior: CorrectionPrior) -> tuple[float, float]:
    """Bounds LLRs by the comparisons of the domain, and of the global calibration as far as it still counts."""
    kept = prior.bounding_speakers / (prior.bounding_speakers + len(trials.genuine_speakers))
    genuine = trials.targets.sum() + kept * np.exp(-curve.lowest)
    impostor = (~trials.targets).sum() + kept * np.exp(curve.highest)
    # Rounding must not exceed what the global calibration supports.
    return max(-float(np.log(genuine)), curve.lowest + 1e-4), min(float(np.log(impostor)), curve.highest - 1e-4)
