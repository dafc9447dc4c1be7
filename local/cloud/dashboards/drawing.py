"""Draws a dashboard of CloudWatch as an image."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from local.cloud.alarms.alarm import AlarmState
from local.cloud.clock import MINUTE
from local.cloud.dashboards.dashboard import GraphLine, Widget
from local.cloud.metrics.store import MetricStore

COLUMNS = 24
# Inches of a column, of a row, and between two widgets.
COLUMN, ROW, GAP = 0.62, 0.5, 0.12
# Characters of a title per inch.
CHARACTERS = 11
# Suffix that CDK appends to the logical ids of alarms without a name.
SUFFIX = re.compile(r"[0-9A-F]{8}$")
STATES = {AlarmState.OK: "#2e7d32", AlarmState.ALARM: "#c62828", AlarmState.INSUFFICIENT_DATA: "#9e9e9e"}
PALETTE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#17becf", "#7f7f7f")
GRID, TEXT = "#e3e6ea", "#24292f"


@dataclass(frozen=True, slots=True)
class DashboardView:
    """The data of a drawing: metrics, time range and alarm states.

    Attributes:
        title: heading of the image.
        store: metrics.
        start: begin of the range, in seconds.
        end: end of the range.
        states: states of alarms by their names.
        marks: labels of marked times, in all graphs.
    """

    title: str
    store: MetricStore
    start: int
    end: int
    states: Mapping[str, AlarmState]
    marks: Mapping[int, str]


def draw(widgets: Sequence[Widget], view: DashboardView, path: Path) -> None:
    """Writes a dashboard as PNG.

    Raises:
        NotImplementedError: a widget's kind is not supported.
    """
    rows = max(widget.place[1] + widget.place[3] for widget in widgets)
    size = (COLUMNS * COLUMN, (rows + 2) * ROW)
    figure = Figure(size, facecolor="white")
    figure.text(GAP / size[0], 1 - 0.5 * ROW / size[1], view.title, size=13, weight="bold", color=TEXT, va="center")
    for widget in widgets:
        _draw(figure.add_axes(_place(widget, rows + 2)), widget, view)
    figure.savefig(path)


def _place(widget: Widget, rows: int) -> tuple[float, float, float, float]:
    """Returns left, bottom, width and height of the drawing area as fractions of the image."""
    left, top, width, height = widget.place
    margins = {"metric": (0.5, 0.52, 0.5, 0.42), "text": (0.1, 0.05, 0.1, 0.05)}
    west, south, east, north = margins.get(widget.kind, (0.1, 0.1, 0.1, 0.32))
    wide, high = COLUMNS * COLUMN, rows * ROW
    return (
        (left * COLUMN + west) / wide,
        (high - (top + height + 1) * ROW + south) / high,
        (width * COLUMN - west - east - GAP) / wide,
        (height * ROW - south - north - GAP) / high,
    )


def _draw(axes: Axes, widget: Widget, view: DashboardView) -> None:
    kinds = {"text": _text, "alarm": _alarms, "metric": _metric}
    if widget.kind not in kinds:
        raise NotImplementedError(f"a widget of type {widget.kind}")
    if widget.title:
        title = textwrap.fill(
            widget.title, round(widget.place[2] * COLUMN * CHARACTERS), max_lines=2, placeholder=" ..."
        )
        axes.set_title(title, size=8.5, weight="bold", color=TEXT, loc="left", pad=4)
    kinds[widget.kind](axes, widget, view)


def _metric(axes: Axes, widget: Widget, view: DashboardView) -> None:
    lines = widget.lines(view.store, view.start, view.end)
    kind = widget.properties.get("view", "timeSeries")
    if kind == "singleValue":
        _numbers(axes, lines)
    elif kind == "timeSeries":
        _graph(axes, widget, lines, view)
    else:
        raise NotImplementedError(f"a graph of view {kind}")


def _graph(axes: Axes, widget: Widget, lines: Sequence[GraphLine], view: DashboardView) -> None:
    right = axes.twinx() if any(line.right for line in lines) else axes
    stacked = bool(widget.properties.get("stacked"))
    floor: dict[int, float] = {}
    for i, line in enumerate(lines):
        color = line.color or PALETTE[i % len(PALETTE)]
        times = sorted(line.points)
        values = [line.points[time] + (floor.get(time, 0.0) if stacked else 0.0) for time in times]
        minutes = [(time - view.start) / MINUTE + 0.5 for time in times]
        (right if line.right else axes).plot(minutes, values, color=color, lw=1.6, marker=".", ms=4, label=line.label)
        if stacked:
            axes.fill_between(minutes, [floor.get(time, 0.0) for time in times], values, color=color, alpha=0.35, lw=0)
            floor |= dict(zip(times, values, strict=True))
    _annotate(axes, widget, view)
    _style(axes, right, widget, view)


def _annotate(axes: Axes, widget: Widget, view: DashboardView) -> None:
    for each in widget.properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(each["value"], color=each.get("color", "#d62728"), lw=1, ls="--")
        if label := each.get("label"):
            axes.annotate(
                label, (0.99, each["value"]), xycoords=("axes fraction", "data"), size=6.5, ha="right", va="bottom"
            )
    for time, name in view.marks.items():
        minute = (time - view.start) / MINUTE
        axes.axvline(minute, color="#57606a", lw=0.9, ls=":")
        axes.annotate(
            name, (minute, 0.98), xycoords=("data", "axes fraction"), size=6, rotation=90, va="top", ha="right"
        )


def _style(axes: Axes, right: Axes, widget: Widget, view: DashboardView) -> None:
    for side, name in ((axes, "left"), (right, "right")):
        limits = widget.properties.get("yAxis", {}).get(name, {})
        if side is axes or right is not axes:
            _limit(side, limits)
            side.tick_params(labelsize=6.5, length=2, color=GRID, labelcolor="#57606a")
            side.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.set_xlim(0, (view.end - view.start) / MINUTE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=GRID, lw=0.6)
    handles = [handle for side in dict.fromkeys((axes, right)) for handle in side.get_legend_handles_labels()[0]]
    if handles:
        labels = [str(handle.get_label()) for handle in handles]
        axes.legend(
            handles,
            labels,
            fontsize=6.5,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.1),
            ncol=2 if max(map(len, labels)) > 15 else 3,
            frameon=False,
        )


def _limit(axes: Axes, limits: Mapping[str, float]) -> None:
    """Starts the axis at 0 unless that would flatten the lines."""
    values = [float(value) for line in axes.get_lines() for value in np.atleast_1d(line.get_ydata())]
    lowest, highest = min(values, default=0.0), max(values, default=1.0)
    if 0 <= lowest <= highest / 2 or highest == 0:
        axes.set_ylim(min(0.0, lowest), (highest or 1.0) * 1.08)
    axes.set_ylim(limits.get("min"), limits.get("max"))


def _numbers(axes: Axes, lines: Sequence[GraphLine]) -> None:
    """Draws the latest value of each line as a number."""
    axes.set_axis_off()
    for i, line in enumerate(lines):
        place = (i + 0.5) / len(lines)
        value = line.points[max(line.points)] if line.points else None
        text = "--" if value is None else f"{value:,.4g}"
        axes.text(place, 0.6, text, size=17, weight="bold", color=line.color or TEXT, ha="center", va="center")
        axes.text(place, 0.1, line.label, size=7, color="#57606a", ha="center", va="center")


def _alarms(axes: Axes, widget: Widget, view: DashboardView) -> None:
    """Draws each alarm as a box in the color of its state."""
    names = [each.rpartition(":")[2] for each in widget.properties["alarms"]]
    columns = max(1, round(widget.place[2] / 6))
    rows = -(-len(names) // columns)
    axes.set_axis_off()
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    for i, name in enumerate(names):
        x, y = i % columns, i // columns
        color = STATES[view.states.get(name, AlarmState.INSUFFICIENT_DATA)]
        axes.add_patch(Rectangle((x + 0.02, y + 0.06), 0.96, 0.88, color=color, lw=0))
        axes.text(
            x + 0.5, y + 0.5, SUFFIX.sub("", name), size=6.5, color="white", ha="center", va="center", clip_on=True
        )


def _text(axes: Axes, widget: Widget, _view: DashboardView) -> None:
    axes.set_axis_off()
    first, *rest = str(widget.properties["markdown"]).strip().splitlines()
    axes.text(0, 1, first.lstrip("# "), size=11 if first.startswith("#") else 8, weight="bold", color=TEXT, va="top")
    axes.text(0, 0.55, "\n".join(rest).strip(), size=7.5, color=TEXT, va="top", wrap=True)
