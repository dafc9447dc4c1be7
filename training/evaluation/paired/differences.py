"""Figures of two systems on the same trials, and of their difference: both are resampled together.

Trials share speakers and systems, so that those are drawn, as in `bootstrap`. What is hard or easy in a draw is so for
both systems and leaves the difference alone (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR
performance evaluation", ICASSP 2004).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from training.evaluation.metrics import Floats, Indices, Trials, cllr, eer, fnmr_at_fmr, min_cllr
from training.evaluation.spoof import apcer_at_bpcer

REPLICATES = 200
SEED = 1
# Of the fit of a line to scores of spread 1: steps, the bound of log odds, the least curvature, the flattest line, and
# the step from which on no further one matters.
NEWTON, CLIP, LEAST, FLATTEST, CLOSE = 20, 30.0, 1e-9, 0.02, 1e-4

type Measured = Mapping[str, float]


class Resampled(Protocol):
    """Trials of one system that can be counted as often as their units were drawn."""

    def weighted(self, drawn: Floats) -> Trials:
        """Returns the trials with each unit counting as often as drawn, shape (units,)."""


@dataclass(frozen=True, slots=True)
class UnitTrials:
    """Trials of which each belongs to one unit; make it by `of`.

    Attributes:
        trials: in the order of their scores.
        units: of each, by index, in the same order, shape (n,).
    """

    trials: Trials
    units: Indices

    @classmethod
    def of(cls, scores: Floats, targets: Any, units: Indices) -> Self:
        """Orders trials."""
        return cls(Trials.of(scores, targets), units[np.argsort(scores, kind="stable")])

    def weighted(self, drawn: Floats) -> Trials:
        """Returns the trials with each unit counting as often as drawn, shape (units,)."""
        return self.trials.reweighted(drawn[self.units])


@dataclass(frozen=True, slots=True)
class PairTrials:
    """Trials of which each belongs to two units; make it by `of`.

    Attributes:
        trials: in the order of their scores.
        first: unit of one side, by index, in the same order, shape (n,).
        second: of the other side.
    """

    trials: Trials
    first: Indices
    second: Indices

    @classmethod
    def of(cls, scores: Floats, units: tuple[Indices, Indices]) -> Self:
        """Orders trials; those of one unit on both sides are the targets."""
        order = np.argsort(scores, kind="stable")
        first, second = (each[order] for each in units)
        return cls(Trials.of(scores, units[0] == units[1]), first, second)

    def weighted(self, drawn: Floats) -> Trials:
        """Returns the trials with each unit counting as often as drawn, shape (units,)."""
        own = self.first == self.second
        return self.trials.reweighted(drawn[self.first] * np.where(own, 1.0, drawn[self.second]))


@dataclass(frozen=True, slots=True)
class ComparedSystem:
    """One of the systems.

    Attributes:
        trials: its scores.
        measure: its figures.
    """

    trials: Resampled
    measure: Callable[[Trials], Measured]


def verification_figures(trials: Trials) -> Measured:
    """Measures comparisons of speakers, of LLRs."""
    least, cost = min_cllr(trials), cllr(trials)
    return {
        "eer": eer(trials),
        "fnmr_at_fmr_1pct": fnmr_at_fmr(trials, 0.01),
        "cllr": cost,
        "min_cllr": least,
        "calibration_loss": cost - least,
    }


def calibration_figures(trials: Trials) -> Measured:
    """Fits the line by which LLRs would be calibrated, and returns how it differs from the LLRs themselves.

    The line is that of logistic regression (Brümmer and du Preez 2006). Unlike a cost it hardly depends on the few
    trials that are almost wrong. The slope is below 0, as a logarithm, where LLRs say too much, and the offset, in
    nats, above 0 where they are too high. Both are exact for a system whose LLRs are a line of the other's.
    """
    slope, offset = _line(trials)
    return {"calibration_slope": float(np.log(slope)), "calibration_offset": -offset / slope}


def liveness_figures(spoof_below: float) -> Callable[[Trials], Measured]:
    """Measures detection of synthetic speech, of LLRs, of which those below the threshold are called spoof."""

    def measure(trials: Trials) -> Measured:
        least, cost = min_cllr(trials), cllr(trials)
        human, synthetic = trials.weights * trials.targets, trials.weights * ~trials.targets
        called = trials.scores < spoof_below
        return {
            "eer": eer(trials),
            "apcer_at_bpcer_5pct": apcer_at_bpcer(trials),
            "bpcer": float(human @ called / human.sum()),
            "apcer": float(synthetic @ ~called / synthetic.sum()),
            "cllr": cost,
            "min_cllr": least,
            "calibration_loss": cost - least,
            **calibration_figures(trials),
        }

    return measure


def differences(
    systems: Sequence[ComparedSystem],
    draws: Callable[[np.random.Generator], Floats],
    units: int,
    replicates: int = REPLICATES,
) -> Mapping[str, Mapping[str, Any]]:
    """Returns the figures of the first system, of the second if there is one, and of their difference.

    Args:
        systems: the candidate and, perhaps, the champion, on the same trials.
        draws: how often each unit counts in a resample, shape (units,).
        units: how many there are.
        replicates: how many resamples are drawn.
    """
    whole = [each.measure(each.trials.weighted(np.ones(units))) for each in systems]
    rows = list(_resampled(systems, draws, replicates))
    return {name: _figure([each[name] for each in whole], np.array([row[name] for row in rows])) for name in whole[0]}


def _resampled(
    systems: Sequence[ComparedSystem], draws: Callable[[np.random.Generator], Floats], replicates: int
) -> Iterator[Mapping[str, list[float]]]:
    generator = np.random.default_rng(SEED)
    for _ in range(replicates):
        drawn = draws(generator)
        weighted = {id(each): each.trials.weighted(drawn) for each in systems}
        if all(_complete(each) for each in weighted.values()):
            # A system that is compared with itself is measured once.
            found = {
                id(each): each.measure(weighted[id(each)]) for each in {id(each): each for each in systems}.values()
            }
            yield {name: [found[id(each)][name] for each in systems] for name in found[id(systems[0])]}


def _line(trials: Trials) -> tuple[float, float]:
    """Returns slope and offset by Newton's method, of both kinds of trials at equal shares.

    Trials that are separated have no best line. So none is taken to be sure: of n trials of one kind one more is
    counted as of the other (Platt, "Probabilistic outputs for support vector machines", 1999).
    """
    counts = [float(trials.weights @ each) for each in (trials.targets, ~trials.targets)]
    sides = [
        trials.weights * each / count for each, count in zip((trials.targets, ~trials.targets), counts, strict=True)
    ]
    weights = (sides[0] + sides[1]) / 2
    known = np.where(trials.targets, (counts[0] + 1) / (counts[0] + 2), 1 / (counts[1] + 2))
    center = float(weights @ trials.scores)
    spread = float(np.sqrt(weights @ (trials.scores - center) ** 2)) or 1.0
    terms = np.stack([(trials.scores - center) / spread, np.ones(len(known))])
    line = np.array([1.0, 0.0])
    for _ in range(NEWTON):
        said = 1.0 / (1.0 + np.exp(-np.clip(line @ terms, -CLIP, CLIP)))
        gradient = terms @ (weights * (said - known))
        curvature = (terms * (weights * said * (1.0 - said))) @ terms.T + LEAST * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        line = line - step
        if np.abs(step).max() < CLOSE:
            break
    slope = max(float(line[0]), FLATTEST) / spread
    return slope, float(line[1]) - slope * center


def _complete(trials: Trials) -> bool:
    return bool(trials.weights[trials.targets].any() and trials.weights[~trials.targets].any())


def _figure(whole: Sequence[float], rows: Floats) -> Mapping[str, Any]:
    """Sums one figure up; `rows` has a column for each system, shape (replicates, systems)."""
    low, high = np.quantile(rows[:, 0], [0.025, 0.975])
    alone = {"candidate": whole[0], "interval": [float(low), float(high)]}
    if len(whole) == 1:
        return {**alone, "champion": None}
    spread = float(np.std(rows[:, 0] - rows[:, 1], ddof=1))
    return {**alone, "champion": whole[1], "difference": whole[0] - whole[1], "standard_error": spread}
