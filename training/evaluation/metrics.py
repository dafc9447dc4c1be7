"""Figures of merit of scores and of decisions.

Rates are those of ISO/IEC 19795-1, the cost of LLRs is that of Brümmer and du Preez (2006), and the cost of a whole
decision that of Shim et al. (2024).

Every trial may carry a weight, so that a bootstrap over speakers is a reweighting of trials scored once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Trials:
    """Scored comparisons in ascending order of their scores; make them by `of`.

    Attributes:
        scores: LLRs, or anything that is higher for the same speaker, shape (n,).
        targets: whether both sides are one speaker, shape (n,); both kinds occur.
        weights: how often each trial counts, shape (n,).
        last: index of the last trial of each distinct score, shape (distinct,).
        penalties: what each score costs as an LLR, bits, shape (n,).
    """

    scores: Floats
    targets: Flags
    weights: Floats
    last: Indices
    penalties: Floats

    @classmethod
    def of(cls, scores: Floats, targets: Flags, weights: Floats | None = None) -> Self:
        """Orders trials.

        Raises:
            ValueError: there are no targets, or no non-targets.
        """
        if targets.all() or not targets.any():
            raise ValueError("there must be trials of one speaker and trials of two")
        order = np.argsort(scores, kind="stable")
        scores, targets = scores[order], targets[order]
        weights = np.ones(len(scores)) if weights is None else weights[order]
        last = np.flatnonzero(np.append(np.diff(scores) > 0, True))
        penalties = np.logaddexp(0.0, np.where(targets, -scores, scores)) / np.log(2.0)
        return cls(scores, targets, weights, last, penalties)

    def reweighted(self, weights: Floats) -> "Trials":
        """The same trials with other weights, in the order of `scores`."""
        return replace(self, weights=weights)


@dataclass(frozen=True, slots=True)
class Roc:
    """Error rates at every threshold, from the lowest to above the highest score, shape (thresholds,) each.

    Attributes:
        fmr: false match rate, falling.
        fnmr: false non-match rate, rising.
    """

    fmr: Floats
    fnmr: Floats

    @classmethod
    def of(cls, trials: Trials) -> Self:
        """Counts errors at every distinct score; equal scores are never told apart."""
        missed = np.cumsum(trials.weights * trials.targets)
        refused = np.cumsum(trials.weights * ~trials.targets)
        fnmr, passed = missed[trials.last] / missed[-1], refused[trials.last] / refused[-1]
        return cls(fmr=1.0 - np.concatenate([[0.0], passed]), fnmr=np.concatenate([[0.0], fnmr]))


def eer(trials: Trials) -> float:
    """Equal error rate, by linear interpolation between the two thresholds where the error rates cross."""
    roc = Roc.of(trials)
    gap = roc.fnmr - roc.fmr
    after = int(np.argmax(gap >= 0))
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(roc.fnmr[after - 1] + share * (roc.fnmr[after] - roc.fnmr[after - 1]))


def fnmr_at_fmr(trials: Trials, fmr: float) -> float:
    """Least false non-match rate at a threshold whose false match rate is at most `fmr`; no interpolation."""
    roc = Roc.of(trials)
    return float(roc.fnmr[np.argmax(roc.fmr <= fmr + 1e-12)])


def cllr(trials: Trials) -> float:
    """Cost of log-likelihood ratios, bits: 0 is perfect, 1 is what no information costs."""
    targets, others = trials.weights * trials.targets, trials.weights * ~trials.targets
    return float(trials.penalties @ targets / targets.sum() + trials.penalties @ others / others.sum()) / 2.0


def min_cllr(trials: Trials) -> float:
    """`cllr` after the best monotone recalibration (pool adjacent violators): what discrimination alone costs."""
    target, other = _pool_adjacent_violators(_share(trials, trials.targets), _share(trials, ~trials.targets))
    # Of a block with shares t and o the best LLR is log(t / o), whose penalties come to this.
    costs = _times_log2(target + other) - _times_log2(target) - _times_log2(other)
    return float(costs.sum()) / 2.0


class Kind(IntEnum):
    """The identity of a caller: the claimed speaker, another human, or synthetic speech."""

    TARGET = 0
    NONTARGET = 1
    SPOOF = 2


@dataclass(frozen=True, slots=True)
class DetectionCosts:
    """Costs of the errors of a whole decision, and how often each could happen.

    Attributes:
        nontarget_prior: share of calls of other humans.
        spoof_prior: share of calls of synthetic copies of the claimed speaker; all other calls are of the speaker.
        miss: of not accepting the claimed speaker.
        false_accept: of accepting another human.
        spoof_accept: of accepting a synthetic copy.
    """

    nontarget_prior: float
    spoof_prior: float
    miss: float
    false_accept: float
    spoof_accept: float

    def normalized(self, accepted: Mapping[Kind, Floats]) -> Floats:
        """The a-DCF (Shim et al. 2024): 1 costs as much as answering all calls alike.

        Args:
            accepted: the share of each kind of trials that is accepted, of any one shape.
        """
        target_prior = 1.0 - self.nontarget_prior - self.spoof_prior
        reject_all = self.miss * target_prior
        others, spoofs = self.false_accept * self.nontarget_prior, self.spoof_accept * self.spoof_prior
        cost = reject_all * (1.0 - accepted[Kind.TARGET])
        cost = cost + others * accepted[Kind.NONTARGET] + spoofs * accepted[Kind.SPOOF]
        return np.asarray(cost / min(reject_all, others + spoofs), np.float64)


@dataclass(frozen=True, slots=True)
class TandemTrials:
    """Calls of speakers, other humans and synthetic copies, in ascending order of their scores; make them by `of`.

    Attributes:
        scores: higher for the claimed speaker, shape (n,).
        kinds: values of `Kind`, shape (n,); each occurs.
        accepted: the decisions, shape (n,).
        weights: how often each trial counts, shape (n,).
        last: index of the last trial of each distinct score, shape (distinct,).
    """

    scores: Floats
    kinds: Indices
    accepted: Flags
    weights: Floats
    last: Indices

    @classmethod
    def of(cls, scores: Floats, kinds: Indices, accepted: Flags, weights: Floats | None = None) -> Self:
        """Orders trials.

        Raises:
            ValueError: there are no trials of a kind.
        """
        if set(kinds.tolist()) != set(Kind):
            raise ValueError("there must be trials of each kind")
        order = np.argsort(scores, kind="stable")
        scores = scores[order]
        weights = np.ones(len(scores)) if weights is None else weights[order]
        last = np.flatnonzero(np.append(np.diff(scores) > 0, True))
        return cls(scores, kinds[order], accepted[order], weights, last)

    def reweighted(self, weights: Floats) -> "TandemTrials":
        """The same trials with other weights, in the order of `scores`."""
        return replace(self, weights=weights)


def a_dcf(trials: TandemTrials, costs: DetectionCosts) -> float:
    """Normalized detection cost of the decisions."""
    of_kind = {kind: trials.weights * (trials.kinds == kind) for kind in Kind}
    return float(costs.normalized({kind: each @ trials.accepted / each.sum() for kind, each in of_kind.items()}))


def min_a_dcf(trials: TandemTrials, costs: DetectionCosts) -> float:
    """Least normalized detection cost of any one threshold on the scores."""
    below = {kind: np.cumsum(trials.weights * (trials.kinds == kind)) for kind in Kind}
    refused = {kind: np.append(0.0, each[trials.last] / each[-1]) for kind, each in below.items()}
    return float(costs.normalized({kind: 1.0 - each for kind, each in refused.items()}).min())


def _times_log2(values: Floats) -> Floats:
    """Elementwise x log2(x), which is 0 at 0."""
    return np.asarray(values * np.log2(np.where(values > 0, values, 1.0)), np.float64)


def _share(trials: Trials, kind: Flags) -> Floats:
    """The part of all trials of a kind that falls on each distinct score."""
    counted = np.diff(np.cumsum(trials.weights * kind)[trials.last], prepend=0.0)
    return np.asarray(counted / counted.sum(), np.float64)


def _pool_adjacent_violators(target: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Pools neighbors until the ratio of targets to non-targets rises strictly; shapes (n,) to (blocks,)."""
    used = target + other > 0
    target, other, before = target[used], other[used], np.inf
    # All violators at once while that gets on; what is left, one by one: a block may grow by one neighbor a turn.
    while len(target) < 0.9 * before:
        before = len(target)
        target, other = _pool_neighbors(target, other)
    blocks: list[tuple[float, float]] = []
    for t, o in zip(target.tolist(), other.tolist(), strict=True):
        new = (t, o)
        while blocks and blocks[-1][0] * new[1] >= new[0] * blocks[-1][1]:
            last = blocks.pop()
            new = (new[0] + last[0], new[1] + last[1])
        blocks.append(new)
    pooled = np.array(blocks)
    return pooled[:, 0], pooled[:, 1]


def _pool_neighbors(target: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Pools each stretch over which the ratio does not rise: it ends in one block anyway."""
    rises = target[:-1] * other[1:] < target[1:] * other[:-1]
    starts = np.flatnonzero(np.append(True, rises))
    return np.add.reduceat(target, starts), np.add.reduceat(other, starts)
