"""Shows how far a run is: a bar on a terminal, a line for each stage in a log."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from training.pipeline.state import StageRecord, StageState

WIDTH = 24
DRAW_SECONDS = 0.5


type Span = tuple[float, float]


@dataclass
class ProgressView:
    """Writes the progress of a run to a stream.

    Attributes:
        stream: where to.
        names: of the stages of the run, in order.
        running: begin, by the monotonic clock, and label of each stage that runs, by name.
        expected: begin and end of each stage the last time, in seconds, by name; those that are behind are dropped.
        ended: count of stages that ended or need not run.
        drawn: when the bar was drawn last, by the monotonic clock.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    names: Sequence[str] = ()
    running: dict[str, tuple[float, str]] = field(default_factory=dict)
    expected: dict[str, Span] = field(default_factory=dict)
    ended: int = 0
    drawn: float = 0.0

    def begin(self, names: Sequence[str], last: Mapping[str, Span]) -> None:
        """Takes the stages of a run, and the times of the last run for an estimate."""
        self.names, self.expected = names, dict(last)

    def started(self, name: str, shard: int | None = None, shards: int | None = None) -> None:
        """Shows that a stage, or a shard of it, begins."""
        label = name if shard is None else f"{name} {shard + 1}/{shards}"
        begun, _ = self.running.get(name, (time.monotonic(), label))
        self.running[name] = begun, label
        if self.stream.isatty():
            self.drawn = 0.0
            self.draw()
        else:
            self._line(name, label, f"runs{self._remaining()}")

    def draw(self) -> None:
        """Draws the bar again, on a terminal only, and not too often."""
        now = time.monotonic()
        if self.stream.isatty() and now - self.drawn > DRAW_SECONDS:
            self.drawn = now
            full = WIDTH * self.ended // len(self.names)
            bar = "#" * full + "-" * (WIDTH - full)
            labels = ", ".join(f"{label} {duration(now - begun)}" for begun, label in self.running.values())
            self.stream.write(f"\r\x1b[K[{bar}] {self.ended}/{len(self.names)} {labels}{self._remaining()}")
            self.stream.flush()

    def done(self, name: str, seconds: float) -> None:
        """Shows that a stage succeeded."""
        self._ended(name, f"done in {duration(seconds)}")

    def skipped(self, name: str) -> None:
        """Shows that a stage need not run."""
        self._ended(name, "unchanged")

    def finished(self) -> None:
        """Shows the end of the run."""
        self.stream.write(f"all {len(self.names)} stages are done\n")

    def _ended(self, name: str, what: str) -> None:
        self.running.pop(name, None)
        self.expected.pop(name, None)
        self.ended += 1
        self._line(name, name, what)

    def _remaining(self) -> str:
        """Returns what the last run needed for the stages to come; nothing unless that is known of all that run."""
        if not self.running.keys() <= self.expected.keys():
            return ""
        now, spans = time.monotonic(), dict(self.expected)
        for name, (begun, _) in self.running.items():
            spans[name] = spans[name][0] + now - begun, spans[name][1]
        return f", about {duration(_covered(spans.values()))} left"

    def _line(self, name: str, label: str, what: str) -> None:
        clear = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{self.names.index(name) + 1}/{len(self.names)} {label}: {what}\n")
        self.stream.flush()


def _covered(spans: Iterable[Span]) -> float:
    """Returns the seconds in which there was at least one of some spans."""
    covered, end = 0.0, float("-inf")
    for each, until in sorted(spans):
        covered += max(0.0, until - max(each, end))
        end = max(end, until)
    return covered


def table(states: Mapping[str, tuple[StageState, str]], records: Mapping[str, StageRecord]) -> str:
    """Returns a line for each stage: its name, state, duration of the last success, and the reason for the state."""
    width = max(map(len, states))
    lines = []
    for name, (state, reason) in states.items():
        took = duration(records[name].seconds) if name in records else "-"
        lines.append(f"{name:{width}}  {state:9}  {took:>8}  {reason}".rstrip())
    done = sum(state is StageState.DONE for state, _ in states.values())
    return "\n".join([*lines, f"{done} of {len(states)} stages are done", ""])


def duration(seconds: float) -> str:
    """Returns seconds as people read them: 4.2 s, 3:07 or 2:03:07."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
