"""Pictures of two bundles on the same trials."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation import plots
from training.evaluation.metrics import Trials
from training.evaluation.paired.trialsets import LIVENESS, VERIFICATION, ScoredSet

SIDES = ("candidate", "champion")
LABELS = {VERIFICATION: ("false match rate", "false non-match rate"), LIVENESS: ("APCER", "BPCER")}
NAMES = {VERIFICATION: ("one speaker", "two speakers"), LIVENESS: ("bona fide", "spoof")}
BINS = 40
# Cohorts that are drawn at most; the worst ones.
MOST_COHORTS = 24


def pictures(sets: Sequence[ScoredSet]) -> Iterator[tuple[str, Figure]]:
    """Draws every set of all recordings, and the differences of all cohorts; yields names with figures."""
    for each in sets:
        line = each.columns.get("channel", "native")
        if set(each.columns) <= {"channel"}:
            sides = dict(zip(SIDES, each.scores, strict=False))
            trials = {name: Trials.of(scores, each.targets) for name, scores in sides.items()}
            drawn = plots.det(trials, LABELS[each.task])
            drawn.axes[0].set_title(f"{each.task}, {line}: error trade-off", size=10, color=plots.TEXT, loc="left")
            yield f"{each.task}-{line}-det", drawn
            yield f"{each.task}-{line}-scores", scores_and_calibration(each)
    for task in (VERIFICATION, LIVENESS):
        compared = [each for each in sets if each.task == task and len(each.scores) > 1]
        if compared:
            yield f"{task}-cohorts", cohorts(compared)


def scores_and_calibration(trials: ScoredSet) -> Figure:
    """Draws the scores of both kinds of trials by bundle, and beside them stated against observed log odds."""
    sides = dict(zip(SIDES, trials.scores, strict=False))
    figure = Figure((4.4 * (len(sides) + 1), 3.6), layout="constrained")
    axes = figure.subplots(1, len(sides) + 1)
    edges = np.linspace(min(map(np.min, sides.values())), max(map(np.max, sides.values())) + 1e-6, BINS + 1)
    for each, (name, llr) in zip(axes, sides.items(), strict=False):
        for flags, kind, color in zip(
            (trials.targets, ~trials.targets), NAMES[trials.task], (plots.HUMAN, plots.SYNTHETIC), strict=True
        ):
            weights = np.full(int(flags.sum()), 1.0 / flags.sum())
            each.hist(llr[flags], edges, weights=weights, color=color, alpha=0.55, label=kind)
        plots.style(each, f"scores of the {name}", "LLR", "share of the trials")
        each.legend(fontsize=8, frameon=False)
    _calibration(axes[-1], trials)
    return figure


def _calibration(axes: Axes, trials: ScoredSet) -> None:
    looks = ((plots.HUMAN, 4, 1.2), (plots.OTHER, 8, 3.0))  # whichever is below can be seen around the other
    for name, llr, (color, size, width) in zip(SIDES, trials.scores, looks, strict=False):
        said, found = plots.reliability(llr, trials.targets)
        axes.plot(said, found, color=color, marker="o", ms=size, lw=width, label=name, zorder=3 - width / 10)
    limits = axes.get_xlim()
    axes.plot(limits, limits, color=plots.LINE, lw=1.5, zorder=0, label="calibrated")
    plots.style(axes, "empirical log odds, tenths of the trials", "mean LLR said", "log ratio of the kinds' shares")
    axes.legend(fontsize=8, frameon=False)


def cohorts(sets: Sequence[ScoredSet]) -> Figure:
    """Draws the EER of both bundles in every cohort, those first in which the candidate loses most."""
    ordered = sorted(sets, key=lambda each: -each.result["figures"]["eer"]["difference"])[:MOST_COHORTS][::-1]
    figure = Figure((7.6, 0.28 * len(ordered) + 1.4), layout="constrained")
    axes = figure.add_subplot()
    rows = np.arange(len(ordered))
    for name, color, marker in zip(SIDES, (plots.HUMAN, plots.OTHER), ("o", "D"), strict=True):
        values = [100 * each.result["figures"]["eer"][name] for each in ordered]
        axes.plot(values, rows, marker=marker, ls="", ms=6, color=color, label=name, fillstyle="none", mew=1.6)
    lines = [[100 * each.result["figures"]["eer"][name] for name in SIDES] for each in ordered]
    axes.hlines(rows, [min(each) for each in lines], [max(each) for each in lines], color=plots.LINE, zorder=0, lw=3)
    axes.set_yticks(rows, [each.result["cohort"] or "all, native" for each in ordered])
    axes.margins(y=0.03)
    plots.style(axes, "EER by cohort; the candidate's largest losses on top", "EER, %", "")
    axes.legend(fontsize=8, frameon=False)
    return figure
