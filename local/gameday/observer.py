"""Evaluates the alarms of a game day, minute by minute, and collects what they send."""

import re
from collections.abc import Callable, Sequence

from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor, Notification
from local.cloud.clock import MINUTE
from local.gameday.exercises import GameDay

PAGES = re.compile(r"-pages$")


class AlarmObserver:
    """Evaluates the alarms at the end of each simulated minute, and prints what they send.

    Attributes:
        minute: number of minutes that have passed.
    """

    def __init__(self, day: GameDay) -> None:
        self.minute = 0
        self._day = day
        self._begun = False
        self._origin = day.pump.clock.origin
        self._monitor = AlarmMonitor(day.pump.store)
        self._monitor.define(*day.templates)

    def begins(self) -> bool:
        """Returns whether the alarms are evaluated from now on: once the synthetic caller has made its calls.

        The alarm on missing calls would react to the time before.
        """
        self._begun = any(metric.name == "ProbeFailures" for metric in self._day.pump.store.metrics())
        return self._begun

    def sent(self, since: int) -> list[Notification]:
        """Returns the notifications since the end of a minute, in their order."""
        return [each for each in self._monitor.sent if each.at > self._time(since)]

    def lost(self) -> Sequence[Notification]:
        """Returns the notifications that reached no topic."""
        return self._monitor.lost

    def alarming(self) -> list[str]:
        """Returns the names of the alarms in ALARM."""
        return self._monitor.alarming(list(self._monitor.states))

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
        pump, now = self._day.pump, self._time(self.minute)
        pump.clock.wait(now)
        pump.read(self._day.running.logs)
        if not self._begun:
            return
        known = len(self._monitor.sent)
        self._monitor.evaluate(now)
        for each in self._monitor.sent[known:]:
            self.note(describe(each))

    def _time(self, minute: int) -> int:
        return self._origin + minute * MINUTE


def describe(notification: Notification) -> str:
    """Returns a notification in words."""
    kind = "page" if PAGES.search(notification.topic) else "ticket"
    because = f", because of {', '.join(notification.because)}" if notification.because else ""
    what = "all-clear" if notification.state == AlarmState.OK else kind
    return f"{what} by {notification.alarm}{because}"
