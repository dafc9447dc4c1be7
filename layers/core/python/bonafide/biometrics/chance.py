"""Bounds that differences of two samples of one population exceed with a chosen probability."""

from dataclasses import dataclass
from math import lgamma, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

# The shift that matters: 60 of 100 pairs instead of 50 in one order.
LEAST_SHIFT = 0.1
# By how much the share of a tail has to grow to matter.
LEAST_TAIL = 0.05
# Lower tails. The first shows few calls that are far below all others, the second more calls that are less far.
TAILS = (1.0 / 64, 0.05)


@dataclass(frozen=True, slots=True)
class KnownTail:
    """A tail that readings of other people tell about, beside the few that a baseline has of it.

    Attributes:
        below: the value where it ends.
        share: of the other people who are below.
        speakers: number of them that it counts for.
    """

    below: float
    share: float
    speakers: float

    def bound(self, share: float, earlier: float, size: float, chance: float) -> float:
        """Returns `share_bound` of the baseline and the other people together.

        These count the less the more the baseline has in the tail than they have.

        Args:
            share: of the baseline that is below.
            earlier: size of the baseline.
            size: of the later sample.
            chance: the probability.
        """
        others = self.speakers * self.share / max(share, self.share)
        pooled = (share * earlier + self.share * others) / (earlier + others)
        return share_bound(pooled, earlier + others, size, chance)


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


def share_bound(share: float, earlier: float, size: float, chance: float) -> float:
    """Returns the share of a sample below a quantile of an earlier one that is exceeded with a probability.

    Without a change the number below the k-th lowest of n has the beta-binomial distribution with k and n - k + 1
    (Wilks, Annals of Mathematical Statistics 13, 1942).

    Args:
        share: of the earlier sample below the quantile, more than 0.
        earlier: its size n.
        size: of the later sample.
        chance: the probability.
    """
    count, rank = max(round(size), 1), share * earlier
    others = earlier - rank + 1.0
    numbers = np.arange(count + 1)
    logs = [
        lgamma(count + 1) - lgamma(n + 1) - lgamma(count - n + 1) + lgamma(n + rank) + lgamma(count - n + others)
        for n in numbers.tolist()
    ]
    shares = np.exp(np.array(logs) - max(logs))
    exceeding = np.cumsum(shares[::-1])[::-1] / shares.sum()
    bound = int(np.argmax(np.append(exceeding, 0.0) <= chance)) - 1
    return max(bound / count, share + LEAST_TAIL)


def tails_and_bounds(
    before: Floats, below: Floats, sizes: tuple[float, float], chance: float
) -> list[tuple[float, float]]:
    """Returns the share of a window in each tail, and its bound.

    Args:
        before: share of a baseline at or below each of its quantiles, ascending, shape (points,).
        below: share of the window.
        sizes: of the baseline and of the window.
        chance: probability that a share exceeds its bound without a change.
    """
    found = []
    for tail in TAILS:
        rare = int(np.searchsorted(before, tail + 1e-9, side="right")) - 1
        # Nothing lower was seen before: what is below it all counts as if the lowest one had been.
        share = max(float(before[rare]), 1.0 / sizes[0])
        found.append((float(below[rare]), share_bound(share, *sizes, chance)))
    return found
