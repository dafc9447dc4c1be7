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
from matplotlib.patches import Rectangle

COLORS = {"done": "#2b7a4b", "failed": "#b3372f", "waiting": "#8a8a8a"}


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
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    spans: list[Span] = field(default_factory=list)

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
            if first or outcome == "failed":
                self._line(f"{name}: {outcome} in {duration(span.ended - span.begun)}")

    def finished(self, what: str) -> None:
        """Shows the end of the run."""
        self._line(what)

    def draw(self, path: Path, title: str) -> None:
        """Writes a picture: a bar for each task, from its begin to its end."""
        figure, axes = plt.subplots(figsize=(11, 1.4 + 0.3 * len(self.spans)))
        end = max(each.ended or self._now() for each in self.spans)
        for row, each in enumerate(self.spans):
            took = (each.ended or end) - each.begun
            axes.barh(row, max(took, end / 400), left=each.begun, color=COLORS[each.outcome], height=0.7)
            axes.text(each.begun + took + end / 150, row, duration(took), va="center", fontsize=8)
        axes.set_yticks(range(len(self.spans)), [each.name for each in self.spans], fontsize=9)
        axes.invert_yaxis()
        axes.set_xlim(0, end * 1.1)
        axes.set_xlabel("seconds since the run began")
        axes.set_title(title, fontsize=11, loc="left")
        handles = [Rectangle((0, 0), 1, 1, color=COLORS[name]) for name in self._outcomes()]
        axes.legend(handles, self._outcomes(), loc="lower left", fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
        plt.close(figure)

    def _outcomes(self) -> list[str]:
        return [name for name in COLORS if any(each.outcome == name for each in self.spans)]

    def _polled(self, name: str) -> bool:
        return bool(self.spans) and self.spans[-1].name == name and self.spans[-1].outcome == "done"

    def _now(self) -> float:
        return time.monotonic() - self._origin

    def _line(self, text: str) -> None:
        self.stream.write(f"{duration(self._now()):>8}  {text}\n")
        self.stream.flush()
