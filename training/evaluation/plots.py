"""Draws the training of a detector and the quality of its scores."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bonafide.biometrics.decision import Decision
from training.evaluation.metrics import Floats, Roc, Trials, eer

HUMAN, SYNTHETIC, OTHER, LINE, TEXT = "#1f77b4", "#d62728", "#ff7f0e", "#e3e6ea", "#24292f"
PALETTE = (HUMAN, OTHER, "#2ca02c", "#9467bd")
MIX = {
    Decision.ACCEPT: "#2e7d32",
    Decision.STEP_UP: "#f9a825",
    Decision.REJECT: "#c62828",
    Decision.INCONCLUSIVE: "#9e9e9e",
}
TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.95)
# Rates that are nearer to 0 or 1 are drawn here.
RAREST = 0.0005
BINS = 30


def curves(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Draws a training: every series but `step` on axes of its own.

    Args:
        rows: of one step each; a series need not have a value at every step.
    """
    names = list(dict.fromkeys(name for row in rows for name in row if name != "step"))
    columns = min(3, len(names))
    figure = Figure((3.6 * columns, 2.7 * -(-len(names) // columns)), layout="constrained")
    for number, name in enumerate(names, start=1):
        axes = figure.add_subplot(-(-len(names) // columns), columns, number)
        known = [(row["step"], row[name]) for row in rows if name in row]
        axes.plot(*zip(*known, strict=True), color=HUMAN, marker=".", ms=4, lw=1.5)
        style(axes, name.replace("_", " "), "step", "")
    return figure


def det(trials: Mapping[str, Trials], labels: tuple[str, str]) -> Figure:
    """Draws a detection error trade-off on axes of probits, where normally distributed scores give straight lines.

    Args:
        trials: by name.
        labels: of the error on either axis.
    """
    figure = Figure((5.2, 5.0), layout="constrained")
    axes = figure.add_subplot()
    for color, (name, each) in zip(PALETTE, trials.items(), strict=False):
        roc, rate = Roc.of(each), eer(each)
        axes.step(probit(roc.fmr), probit(roc.fnmr), color=color, lw=1.6, label=f"{name}: EER {rate:.1%}", where="post")
        axes.plot(probit(np.array([rate])), probit(np.array([rate])), color=color, marker="o", ms=5)
    places = probit(np.array(TICKS))
    names = [f"{100 * tick:g}" for tick in TICKS]
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set(xlim=(places[0], places[-1]), ylim=(places[0], places[-1]), aspect="equal")
    axes.plot(places, places, color=LINE, lw=1, zorder=0)
    style(axes, "detection error trade-off", f"{labels[0]}, %", f"{labels[1]}, %")
    axes.legend(fontsize=8, frameon=False, loc="upper right")
    return figure


def calibration(llr: Floats, human: NDArray[np.bool_], thresholds: tuple[float, float]) -> Figure:
    """Draws the scores of both classes with the thresholds, and beside them stated against observed log odds."""
    figure = Figure((9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(llr.min(), llr.max() + 1e-6, BINS + 1)
    for flag, name, color in ((human, "bona fide", HUMAN), (~human, "spoof", SYNTHETIC)):
        weights = np.full(int(flag.sum()), 1.0 / flag.sum())
        left.hist(llr[flag], edges, weights=weights, color=color, alpha=0.55, label=name)
    for threshold in thresholds:
        left.axvline(threshold, color=TEXT, lw=1, ls="--")
    style(left, "scores; between the lines: uncertain", "LLR", "share of the class")
    left.legend(fontsize=8, frameon=False)
    said, found = reliability(llr, human)
    limits = (float(min(said.min(), found.min())), float(max(said.max(), found.max())))
    right.plot(limits, limits, color=LINE, lw=1.5, label="calibrated")
    right.plot(said, found, color=HUMAN, marker="o", ms=4, lw=1.2, label="tenths of the recordings")
    style(right, "empirical log odds", "mean LLR said", "log ratio of the classes' shares")
    right.legend(fontsize=8, frameon=False)
    return figure


def decisions(mixes: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draws the decisions on each kind of claim, as bars."""
    figure = Figure((7.0, 0.5 * len(mixes) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    names = list(mixes)[::-1]
    start = np.zeros(len(names))
    for decision, color in MIX.items():
        shares = np.array([mixes[name][decision] for name in names])
        axes.barh(names, shares, left=start, color=color, label=decision)
        start += shares
    axes.set_xlim(0, 1)
    style(axes, "", "share of claims", "")
    axes.legend(fontsize=8, frameon=False, ncol=len(MIX), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def reliability(llr: Floats, human: NDArray[np.bool_], groups: int = 10) -> tuple[Floats, Floats]:
    """Returns means of LLRs in groups of equal size, and log ratios of both classes' shares, shape (groups,).

    Half a recording is added to either class (Krichevsky and Trofimov 1981): a group without one is no proof.
    """
    parts = np.array_split(np.argsort(llr, kind="stable"), min(groups, len(llr)))
    counted = np.array([[human[part].sum(), (~human[part]).sum()] for part in parts]) + 0.5
    shares = counted / counted.sum(0)
    return np.array([llr[part].mean() for part in parts]), np.log(shares[:, 0] / shares[:, 1])


def probit(rates: Floats) -> Floats:
    """Returns quantiles of the normal distribution; rates too near 0 or 1 to be drawn are brought in."""
    normal = NormalDist()
    return np.array([normal.inv_cdf(float(rate)) for rate in np.clip(rates, RAREST, 1.0 - RAREST)])


def png(figure: Figure) -> bytes:
    """Returns the picture as a file, without the time at which it was drawn."""
    file = BytesIO()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file.getvalue()


def style(axes: Axes, title: str, x: str, y: str) -> None:
    """Gives axes their titles, and the looks that all pictures share."""
    axes.set_title(title, size=10, color=TEXT, loc="left")
    axes.set_xlabel(x, size=8.5)
    axes.set_ylabel(y, size=8.5)
    axes.tick_params(labelsize=8, color=LINE)
    axes.grid(color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left", "bottom"]].set_color(LINE)
