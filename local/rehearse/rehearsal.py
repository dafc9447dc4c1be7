"""Plays scenarios: releases a version under load, in simulated minutes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count

from local.aws.functions.function import LambdaFunction
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.clock import MINUTE
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.plan import waves
from local.cloud.releases.target import DeployedStack, ReleaseTarget, SynthesizedVersion, without_aliases
from local.rehearse.results import OBSERVED, MinuteFigures, ScenarioResult, VersionFigures
from local.rehearse.scenarios import Scenario
from local.rehearse.traffic import RecordedCall, Traffic

# CodeDeploy does not wait for full minutes.
QUARTER = MINUTE // 4
# Minutes of traffic before and after a release.
BEFORE, AFTER = 3, 1

OVER = {UpdateStatus.PROMOTED, UpdateStatus.ROLLED_BACK, UpdateStatus.ROLLBACK_FAILED}

type Show = Callable[[MinuteFigures], None]
# Reads the templates of the version to release, and publishes its functions.
type PublishVersion = Callable[[], SynthesizedVersion]


@dataclass(slots=True)
class Rehearsal:
    """A deployment of the former version, on which scenarios are played one after the other.

    Attributes:
        stack: deployment of the former version.
        control: APIs for hooks.
        pump: simulated time and metrics.
        calls: recorded calls.
        rate: calls per real second.
    """

    stack: DeployedStack
    control: ControlPlane
    pump: MetricPump
    calls: Iterator[RecordedCall]
    rate: float

    def play(
        self, scenario: Scenario, publish: PublishVersion, pace: float, show: Show
    ) -> tuple[ScenarioResult, SynthesizedVersion]:
        """Releases a version, twice if the first time is canceled, and removes it again; returns the last release.

        Args:
            scenario: scenario to play.
            publish: called for each release.
            pace: simulated seconds per real second.
            show: called after each minute.
        """
        version = publish()
        result = self._release(scenario, version, pace, show)
        if not scenario.canceled or result.status is not UpdateStatus.ROLLED_BACK:
            return result, version
        version = publish()
        again = self._release(replace(scenario, canceled=False), version, pace, show)
        return replace(again, scenario=scenario, reason=f"{result.reason} before"), version

    def _release(self, scenario: Scenario, version: SynthesizedVersion, pace: float, show: Show) -> ScenarioResult:
        former = without_aliases(self.stack.version) if scenario.first else self.stack.version
        functions = self.stack.start(version)
        with ExitStack() as cleanup:
            self.pump.read(self.stack.running.logs)
            self.pump.restart(pace)
            monitor = AlarmMonitor(self.pump.store)
            monitor.define(*former.all)
            target = ReleaseTarget(self.stack, former, functions, monitor, self.control)
            cleanup.callback(self._close, functions)
            cleanup.callback(target.reset)
            traffic = Traffic(self.stack.running.endpoint, self.calls, self.rate if scenario.calls else 0)
            cleanup.callback(traffic.stop)
            result = _ScenarioRun(self, scenario, former, version, monitor, target, traffic, show).run()
            self._end(scenario, version, functions, result)
        return result

    def _end(
        self,
        scenario: Scenario,
        version: SynthesizedVersion,
        functions: Mapping[str, LambdaFunction],
        result: ScenarioResult,
    ) -> None:
        """Leaves the versions that CloudFormation leaves; most promotions are followed by the former version again."""
        if result.status is not UpdateStatus.PROMOTED:
            self.stack.discard(version)
        elif scenario.stays:
            self.stack.keep(version, functions)
        else:
            self.stack.published.deploy(version.service, self.stack.version.service)

    def _close(self, functions: Mapping[str, LambdaFunction]) -> None:
        """Ends functions of a new version that did not become the deployed one."""
        for name, function in functions.items():
            if self.stack.functions[name] is not function:
                function.close()


@dataclass(slots=True)
class _ScenarioRun:
    """A scenario that is being played."""

    rehearsal: Rehearsal
    scenario: Scenario
    former: SynthesizedVersion
    version: SynthesizedVersion
    monitor: AlarmMonitor
    target: ReleaseTarget
    traffic: Traffic
    show: Show
    minutes: list[MinuteFigures] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)
    states: Mapping[str, AlarmState] = field(default_factory=dict)

    def run(self) -> ScenarioResult:
        release = StackUpdate(self.former.service, self.version.service, self.target, self._note)
        steps = release.run()
        for quarter in count(1):
            self._pass(quarter)
            if quarter == BEFORE * 4:
                self._begin()
            if quarter >= BEFORE * 4:
                next(steps, None)
            if self.scenario.canceled and self.target.shares and release.status is UpdateStatus.UNDER_WAY:
                release.cancel()
            if release.status in OVER and self._is_over(release, quarter):
                break
        return self._result(release)

    def _begin(self) -> None:
        """Begins the release. CloudFormation updates alarms before the aliases whose deployment groups name them."""
        planned = waves(self.former.service, self.version.service)
        self._note(f"release begins: {sum(map(len, planned))} functions in {len(planned)} waves", "")
        self._mark("release")
        self.monitor.define(*self.version.all)

    def _is_over(self, release: StackUpdate, quarter: int) -> bool:
        """Records the end of the release; returns whether the minutes after it have passed."""
        if not self.states:
            self.states = dict(self.monitor.states)
            self._mark(release.status)
        return quarter % 4 == 0 and self._time(quarter) >= max(self.marks) + AFTER * MINUTE

    def _result(self, release: StackUpdate) -> ScenarioResult:
        return ScenarioResult(
            scenario=self.scenario,
            status=release.status,
            reason=release.reason,
            minutes=self.minutes,
            shares=self.target.shares,
            store=self.rehearsal.pump.store,
            begun=self.rehearsal.pump.clock.origin,
            marks=self.marks,
            states=self.states,
        )

    def _time(self, quarter: int) -> int:
        return self.rehearsal.pump.clock.origin + quarter * QUARTER

    def _pass(self, quarter: int) -> None:
        """Waits a quarter of a minute; at the full minute evaluates alarms and shows the figures."""
        pump, now = self.rehearsal.pump, self._time(quarter)
        pump.clock.wait(now)
        # On a slow machine the clock waits for the calls, so that alarms see as many as on a fast one.
        self.traffic.wait((now - pump.clock.origin) / pump.clock.pace)
        pump.clock = pump.clock.frozen_at(now)
        pump.read(self.rehearsal.stack.running.logs)
        self.target.time = now
        if quarter % 4 == 0:
            # Not earlier: alarms on missing calls would react to the time before the start.
            for each in self.monitor.evaluate(now) if quarter >= BEFORE * 4 else ():
                if AlarmState.ALARM in {each.before, each.after}:
                    self._note(f"{each.alarm}: {each.after}", "")
            self._line(now)

    def _line(self, now: int) -> None:
        pump = self.rehearsal.pump
        service = self.version.service
        versions = tuple(
            each.number(each.versions()[OBSERVED]) for each in (self.rehearsal.stack.version.service, service)
        )
        place = pump.store, pump.stage, pump.names[OBSERVED]
        sides = [VersionFigures.of(*place, version, now - MINUTE) for version in versions]
        if len(set(versions)) == 1:
            sides[1] = VersionFigures.none()
        alarms = self.monitor.alarming(list(self.monitor.states))
        notes = [f"{text}{_among(functions)}" for text, functions in self.notes.items()]
        minute = MinuteFigures(len(self.minutes) + 1, self.target.weight(OBSERVED), sides[0], sides[1], alarms, notes)
        self.minutes.append(minute)
        self.notes.clear()
        self.show(minute)

    def _mark(self, name: str) -> None:
        self.marks[int(self.target.now())] = name

    def _note(self, text: str, function: str) -> None:
        """Notes an event, which may concern several functions."""
        self.notes.setdefault(text, []).append(function)


def _among(functions: Sequence[str]) -> str:
    named = [function for function in functions if function]
    return f" ({', '.join(named)})" if named else ""
