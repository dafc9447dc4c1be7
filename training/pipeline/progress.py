"""Shows how far a run is: a bar on a terminal, a line for each stage in a log."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from training.pipeline.state import StageRecord, StageState

WIDTH = 24


@dataclass
class ProgressView:
    """Writes the progress of a run to a stream.

    Attributes:
        stream: where to.
        begun: when the present stage began, by the monotonic clock.
        label: the present stage, with its shard.
        expected: seconds that stages took the last time, by name; those that are behind are dropped.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    begun: float = 0.0
    label: str = ""
    expected: dict[str, float] = field(default_factory=dict)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Takes the durations of the last run for an estimate."""
        self.expected = dict(seconds)

    def started(self, number: int, count: int, name: str, shard: int | None = None, shards: int | None = None) -> None:
        """Shows that a stage, or a shard of it, begins."""
        self.label = name if shard is None else f"{name} {shard + 1}/{shards}"
        if not shard:
            self.begun = time.monotonic()
        if self.stream.isatty():
            self.running(number, count, name)
        else:
            self._line(number, count, self.label, f"runs{self._remaining(name)}")

    def running(self, number: int, count: int, name: str) -> None:
        """Draws the bar again, on a terminal only."""
        if self.stream.isatty():
            full = WIDTH * number // count
            bar = "#" * full + "-" * (WIDTH - full)
            elapsed = duration(time.monotonic() - self.begun)
            left = self._remaining(name)
            self.stream.write(f"\r\x1b[K[{bar}] {number}/{count} {self.label} {elapsed}{left}")
            self.stream.flush()

    def done(self, number: int, count: int, name: str, seconds: float) -> None:
        """Shows that a stage succeeded."""
        self.expected.pop(name, None)
        self._line(number, count, name, f"done in {duration(seconds)}")

    def skipped(self, number: int, count: int, name: str) -> None:
        """Shows that a stage need not run."""
        self.expected.pop(name, None)
        self._line(number, count, name, "unchanged")

    def finished(self, count: int) -> None:
        """Shows the end of the run."""
        self.stream.write(f"all {count} stages are done\n")

    def _remaining(self, name: str) -> str:
        """Returns what the stages to come took the last time; nothing unless that is known of the present one."""
        if name not in self.expected:
            return ""
        present = max(0.0, self.expected[name] - (time.monotonic() - self.begun))
        others = sum(seconds for each, seconds in self.expected.items() if each != name)
        return f", about {duration(present + others)} left"

    def _line(self, number: int, count: int, name: str, what: str) -> None:
        clear = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{number + 1}/{count} {name}: {what}\n")
        self.stream.flush()


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
