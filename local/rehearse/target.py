"""The deployment that stack updates act on in a rehearsal."""

import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE, LambdaFunction
from local.aws.template import StackTemplate
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.releases.control_plane import ControlPlane, HookExecution
from local.cloud.releases.plan import AliasShift
from local.runner import Deployment


@dataclass(frozen=True, slots=True)
class SynthesizedVersion:
    """The templates of one synthesized version.

    Attributes:
        service: functions, aliases, deployment groups and alarms that stop a release.
        all: all stacks with alarms.
    """

    service: StackTemplate
    all: Sequence[StackTemplate]


def read(assembly: Path, stage: str, former: StackTemplate) -> SynthesizedVersion:
    """Reads a synthesized version as an update of a former one."""
    service = StackTemplate.read(assembly, f"Bonafide-{stage}-Service", former.exports).after(former)
    name = f"Bonafide-{stage}-Monitoring"
    if not (assembly / f"{name}.template.json").exists():
        return SynthesizedVersion(service, [service])
    return SynthesizedVersion(service, [service, StackTemplate.read(assembly, name, service.exported())])


class RehearsalTarget:
    """Aliases, alarms and hooks of a deployment, in simulated time.

    Attributes:
        time: simulated time in seconds.
        shares: functions with the fraction of traffic of their new version, at each shift.
    """

    def __init__(
        self, running: Deployment, new: dict[str, LambdaFunction], monitor: AlarmMonitor, control: ControlPlane
    ) -> None:
        """Takes the parts of the deployment.

        Args:
            running: deployment of the former version.
            new: functions of the new version that changed.
            monitor: alarms.
            control: APIs for hooks.
        """
        self._running = running
        self._new = new
        self._monitor = monitor
        self._control = control
        self.time = 0
        self.shares: list[tuple[str, float]] = []
        control.invoke = self.invoke

    def now(self) -> float:
        """Returns the simulated time, which stands still between two evaluations of the alarms."""
        return self.time

    def share(self, function: str, weight: float) -> None:
        """Sends a fraction of a function's traffic to the new version."""
        self.shares.append((function, weight))
        alias = self._running.aliases[function]
        if weight < 1:
            alias.share(self._new[function], weight)
        else:
            alias.point(self._new[function])

    def restore(self, function: str) -> None:
        """Sends all traffic of a function to the old version again."""
        self._running.aliases[function].point(self._running.functions[function])

    def weight(self, function: str) -> float:
        """Returns the fraction of a function's traffic that the new version gets."""
        alias = self._running.aliases[function]
        return 1.0 if alias.version is self._new.get(function) else alias.weight

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns the alarms in ALARM, out of some names."""
        return self._monitor.alarming(names)

    def call(self, hook: str, shift: AliasShift) -> HookExecution:
        """Invokes the hook function of an alias update."""
        name = self._running.template.resource_names()[shift.function]
        current = self._running.aliases[shift.function].version.definition.version
        execution = HookExecution(name, self._latest(shift.function).definition.version, current)
        self._control.expect(execution)
        execution.result = self._latest(hook).submit(execution.event(), qualifier="$LATEST")
        return execution

    def invoke(self, name: str, qualifier: str, event: bytes) -> Future[InvocationResult]:
        """Invokes a version or the alias of a function, like Lambda's API."""
        function = self._running.template.function(name.split(":"))
        if qualifier == LIVE:
            return self._running.aliases[function].submit(event, request_id=str(uuid.uuid4()))
        versions = [self._running.functions[function], self._latest(function)]
        chosen = next(each for each in versions if each.definition.version == qualifier)
        return chosen.submit(event, qualifier=qualifier)

    def _latest(self, function: str) -> LambdaFunction:
        return self._new.get(function) or self._running.functions[function]
