"""Releases a version on a running deployment under load, through the canary, and leaves it there."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from local.aws.functions.function import LambdaFunction
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.clock import MINUTE
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.target import DeployedStack, LocalUpdateTarget, SynthesizedVersion, read
from local.rehearse.rehearsal import OVER, QUARTER
from local.rehearse.results import OBSERVED

LATE = re.compile("late-(answers|evidence)")
# Minutes of traffic before a release: alarms look back.
BEFORE = 3


class PatientTarget(LocalUpdateTarget):
    """A deployment whose releases are not stopped by lateness: of that this machine, which also calls, says nothing."""

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns the alarms in ALARM, out of some names, but for those on lateness."""
        return super().alarming([each for each in names if not LATE.search(each)])


@dataclass(slots=True)
class ReleaseDriver:
    """Releases one version after another through the canary.

    Attributes:
        stack: the deployment.
        control: APIs for hooks.
        pump: simulated time and metrics.
        pace: simulated seconds per real second.
        say: takes what happens.
        replaced: functions that the last release replaced.
    """

    stack: DeployedStack
    control: ControlPlane
    pump: MetricPump
    pace: float
    say: Callable[[str], None]
    replaced: Mapping[str, LambdaFunction] = field(default_factory=dict)

    def release(self, assembly: Path, stage: str, cancel: Callable[[], bool] = lambda: False) -> UpdateStatus:
        """Releases a version; returns how it ended. `cancel` is asked four times a minute once callers meet it."""
        former = self.stack.version
        new = read(assembly, stage, former.service, self.stack.published)
        functions = self.stack.start(new)
        self.pump.read(self.stack.running.logs)
        self.pump.restart(self.pace)
        monitor = AlarmMonitor(self.pump.store)
        monitor.define(*former.all)
        target = PatientTarget(self.stack, former, functions, monitor, self.control)
        update = StackUpdate(former.service, new.service, target, self._note)
        self._run(update, target, monitor, new, cancel)
        if update.status is UpdateStatus.PROMOTED:
            self.replaced = {name: self.stack.functions[name] for name in functions}
            self.stack.keep(new, functions)
        else:
            self.stack.discard(new)
        return update.status

    def go(self, *, back: bool) -> None:
        """Points all aliases to the release before the last one at once, or to the last one, as `ops.aliases` does."""
        for name in self.replaced:
            self.stack.running.aliases[name].point((self.replaced if back else self.stack.functions)[name])

    def _run(
        self,
        update: StackUpdate,
        target: LocalUpdateTarget,
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

    def _pass(self, quarter: int, target: LocalUpdateTarget, monitor: AlarmMonitor) -> None:
        now = self.pump.clock.origin + quarter * QUARTER
        self.pump.clock.wait(now)
        self.pump.clock = self.pump.clock.frozen_at(now)
        self.pump.read(self.stack.running.logs)
        target.time = now
        if quarter % 4 or quarter < BEFORE * 4:
            return
        for each in monitor.evaluate(now):
            if AlarmState.ALARM in {each.before, each.after}:
                self.say(f"minute {(now - self.pump.clock.origin) // MINUTE}: {each.alarm}: {each.after}")

    def _note(self, text: str, function: str) -> None:
        if function in {"", OBSERVED}:
            self.say(f"{text}{f' ({function})' if function else ''}")
