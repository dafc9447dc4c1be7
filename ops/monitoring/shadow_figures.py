"""Pictures of the page on the shadow."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ops.monitoring.page import GRID, plain
from ops.monitoring.shadow_results import SIDES, Result, cohorts, flips_among, is_flip, is_session

CHAMPION, CHALLENGER, FLIP, LINE = "#8c959f", "#1f77b4", "#d62728", "#57606a"
VOICE, LIVENESS = "speaker_llr", "liveness_llr"
SCORES = {
    VOICE: ("Voice", "LLR: above 0 speaks for the claimed speaker"),
    LIVENESS: ("Liveness", "LLR: above 0 speaks for a human voice"),
}
BINS = 30


def score_figure(results: Sequence[Result]) -> Figure:
    """Draws how the scores of both are distributed, and each call's scores against each other."""
    figure = Figure((11, 7.4), layout="constrained")
    axes = figure.subplots(2, 2)
    for place, name in enumerate(SCORES):
        _histogram(axes[0][place], results, name)
        _pairs(axes[1][place], results, name)
    axes[0][0].legend(fontsize=8, frameon=False)
    axes[1][0].legend(fontsize=8, frameon=False, loc="upper left")
    return figure


def cohort_figure(results: Sequence[Result]) -> Figure:
    """Draws the share of flips in each cohort with its interval."""
    found = [(name, flips_among(of)) for name, of in cohorts(results)][::-1]
    shown = [(name, each) for name, each in found if each[1]]
    figure = Figure((11, 0.9 + 0.33 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for place, (_, (flips, calls, low, high)) in enumerate(shown):
        share = flips / calls
        axes.errorbar(
            share,
            place,
            xerr=[[max(share - low, 0)], [max(high - share, 0)]],
            fmt="o",
            color=CHALLENGER,
            ecolor=CHAMPION,
            capsize=3,
        )
    axes.set_yticks(range(len(shown)), [f"{name} ({calls})" for name, (_, calls, *_) in shown])
    plain(axes, "Share of calls that the challenger would have decided differently", "share, with 95 % interval")
    axes.grid(axis="x", color=GRID)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    return figure


def time_figure(results: Sequence[Result]) -> Figure:
    """Draws the time that the models of both took for one recording."""
    figure = Figure((11, 2.6), layout="constrained")
    axes = figure.subplots()
    _bars(axes, {side: times(results, side) for side in SIDES})
    plain(axes, "Time that the models took for one recording", "milliseconds: lower is faster", "recordings")
    axes.legend(fontsize=8, frameon=False)
    return figure


def times(results: Sequence[Result], side: str) -> list[float]:
    """Returns the times of one side for recordings, ms; of a session that of the champion is not known."""
    return [value for each in results if not is_session(each) and (value := each[side]["milliseconds"]) is not None]


def scores_of_both(results: Sequence[Result], name: str) -> list[tuple[float, float, bool]]:
    """Returns a score of champion and challenger for each call that has both, and whether the call is a flip."""
    pairs = [(*(each[side][name] for side in SIDES), is_flip(each)) for each in results]
    return [each for each in pairs if None not in each]


def _histogram(axes: Axes, results: Sequence[Result], name: str) -> None:
    title, meaning = SCORES[name]
    _bars(axes, {side: [each[side][name] for each in results if each[side][name] is not None] for side in SIDES})
    axes.axvline(0, color=LINE, lw=0.8, ls="--")
    plain(axes, f"{title}: scores of all calls", meaning, "calls")


def _bars(axes: Axes, values: dict[str, list[float]]) -> None:
    together = list(chain.from_iterable(values.values()))
    if not together:
        return
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    bins = list(np.linspace(min(together), max(together) + 1e-9, BINS + 1))
    for side, kind, color in zip(SIDES, ("stepfilled", "step"), (CHAMPION, CHALLENGER), strict=True):
        label = f"{side} ({len(values[side])})"
        axes.hist(values[side], bins, color=color, histtype=kind, lw=1.6, label=label)  # type: ignore[arg-type]


def _pairs(axes: Axes, results: Sequence[Result], name: str) -> None:
    title, meaning = SCORES[name]
    found = scores_of_both(results, name)
    for flipped, color, label in ((False, CHALLENGER, "same decision"), (True, FLIP, "flip: another decision")):
        places = np.array([each[:2] for each in found if each[2] is flipped]).reshape(-1, 2)
        axes.scatter(places[:, 0], places[:, 1], s=12, color=color, alpha=0.7, label=f"{label} ({len(places)})")
    axes.axline((0, 0), slope=1, color=LINE, lw=0.8, ls="--")
    plain(
        axes,
        f"{title}: one point a call; on the dashed line both scored alike",
        f"champion's {meaning}",
        "challenger's LLR",
    )
