"""Bounds that differences of two samples of one population exceed with a chosen probability."""

from math import lgamma, log, sqrt
from statistics import NormalDist

import numpy as np

# The shift that matters: 60 of 100 pairs instead of 50 in one order.
LEAST_SHIFT = 0.1
# By how much the share of a tail has to grow to matter.
LEAST_TAIL = 0.05


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
