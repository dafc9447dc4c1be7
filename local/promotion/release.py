"""Releases a version on a deployment that people use, in real time."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.clock import MINUTE
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.target import DeployedStack, ReleaseTarget, SynthesizedVersion

# Called with what happens, for people.
type Tell = Callable[[str], None]


@dataclass(slots=True)
class LiveReleases:
    """Releases versions of a running deployment, one after the other: hooks, traffic shifting, alarms, way back.

    Attributes:
        stack: what is deployed.
        control: APIs for hooks.
        pump: metrics.
        tell: called with each event of a release.
        pace: seconds of the release per real second.
    """

    stack: DeployedStack
    control: ControlPlane
    pump: MetricPump
    tell: Tell
    pace: float = 1

    def release(self, version: SynthesizedVersion) -> tuple[UpdateStatus, str]:
        """Releases a version; returns how it ended, and why if it was rolled back."""
        former, functions = self.stack.version, self.stack.start(version)
        self.forget()
        monitor = AlarmMonitor(self.pump.store)
        # CloudFormation updates alarms before the aliases whose deployment groups name them.
        monitor.define(*former.all)
        monitor.define(*version.all)
        target = ReleaseTarget(self.stack, former, functions, monitor, self.control)
        update = StackUpdate(former.service, version.service, target, self._note)
        steps = update.run()
        for second in count(self.pump.clock.origin + 1):
            self._wait(target, monitor, second)
            if next(steps, update) is update:
                break
        if update.status is UpdateStatus.PROMOTED:
            self.stack.keep(version, functions)
        else:
            self.stack.discard(version)
            for function in functions.values():
                function.close()
        return update.status, update.reason

    def forget(self) -> None:
        """Drops the metrics of before, which no release looks at."""
        self.pump.read(self.stack.running.logs)
        self.pump.restart(self.pace)

    def _wait(self, target: ReleaseTarget, monitor: AlarmMonitor, second: int) -> None:
        """Waits for the next second, and evaluates alarms at a full minute."""
        self.pump.clock.wait(second)
        target.time = second
        if second % MINUTE == 0:
            self.pump.read(self.stack.running.logs)
            for change in monitor.evaluate(second):
                if AlarmState.ALARM in {change.before, change.after}:
                    self.tell(f"{change.alarm}: {change.after}")

    def _note(self, event: str, function: str) -> None:
        self.tell(f"{function}: {event}" if function else event)
