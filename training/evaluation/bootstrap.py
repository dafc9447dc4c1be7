"""95 % confidence intervals by resampling what trials share: speakers, systems, recordings.

Trials that share a speaker or a system are not independent, so that those are drawn with replacement, and not trials.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from training.evaluation.metrics import Floats, Indices, Trials
from training.parallel import progress

REPLICATES = 400
SEED = 1

type Interval = tuple[float, float]
type Measures = Mapping[str, Callable[[Trials], float]]


def intervals[T](
    draw: Callable[[np.random.Generator], T | None],
    measure: Callable[[T], Mapping[str, float]],
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Mapping[str, Interval]:
    """Returns the interval of every figure, between its quantiles of 2.5 and 97.5 %.

    Args:
        draw: makes a resample; None where it lacks a kind of trial, which leaves it out.
        measure: figures of a resample, by name.
        replicates: how many resamples are drawn.
        seed: of the drawing.
    """
    generator = np.random.default_rng(seed)
    drawn = (draw(generator) for _ in progress("resampling", range(replicates), replicates))
    rows = [measure(each) for each in drawn if each is not None]
    limits = {name: np.quantile([row[name] for row in rows], [0.025, 0.975]) for name in rows[0]}
    return {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def measured(measures: Measures, trials: Trials) -> Mapping[str, float]:
    """Applies every measure."""
    return {name: measure(trials) for name, measure in measures.items()}


def speaker_intervals(
    trials: Trials,
    speakers: tuple[Indices, Indices],
    measures: Measures,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Mapping[str, Interval | None]:
    """Resamples the speakers of both sides; None where there are too few of them: see `can_resample`.

    Args:
        trials: in the order of their scores.
        speakers: of both sides of each trial, in the same order, as indices from 0, shape (n,) each.
        measures: what to measure, by name.
        replicates: how many resamples are drawn.
        seed: of the drawing.
    """
    count = 1 + int(max(each.max() for each in speakers))
    if not can_resample(speakers[0][trials.targets], count):
        return dict.fromkeys(measures)
    runs = Runs.of(trials, speakers, count)

    def draw(generator: np.random.Generator) -> Trials | None:
        drawn = np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)
        resampled = runs.weighted(drawn)
        both = resampled.weights[resampled.targets].any() and resampled.weights[~resampled.targets].any()
        return resampled if both else None

    return intervals(draw, lambda resampled: measured(measures, resampled), replicates, seed)


def can_resample(genuine: Indices, speakers: int) -> bool:
    """Tells whether drawing speakers shows how figures vary: each kind of trials must be able to come out otherwise.

    Of two speakers every draw with an impostor in it is the same, and of one speaker's own trials none can be more
    frequent than another. An interval of no width would look like certainty.

    Args:
        genuine: speakers of the targets, by index, shape (targets,).
        speakers: how many there are in all trials.
    """
    return speakers > 2 and bool(np.ptp(genuine) > 0)


@dataclass(frozen=True, slots=True)
class Runs:
    """Trials grouped for fast resampling: a run is trials of one kind with neighboring scores, and becomes one trial.

    A run gets the sum of the weights and the weighted mean penalty of its trials. Every measure above stays the same,
    however the trials are weighted, since only one error rate changes along a run.

    Attributes:
        pooled: one trial for each run, shape (runs,) each; `weighted` sets their weights and penalties.
        starts: index of each run's first trial in the two columns below, shape (runs,).
        pairs: speakers of both sides, as an index into the flattened table of all pairs, shape (n,); the second side
            of a target trial is an added speaker who is always drawn once.
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
        """Returns the runs with each speaker counting as often as drawn, shape (speakers,)."""
        counts = np.append(drawn, 1.0)
        weights = np.outer(counts, counts).ravel()[self.pairs]
        total = np.add.reduceat(weights, self.starts)
        weights *= self.penalties  # in place: memory is what takes the time
        cost = np.add.reduceat(weights, self.starts)
        return replace(self.pooled, weights=total, penalties=cost / np.where(total > 0, total, 1.0))


def _runs(trials: Trials) -> Indices:
    """Returns the index of each trial's run, shape (n,): neighboring scores of one kind, or one score of both kinds."""
    sizes = np.diff(trials.last, prepend=-1)
    targets = np.diff(np.cumsum(trials.targets)[trials.last], prepend=0)
    kind = (targets > 0).astype(np.int8) - (targets < sizes)
    starts = np.append(False, (np.diff(kind) != 0) | (kind[1:] == 0))
    return np.repeat(np.cumsum(starts), sizes)
