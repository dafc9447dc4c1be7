"""Times of the states of a run: lines while it runs, and a picture afterwards."""

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import matplotlib as mpl

from training.pipeline.progress import duration

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

COLORS = {"done": "#2b7a4b", "failed": "#b3372f", "waiting": "#b9b9b9"}
MEANINGS = {"done": "task done", "failed": "task failed", "waiting": "waits for the promotion"}


@dataclass
class Span:
    """One task.

    Attributes:
        name: of its state, with the number of the shard.
        begun: seconds since the run began.
        ended: likewise; None while it goes on.
        outcome: done, failed, or waiting for a person.
    """

    name: str
    begun: float
    ended: float | None = None
    outcome: str = "done"


@dataclass
class Timeline:
    """Collects tasks; threads may share it.

    Attributes:
        stream: where lines go.
        spans: in the order in which they began.
        acts: of people, with the seconds at which they were.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    spans: list[Span] = field(default_factory=list)
    acts: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Starts the clock."""
        self._lock = threading.Lock()
        self._origin = time.monotonic()

    def began(self, name: str) -> None:
        """Notes that a task began; repeated polls are one span."""
        with self._lock:
            if not self._polled(name):
                self.spans.append(Span(name, self._now()))
                self._line(f"{name}: runs")

    def ended(self, name: str, outcome: str) -> None:
        """Notes that a task ended."""
        with self._lock:
            span = next(each for each in reversed(self.spans) if each.name == name)
            first = span.ended is None
            span.ended, span.outcome = self._now(), outcome
            if (first and outcome == "done") or outcome == "failed":
                self._line(f"{name}: {outcome} in {duration(span.ended - span.begun)}")

    def acted(self, what: str) -> None:
        """Notes what a person did."""
        self.acts.append((self._now(), what))
        self._line(what)

    def finished(self, what: str) -> None:
        """Shows the end of the run."""
        self._line(what)

    def draw(self, path: Path, title: str) -> None:
        """Writes a picture: a bar for each task, from its begin to its end, and a line for what a person did."""
        figure, axes = plt.subplots(figsize=(11, 1.6 + 0.3 * len(self.spans)), layout="constrained")
        end = max(each.ended or self._now() for each in self.spans)
        for row, each in enumerate(self.spans):
            took = (each.ended or end) - each.begun
            axes.barh(row, max(took, end / 400), left=each.begun, color=COLORS[each.outcome], height=0.7, zorder=2)
            axes.text(each.begun + took + end / 150, row, duration(took), va="center", fontsize=8, color="#444444")
        axes.set_yticks(range(len(self.spans)), [each.name for each in self.spans], fontsize=9)
        axes.set_ylim(len(self.spans) - 0.3, -0.9)
        axes.set_xlim(0, end * 1.08)
        self._acts(axes)
        axes.set_xlabel("seconds since the run began")
        axes.set_title(title, fontsize=11, loc="left")
        outcomes = [name for name in COLORS if any(each.outcome == name for each in self.spans)]
        handles = [Rectangle((0, 0), 1, 1, color=COLORS[name]) for name in outcomes]
        axes.legend(handles, [MEANINGS[name] for name in outcomes], loc="lower left", fontsize=8, frameon=False)
        axes.grid(axis="x", color="#e6e6e6", zorder=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
        plt.close(figure)

    def _acts(self, axes: Axes) -> None:
        for seconds, what in self.acts:
            axes.axvline(seconds, color="#555555", lw=1, ls=":", zorder=1)
            axes.text(seconds, -0.75, f"{what} ", fontsize=8, va="center", ha="right", color="#333333")

    def _polled(self, name: str) -> bool:
        return bool(self.spans) and self.spans[-1].name == name and self.spans[-1].outcome != "failed"

    def _now(self) -> float:
        return time.monotonic() - self._origin

    def _line(self, text: str) -> None:
        self.stream.write(f"{duration(self._now()):>8}  {text}\n")
        self.stream.flush()
