"""Releases a version on a running deployment under load, through the canary, and leaves it there."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from local.rehearse.target import RehearsalTarget, SynthesizedVersion, read

from local.aws.functions.function import LambdaFunction
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.clock import MINUTE
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.plan import waves
from local.cloud.releases.published import PublishedVersions
from local.rehearse.rehearsal import OVER, QUARTER
from local.rehearse.results import OBSERVED
from local.runner import Deployment, warm

LATE = re.compile("late-(answers|evidence)")
# Minutes of traffic before a release: alarms look back.
BEFORE = 3


class PatientTarget(RehearsalTarget):
    """A deployment whose releases are not stopped by lateness: of that this machine, which also calls, says nothing."""

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns the alarms in ALARM, out of some names, but for those on lateness."""
        return super().alarming([each for each in names if not LATE.search(each)])


@dataclass(slots=True)
class ReleaseDriver:
    """Releases one version after another through the canary.

    Attributes:
        running: the deployment.
        former: the version that is released.
        published: versions of the functions.
        control: APIs for hooks.
        pump: simulated time and metrics.
        pace: simulated seconds per real second.
        say: takes what happens.
        replaced: functions that the last release replaced.
        started: functions of all releases.
    """

    running: Deployment
    former: SynthesizedVersion
    published: PublishedVersions
    control: ControlPlane
    pump: MetricPump
    pace: float
    say: Callable[[str], None]
    replaced: Mapping[str, LambdaFunction] = field(default_factory=dict)
    started: list[LambdaFunction] = field(default_factory=list)

    def release(self, assembly: Path, stage: str, cancel: Callable[[], bool] = lambda: False) -> UpdateStatus:
        """Releases a version; returns how it ended. `cancel` is asked four times a minute once callers meet it."""
        new = read(assembly, stage, self.former.service, self.published)
        functions = self._start(new)
        self.pump.read(self.running.logs)
        self.pump.restart(self.pace)
        monitor = AlarmMonitor(self.pump.store)
        monitor.define(*self.former.all)
        target = PatientTarget(self.running, self.former, functions, monitor, self.control)
        update = StackUpdate(self.former.service, new.service, target, self._note)
        self._run(update, target, monitor, new, cancel)
        if update.status is UpdateStatus.PROMOTED:
            self.replaced = {name: self.running.functions[name] for name in functions}
            self.running = replace(self.running, functions={**self.running.functions, **functions})
            self.former = new
        else:
            self.published.roll_back(self.former.service, new.service)
        return update.status

    def go(self, *, back: bool) -> None:
        """Points all aliases to the release before the last one at once, or to the last one, as `ops.aliases` does."""
        for name in self.replaced:
            self.running.aliases[name].point((self.replaced if back else self.running.functions)[name])

    def close(self) -> None:
        """Stops the functions of all releases."""
        for each in self.started:
            each.close()

    def _run(
        self,
        update: StackUpdate,
        target: RehearsalTarget,
        monitor: AlarmMonitor,
        new: SynthesizedVersion,
        cancel: Callable[[], bool],
    ) -> None:
        steps = update.run()
        for quarter in count(1):
            self._pass(quarter, target, monitor)
            if quarter == BEFORE * 4:
                monitor.define(*new.all)
            if quarter >= BEFORE * 4:
                next(steps, None)
            if target.weight(OBSERVED) and update.status is UpdateStatus.UNDER_WAY and cancel():
                update.cancel()
            if update.status in OVER:
                return

    def _pass(self, quarter: int, target: RehearsalTarget, monitor: AlarmMonitor) -> None:
        now = self.pump.clock.origin + quarter * QUARTER
        self.pump.clock.wait(now)
        self.pump.clock = self.pump.clock.frozen_at(now)
        self.pump.read(self.running.logs)
        target.time = now
        if quarter % 4 or quarter < BEFORE * 4:
            return
        for each in monitor.evaluate(now):
            if AlarmState.ALARM in {each.before, each.after}:
                self.say(f"minute {(now - self.pump.clock.origin) // MINUTE}: {each.alarm}: {each.after}")

    def _start(self, new: SynthesizedVersion) -> dict[str, LambdaFunction]:
        changed = {shift.function for wave in waves(self.former.service, new.service) for shift in wave}
        functions = self.running.host.start(new.service, lambda name: name in changed)
        self.started.extend(functions.values())
        warm(functions)
        return functions

    def _note(self, text: str, function: str) -> None:
        if function in {"", OBSERVED}:
            self.say(f"{text}{f' ({function})' if function else ''}")
