"""How good scores and decisions are.

Rates are those of ISO/IEC 19795-1, the cost of LLRs is that of Brümmer and du Preez (2006), and the cost of a whole
decision that of Shim et al. (2024).

Every trial may carry a weight, so that a bootstrap over speakers is a reweighting of trials scored once.
"""

from collections.abc import Callable, Mapping
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
    """Who a caller really is."""

    TARGET = 0
    NONTARGET = 1
    SPOOF = 2


@dataclass(frozen=True, slots=True)
class DetectionCosts:
    """What the errors of a whole decision cost, and how often each could happen.

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

    def normalised(self, accepted: Mapping[Kind, Floats]) -> Floats:
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
    """Calls of speakers, of other humans and of synthetic copies, in ascending order of scores; make them by `of`.

    Attributes:
        scores: higher for the claimed speaker, shape (n,).
        kinds: values of `Kind`, shape (n,); each occurs.
        accepted: what was decided, shape (n,).
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
    """Normalised detection cost of what was decided."""
    of_kind = {kind: trials.weights * (trials.kinds == kind) for kind in Kind}
    return float(costs.normalised({kind: each @ trials.accepted / each.sum() for kind, each in of_kind.items()}))


def min_a_dcf(trials: TandemTrials, costs: DetectionCosts) -> float:
    """Least normalised detection cost of any one threshold on the scores."""
    below = {kind: np.cumsum(trials.weights * (trials.kinds == kind)) for kind in Kind}
    refused = {kind: np.append(0.0, each[trials.last] / each[-1]) for kind, each in below.items()}
    return float(costs.normalised({kind: 1.0 - each for kind, each in refused.items()}).min())


@dataclass(frozen=True, slots=True)
class Runs:
    """Trials pooled for resampling: neighbouring scores of one kind become one trial, their run.

    No measure above tells it from its parts, however these are weighted: along a run only one error rate changes,
    pooling adjacent violators pools it, and it costs what its trials cost.

    Attributes:
        pooled: the runs as trials, shape (runs,) each; their weights and penalties say nothing yet.
        starts: of each run in the columns that follow, shape (runs,).
        pairs: speakers of both sides, as places in the flattened table of all pairs, shape (n,); on the second side of
            targets is one who comes after all others and is always drawn once.
        penalties: of each trial, bits, shape (n,).
    """

    pooled: Trials
    starts: Indices
    pairs: Indices
    penalties: Floats

    @classmethod
    def of(cls, trials: Trials, speakers: tuple[Indices, Indices], count: int) -> Self:
        """Pools trials; `speakers` are those of both sides, `count` how many there are."""
        first, second = speakers
        place = 2 * _runs(trials) + trials.targets
        order = np.argsort(place, kind="stable")
        place = place[order]
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        pooled = Trials.of((place[starts] // 2).astype(np.float64), place[starts] % 2 == 1)
        pairs = first * (count + 1) + np.where(trials.targets, count, second)
        return cls(pooled, starts, pairs[order], trials.penalties[order])

    def weighted(self, drawn: Floats) -> Trials:
        """The runs with each speaker counting as often as drawn, shape (speakers,)."""
        counts = np.append(drawn, 1.0)
        weights = np.outer(counts, counts).ravel()[self.pairs]
        total = np.add.reduceat(weights, self.starts)
        weights *= self.penalties  # in place: memory is what takes the time
        cost = np.add.reduceat(weights, self.starts)
        return replace(self.pooled, weights=total, penalties=cost / np.where(total > 0, total, 1.0))


def bootstrap(
    trials: Trials,
    speakers: tuple[Indices, Indices],
    measures: Mapping[str, Callable[[Trials], float]],
    replicates: int = 400,
    seed: int = 1,
) -> Mapping[str, tuple[float, float] | None]:
    """95 % confidence intervals by resampling speakers: trials that share a speaker are not independent.

    None where the trials are of too few speakers: see `can_resample`.

    Args:
        trials: in the order of their scores.
        speakers: of both sides of each trial, in the same order, as indices from 0, shape (n,) each.
        measures: what to measure, by name.
        replicates: how many resamples.
        seed: of the resampling.
    """
    count = 1 + int(max(each.max() for each in speakers))
    if not can_resample(speakers[0][trials.targets], count):
        return dict.fromkeys(measures)
    runs, generator = Runs.of(trials, speakers, count), np.random.default_rng(seed)
    values: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(replicates):
        drawn = np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)
        resampled = runs.weighted(drawn)
        if not (resampled.weights[resampled.targets].any() and resampled.weights[~resampled.targets].any()):
            continue
        for name, measure in measures.items():
            values[name].append(measure(resampled))
    return {name: (float(np.quantile(each, 0.025)), float(np.quantile(each, 0.975))) for name, each in values.items()}


def can_resample(genuine: Indices, speakers: int) -> bool:
    """Whether drawing speakers tells how figures vary: each kind of trials must be able to come out otherwise.

    Of two speakers every draw with an impostor in it is the same, and of one speaker's own trials none can be more
    frequent than another. An interval of no width would look like certainty.

    Args:
        genuine: speakers of the targets, by index, shape (targets,).
        speakers: how many there are in all trials.
    """
    return speakers > 2 and bool(np.ptp(genuine) > 0)


def _times_log2(values: Floats) -> Floats:
    """Elementwise x log2(x), which is 0 at 0."""
    return np.asarray(values * np.log2(np.where(values > 0, values, 1.0)), np.float64)


def _share(trials: Trials, kind: Flags) -> Floats:
    """The part of all trials of a kind that falls on each distinct score."""
    counted = np.diff(np.cumsum(trials.weights * kind)[trials.last], prepend=0.0)
    return np.asarray(counted / counted.sum(), np.float64)


def _runs(trials: Trials) -> Indices:
    """Which run a trial is in: of neighbouring scores of one kind, or of one score that both kinds have; shape (n,)."""
    sizes = np.diff(trials.last, prepend=-1)
    targets = np.diff(np.cumsum(trials.targets)[trials.last], prepend=0)
    kind = (targets > 0).astype(np.int8) - (targets < sizes)
    starts = np.append(False, (np.diff(kind) != 0) | (kind[1:] == 0))
    return np.repeat(np.cumsum(starts), sizes)


def _pool_adjacent_violators(target: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Pools neighbours until the ratio of targets to non-targets rises strictly; shapes (n,) to (blocks,)."""
    used = target + other > 0
    target, other, before = target[used], other[used], np.inf
    # All violators at once while that gets on; what is left, one by one: a block may grow by one neighbour a turn.
    while len(target) < 0.9 * before:
        before = len(target)
        target, other = _pool_neighbours(target, other)
    blocks: list[tuple[float, float]] = []
    for t, o in zip(target.tolist(), other.tolist(), strict=True):
        new = (t, o)
        while blocks and blocks[-1][0] * new[1] >= new[0] * blocks[-1][1]:
            last = blocks.pop()
            new = (new[0] + last[0], new[1] + last[1])
        blocks.append(new)
    pooled = np.array(blocks)
    return pooled[:, 0], pooled[:, 1]


def _pool_neighbours(target: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Pools each stretch over which the ratio does not rise: it ends in one block anyway."""
    rises = target[:-1] * other[1:] < target[1:] * other[:-1]
    starts = np.flatnonzero(np.append(True, rises))
    return np.add.reduceat(target, starts), np.add.reduceat(other, starts)
