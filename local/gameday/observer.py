"""Evaluates the alarms of a game day, minute by minute."""

import re
from collections.abc import Callable, Iterator, Sequence

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState, MetricAlarm
from local.cloud.alarms.monitor import AlarmMonitor, CompositeAlarm, alarms, composites
from local.cloud.clock import MINUTE
from local.gameday.exercises import GameDay

RUNBOOK = re.compile(r"docs/runbooks/([a-z-]+)\.md")


class AlarmObserver:
    """Evaluates the alarms at the end of each simulated minute, and prints their changes.

    Attributes:
        minute: number of minutes that have passed.
    """

    def __init__(self, day: GameDay) -> None:
        self.minute = 0
        self._day = day
        self._monitor = AlarmMonitor(day.pump.store)
        self._monitor.define(*day.templates)
        self._runbooks = dict(runbooks(day.templates))

    def going_off(self, kind: str) -> list[str]:
        """Returns the alarms in ALARM that link to a runbook."""
        alarming = self._monitor.alarming(list(self._monitor.states))
        return [name for name in alarming if self._runbooks.get(name) == kind]

    def until(self, holds: Callable[[], bool], at_most: int) -> bool:
        """Waits until a condition holds at the end of a minute; returns whether it did in time."""
        for _ in range(at_most):
            self._pass()
            if holds():
                return True
        return False

    def note(self, text: str) -> None:
        """Prints an event of the current minute."""
        print(f"  minute {self.minute:>2}  {text}", flush=True)

    def _pass(self) -> None:
        self.minute += 1
        pump = self._day.pump
        now = pump.clock.origin + self.minute * MINUTE
        pump.clock.wait(now)
        pump.read(self._day.running.logs)
        for change in self._monitor.evaluate(now):
            # The synthetic caller runs in real time, which is too slow for its alarm in simulated time.
            if AlarmState.ALARM in {change.before, change.after} and self._runbooks.get(change.alarm) != "silent-probe":
                self.note(f"{change.alarm}: {change.after}, see {self._runbooks.get(change.alarm, 'nothing')}")


def runbooks(templates: Sequence[StackTemplate]) -> Iterator[tuple[str, str]]:
    """Yields names of alarms with the runbooks that their descriptions link to."""
    for template in templates:
        known: list[MetricAlarm | CompositeAlarm] = [*alarms(template), *composites(template)]
        for each in known:
            if link := RUNBOOK.search(each.description):
                yield each.name, link[1]
