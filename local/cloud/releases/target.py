"""The running deployment that stack updates act on, and which version of it callers get."""

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE, LambdaFunction
from local.aws.template import StackTemplate
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.releases.control_plane import ControlPlane, HookExecution
from local.cloud.releases.plan import AliasShift, waves
from local.cloud.releases.published import PublishedVersions
from local.runner import Deployment, warm


@dataclass(frozen=True, slots=True)
class SynthesizedVersion:
    """The templates of one synthesized version.

    Attributes:
        service: functions, aliases, deployment groups and alarms that stop a release.
        all: all stacks with alarms.
    """

    service: StackTemplate
    all: Sequence[StackTemplate]


def read(assembly: Path, stage: str, former: StackTemplate, published: PublishedVersions) -> SynthesizedVersion:
    """Reads a synthesized version, and publishes what it changes of a former one."""
    service = published.deploy(former, StackTemplate.read(assembly, f"Bonafide-{stage}-Service", former.exports))
    return _with_monitoring(assembly, stage, service)


def without_aliases(former: SynthesizedVersion) -> SynthesizedVersion:
    """Returns a version before the first deployment of its functions."""
    kinds = {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
    resources = {id_: each for id_, each in former.service.content["Resources"].items() if each["Type"] not in kinds}
    return replace(former, service=replace(former.service, content={**former.service.content, "Resources": resources}))


def _with_monitoring(assembly: Path, stage: str, service: StackTemplate) -> SynthesizedVersion:
    name = f"Bonafide-{stage}-Monitoring"
    if not (assembly / f"{name}.template.json").exists():
        return SynthesizedVersion(service, [service])
    return SynthesizedVersion(service, [service, StackTemplate.read(assembly, name, service.exported())])


@dataclass(slots=True)
class DeployedStack:
    """Part of a deployment that callers get.

    Attributes:
        running: deployment.
        version: templates of the version that is deployed.
        published: versions of the functions.
        functions: the version of each function that its alias points to, by name.
        retired: versions that nobody calls any more, but which may still be answering.
    """

    running: Deployment
    version: SynthesizedVersion
    published: PublishedVersions
    functions: Mapping[str, LambdaFunction]
    retired: list[LambdaFunction] = field(default_factory=list)

    def start(self, version: SynthesizedVersion) -> dict[str, LambdaFunction]:
        """Starts the functions that a version changes."""
        changed = {shift.function for wave in waves(self.version.service, version.service) for shift in wave}
        functions = self.running.host.start(version.service, lambda name: name in changed)
        warm(functions)
        return functions

    def keep(self, version: SynthesizedVersion, functions: Mapping[str, LambdaFunction]) -> None:
        """Makes a version that was released the deployed one. What it replaces answers the calls that it has."""
        self.close_retired()
        self.retired = [self.functions[name] for name in functions]
        self.version, self.functions = version, {**self.functions, **functions}

    def discard(self, version: SynthesizedVersion) -> None:
        """Leaves the versions of functions that CloudFormation leaves of a release that was rolled back."""
        self.published.roll_back(self.version.service, version.service)

    def close_retired(self) -> None:
        """Ends the functions that were replaced before."""
        for function in self.retired:
            function.close()


class LocalUpdateTarget:
    """Aliases, alarms and hooks of a deployment.

    Attributes:
        time: time in seconds, which may be simulated.
        shares: functions with the fraction of traffic of their new version, at each shift.
    """

    def __init__(
        self,
        stack: DeployedStack,
        former: SynthesizedVersion,
        new: Mapping[str, LambdaFunction],
        monitor: AlarmMonitor,
        control: ControlPlane,
    ) -> None:
        """Takes the parts of the deployment.

        Args:
            stack: what is deployed.
            former: its templates.
            new: functions of the new version that changed.
            monitor: alarms.
            control: APIs for hooks.
        """
        self._stack = stack
        self._running = stack.running
        self._current = stack.functions
        self._former = former
        self._new = new
        # The code that a function has apart from its versions.
        self._latest = {**self._current, **new}
        self._monitor = monitor
        self._control = control
        self.time = 0
        self.shares: list[tuple[str, float]] = []
        control.invoke = self.invoke

    def now(self) -> float:
        """Returns the time, which stands still between two evaluations of the alarms."""
        return self.time

    def create(self, shift: AliasShift) -> None:
        """Points an alias to its first version."""
        self._running.aliases[shift.function].point(self._version(shift.function, shift.version))

    def share(self, shift: AliasShift, weight: float) -> None:
        """Sends a fraction of an alias's traffic to the version that it is moved to; with 1 it points there."""
        alias, version = self._running.aliases[shift.function], self._version(shift.function, shift.version)
        if weight < 1:
            alias.share(version, weight)
        else:
            alias.point(version)
        self.shares.append((shift.function, self.weight(shift.function)))

    def restore(self, shift: AliasShift) -> None:
        """Points an alias to its former version again."""
        assert shift.former is not None
        self._running.aliases[shift.function].point(self._version(shift.function, shift.former))

    def revert(self) -> None:
        """Restores alarms and functions of the former version; the aliases follow."""
        self._latest |= self._current
        self._monitor.define(*self._former.all)

    def reset(self) -> None:
        """Points all aliases to the version that is deployed, as nothing in AWS does."""
        for name, alias in self._running.aliases.items():
            alias.point(self._stack.functions[name])

    def weight(self, function: str) -> float:
        """Returns the fraction of a function's traffic that the new version gets."""
        alias = self._running.aliases[function]
        return 1 - alias.weight if alias.version is self._new.get(function) else alias.weight

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns the alarms in ALARM, out of some names."""
        return self._monitor.alarming(names)

    def call(self, hook: str, shift: AliasShift) -> HookExecution:
        """Invokes the hook function of an alias update."""
        name = self._running.template.resource_names()[shift.function]
        assert shift.former is not None
        execution = HookExecution(name, shift.version, shift.former)
        self._control.expect(execution)
        execution.result = self._latest[hook].submit(execution.event(), qualifier="$LATEST")
        return execution

    def invoke(self, name: str, qualifier: str, event: bytes) -> Future[InvocationResult]:
        """Invokes a version or the alias of a function, like Lambda's API."""
        function = self._running.template.function(name.split(":"))
        if qualifier == LIVE:
            return self._running.aliases[function].submit(event, request_id=str(uuid.uuid4()))
        return self._version(function, qualifier).submit(event, qualifier=qualifier)

    def _version(self, function: str, number: str) -> LambdaFunction:
        """Returns a version of a function.

        Raises:
            LookupError: it does not exist.
        """
        versions = [self._current[function], *filter(None, [self._new.get(function)])]
        return {each.definition.version: each for each in versions}[number]
