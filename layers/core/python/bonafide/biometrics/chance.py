"""Bounds that differences of two samples of one population exceed with a chosen probability."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

# The shift that matters: 60 of 100 pairs instead of 50 in one order.
LEAST_SHIFT = 0.1
# By how much the mean probability of an attack has to grow to matter.
LEAST_RISE = 0.05


@dataclass(frozen=True, slots=True)
class Attack:
    """A wave of attacks that low LLRs tell of.

    Attributes:
        share: of the speakers, who would be attacks.
        chance: probability that a window exceeds its bound without any attack.
    """

    share: float
    chance: float

    def probability(self, llrs: Floats) -> Floats:
        """Returns the probability that a speaker is an attack, by Bayes' rule, shape of the LLRs.

        For LLRs that are calibrated, their mean is what the likelihood of the share rises by first.
        """
        return np.asarray(1.0 / (1.0 + (1.0 / self.share - 1.0) * np.exp(llrs)))


def ks_bound(size: float, chance: float) -> float:
    """Returns the distance that two samples of one distribution exceed with a probability.

    By Smirnov's limit with the correction of Stephens (Journal of the Royal Statistical Society B 32, 1970).

    Args:
        size: n m / (n + m) of samples of n and m.
        chance: the probability.
    """
    root = sqrt(size)
    return min(sqrt(-0.5 * log(chance / 2.0)) / (root + 0.12 + 0.11 / root), 1.0)


def shift_bound(size: float, chance: float) -> float:
    """Returns the shift that two samples of one distribution exceed, up or down, with a probability.

    Its variance is at most (n + m) / (12 n m), which ties make smaller.

    Args:
        size: n m / (n + m) of samples of n and m.
        chance: the probability.
    """
    return max(NormalDist().inv_cdf(1.0 - chance / 2.0) / sqrt(12.0 * size), LEAST_SHIFT)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean, variance and third central moment of what the mean of a sample may be; those of independent ones add up.

    Attributes:
        mean: of the sample.
        second: its variance.
        third: its third central moment, which says how much longer the upper tail is than the lower one.
    """

    mean: float
    second: float
    third: float

    @classmethod
    def predicted(cls, values: Floats, sizes: Floats, count: float) -> "Moments":
        """Predicts the mean of a later sample of one population from an earlier one.

        By the Bayesian bootstrap (Rubin, Annals of Statistics 9, 1981) the later counts of each value have the
        Dirichlet-multinomial distribution (Mosimann, Biometrika 49, 1962), for a value that is or is not there the
        beta-binomial one; these are its moments.

        Args:
            values: of the earlier sample, shape (n,).
            sizes: how many independent readings had each, shape (n,).
            count: size of the later sample.
        """
        size = float(sizes.sum())
        mean = float(sizes @ values) / size
        second, third = (float(sizes @ (values - mean) ** power) / size for power in (2, 3))
        wider = (size + count) / (size + 1.0)
        return cls(mean, second / count * wider, third / count**2 * wider * (size + 2.0 * count) / (size + 2.0))

    @classmethod
    def mixed(cls, moments: Sequence["Moments"], weights: Floats) -> "Moments":
        """Returns those of the weighted sum of independent means."""
        cumulants = np.array([(each.mean, each.second, each.third) for each in moments])
        return cls(*(float(weights**power @ cumulants[:, power - 1]) for power in (1, 2, 3)))

    def exceeded(self, chance: float) -> float:
        """Returns the mean that is exceeded with a probability.

        By the gamma distribution of these moments, whose quantile is that of Wilson and Hilferty (Proceedings of the
        National Academy of Sciences 17, 1931).
        """
        if self.second <= 0.0:
            return self.mean
        normal = NormalDist().inv_cdf(1.0 - chance)
        sixth = max(self.third / self.second**1.5, 1e-3) / 6.0
        skewed = ((1.0 + sixth * (normal - sixth)) ** 3 - 1.0) / (3.0 * sixth)
        return self.mean + sqrt(self.second) * float(skewed)
