"""Comparison of two populations of readings whose speakers bring several each.

Each speaker counts once: the readings of one speaker share a weight of 1, so that nobody who calls often hides or
feigns a change. Readings of one speaker resemble each other, so a population tells as much as a smaller one of
independent readings would (Kish, Survey Sampling, 1965): that effective size stands in for the count in every test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.chance import LEAST_RISE, Attack, Floats, Moments, ks_bound, shift_bound

# Points at which distributions are kept and compared, and the bins of the population stability index.
POINTS = 64
BINS = 10
# Speakers who bring more than one reading, from which on their resemblance can be measured.
REPEATING = 20
# Speakers who count as people with the lowest LLR that there may be, beside those of a baseline.
UNSEEN = 0.5


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one signal.

    Attributes:
        values: shape (n,).
        speakers: index of each reading's speaker, shape (n,).
    """

    values: Floats
    speakers: NDArray[np.intp]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, float]]) -> Self:
        """Takes speakers and values."""
        names = {name: place for place, name in enumerate(dict.fromkeys(name for name, _ in pairs))}
        return cls(np.array([value for _, value in pairs], np.float64), np.array([names[n] for n, _ in pairs], np.intp))

    @property
    def count(self) -> int:
        """Number of readings."""
        return len(self.values)

    @property
    def each(self) -> NDArray[np.intp]:
        """Number of readings of each speaker, shape (speakers,)."""
        return np.bincount(self.speakers) if self.count else np.zeros(0, np.intp)

    def below(self, points: Floats) -> Floats:
        """Returns the share of the population at or below each point, shape (points,)."""
        order = np.argsort(self.values, kind="stable")
        weights = (1.0 / self.each[self.speakers] / len(self.each))[order]
        cumulated = np.append(0.0, np.cumsum(weights))
        return np.asarray(cumulated[np.searchsorted(self.values[order], points, side="right")])

    def mean(self, of: Callable[[Floats], Floats]) -> float:
        """Returns the mean of a function of the readings over the speakers."""
        return float((1.0 / self.each[self.speakers]) @ of(self.values)) / len(self.each)

    def effective(self, resemblance: float) -> float:
        """Returns the number of independent readings that tell as much.

        A speaker's mean over m readings varies by r + (1 - r) / m of a reading's variance.

        Args:
            resemblance: of the readings of one speaker, the intraclass correlation r.
        """
        each = self.each
        return len(each) ** 2 / float(np.sum(resemblance + (1.0 - resemblance) / each)) if len(each) else 0.0

    def resemblance(self) -> float:
        """Returns the intraclass correlation of the readings' ranks, by analysis of variance; 1 where it is unknown."""
        each = self.each
        if int((each > 1).sum()) < REPEATING:
            return 1.0
        ranks = np.argsort(np.argsort(self.values, kind="stable"), kind="stable") / self.count
        means = np.bincount(self.speakers, ranks) / each
        between = float(np.sum(each * (means - ranks.mean()) ** 2)) / (len(each) - 1)
        within = float(np.sum((ranks - means[self.speakers]) ** 2)) / (self.count - len(each))
        usual = (self.count - float(np.sum(each**2)) / self.count) / (len(each) - 1)
        total = between + (usual - 1.0) * within
        return float(np.clip((between - within) / total, 0.0, 1.0)) if total > 0.0 else 1.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """A population, summed up.

    Attributes:
        points: ascending values, shape (points,).
        below: share of the population at or below each point, shape (points,).
        count: readings.
        speakers: who brought them.
        effective: number of independent readings that tell as much.
        resemblance: intraclass correlation of the readings of one speaker.
    """

    points: Floats
    below: Floats
    count: int
    speakers: int
    effective: float
    resemblance: float

    @classmethod
    def of(cls, readings: Readings) -> Self:
        """Sums up at least one reading."""
        inside = np.unique(np.quantile(readings.values, np.linspace(0, 1, POINTS), method="nearest"))
        # A signal may be the same for all: what is below or above everything has to count as well.
        points = np.insert(inside, 0, np.nextafter(inside[0], -np.inf))
        resemblance = readings.resemblance()
        return cls(
            points=points,
            below=readings.below(points),
            count=readings.count,
            speakers=len(readings.each),
            effective=readings.effective(resemblance),
            resemblance=resemblance,
        )

    def predicted(self, attack: Attack, count: float) -> Moments:
        """Predicts the mean probability of an attack in a later sample of a size.

        Readings between two points count as the mean of these. Half a speaker is added whose LLR is as low as can be,
        the prior of Jeffreys (Proceedings of the Royal Society A 186, 1946): the lowest of a hundred is not the lowest.
        """
        each = attack.probability(self.points)
        between = (each + np.append(each[0], each[:-1])) / 2.0
        sizes = self.effective * np.diff(np.append(0.0, self.below))
        return Moments.predicted(np.append(1.0, between), np.append(UNSEEN, sizes), count)

    def to_document(self) -> dict[str, Any]:
        """Returns the stored form."""
        numbers = {"points": self.points.tolist(), "below": self.below.tolist()}
        sizes = {"count": self.count, "speakers": self.speakers}
        return {**numbers, **sizes, "effective": self.effective, "resemblance": self.resemblance}

    @classmethod
    def from_document(cls, document: Any) -> Self:
        """Reads a stored form."""
        return cls(
            np.array(document["points"], np.float64),
            np.array(document["below"], np.float64),
            document["count"],
            document["speakers"],
            document["effective"],
            document["resemblance"],
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of a window from a baseline.

    Attributes:
        ks: Kolmogorov-Smirnov distance, the largest difference of the two cumulated distributions.
        ks_bound: above which the window's speakers are no chance selection from the baseline.
        psi: population stability index, sum of (p - q) ln(p / q) over bins.
        psi_bound: above which the difference matters.
        shift: probability that a speaker of the window is above one of the baseline, ties halved, less 0.5: a change of
            the place of a distribution shows here with half as many speakers as in the distance.
        shift_bound: above which, or below its negative, the window's speakers are no chance selection.
        tail: mean probability that a speaker of the window is an attack, by a low LLR: attacks change a tail, to which
            the distance is nearly blind.
        tail_bound: above which the window's speakers are no chance selection; 1 where low values tell of no attack.
        count: readings of the window.
        speakers: who brought them.
        expected: shares of the baseline in the bins.
        found: shares of the window.
    """

    ks: float
    ks_bound: float
    psi: float
    psi_bound: float
    shift: float
    shift_bound: float
    tail: float
    tail_bound: float
    count: int
    speakers: int
    expected: tuple[float, ...] = ()
    found: tuple[float, ...] = ()

    @property
    def is_drift(self) -> bool:
        """Tells whether distance and index exceed their bounds, or the shift or the tail does."""
        reshaped = self.ks > self.ks_bound and self.psi > self.psi_bound
        return reshaped or abs(self.shift) > self.shift_bound or self.tail > self.tail_bound


def differ(
    strata: Sequence[tuple[Distribution, Readings]],
    chance: float,
    relevant: float,
    *,
    attack: Attack | None = None,
) -> Difference:
    """Compares a window of at least one reading with a baseline, within each stratum, and pools what it finds.

    A stratum has the weight that the window gives it: another mix of the strata is no difference. Without a change the
    index has a mean of (bins - 1) (n + m) / (n m) for sizes n and m (Yurdakul and Naranjo, Journal of Risk Model
    Validation 14, 2020).

    Args:
        strata: earlier readings and recent ones of each.
        chance: probability that the distance exceeds its bound without any change.
        relevant: index from which on a difference matters, besides what the sizes alone bring about.
        attack: which low values tell of, if any do.
    """
    sizes = np.array([window.effective(baseline.resemblance) for baseline, window in strata])
    weights = sizes / sizes.sum()
    earlier = 1.0 / float(np.sum(weights**2 / [baseline.effective for baseline, _ in strata]))
    both = 1.0 / (1.0 / sizes.sum() + 1.0 / earlier)
    before, below = (np.tensordot(weights, each, 1) for each in _at_quantiles(strata))
    expected, found = (_smoothed(_shares(before, each), both) for each in (before, below))
    tail, tail_bound = _attacks(strata, weights, attack) if attack else (0.0, 1.0)
    return Difference(
        ks=float(np.max(np.abs(below - before))),
        ks_bound=ks_bound(both, chance),
        psi=float(np.sum((found - expected) * np.log(found / expected))),
        psi_bound=relevant + (len(expected) - 1) / both,
        shift=shift(before, below),
        shift_bound=shift_bound(both, chance),
        tail=tail,
        tail_bound=tail_bound,
        count=sum(window.count for _, window in strata),
        speakers=sum(len(window.each) for _, window in strata),
        expected=tuple(expected.tolist()),
        found=tuple(found.tolist()),
    )


def _at_quantiles(strata: Sequence[tuple[Distribution, Readings]]) -> tuple[Floats, Floats]:
    """Returns the shares of baseline and window at or below quantiles of each baseline, shape (strata, POINTS + 1)."""
    wanted = np.linspace(0.0, 1.0, POINTS + 1)
    cuts = [np.searchsorted(baseline.below, wanted - 1e-9) for baseline, _ in strata]
    before = [baseline.below[at] for (baseline, _), at in zip(strata, cuts, strict=True)]
    below = [window.below(baseline.points)[at] for (baseline, window), at in zip(strata, cuts, strict=True)]
    return np.array(before), np.array(below)


def _shares(before: Floats, below: Floats) -> Floats:
    """Returns the shares of a population in bins that the baseline fills about evenly, shape (bins,).

    Args:
        before: share of the baseline at or below each point.
        below: share of that population.
    """
    wanted = np.linspace(0, 1, BINS + 1)[1:]
    cuts = np.unique(np.append(0, np.searchsorted(before, wanted - 1e-9)))
    return np.diff(np.concatenate([[0.0], below[cuts], [1.0]]))


def shift(before: Floats, below: Floats) -> float:
    """Returns the probability that a value of the window is above one of the baseline, ties halved, less 0.5.

    The statistic of Mann and Whitney (Annals of Mathematical Statistics 18, 1947), on the quantiles of the baseline.

    Args:
        before: share of the baseline at or below each point, from 0 on.
        below: share of the window.
    """
    ends = np.append(before, 1.0)
    middles = (ends + np.append(0.0, before)) / 2.0
    return float(np.sum(np.diff(np.concatenate([[0.0], below, [1.0]])) * middles)) - 0.5


def _attacks(strata: Sequence[tuple[Distribution, Readings]], weights: Floats, attack: Attack) -> tuple[float, float]:
    """Returns the mean probability of an attack in the window, and its bound."""
    found = float(weights @ [window.mean(attack.probability) for _, window in strata])
    usual = [base.predicted(attack, window.effective(base.resemblance)) for base, window in strata]
    without = Moments.mixed(usual, weights)
    return found, max(without.exceeded(attack.chance), without.mean + LEAST_RISE)


def _smoothed(shares: Floats, size: float) -> Floats:
    """Returns shares none of which is 0, as if half a reading more were in each bin."""
    return np.asarray((np.maximum(shares, 0.0) + 0.5 / size) / (1.0 + 0.5 * len(shares) / size))
