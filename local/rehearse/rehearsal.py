"""Plays one scenario: a version is released under traffic, minute by minute."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count

from local.function import Function
from local.monitor.alarms import State
from local.monitor.clock import MINUTE
from local.monitor.monitor import Monitor
from local.monitor.pump import Pump
from local.monitor.store import Metric, Store
from local.rehearse.scenarios import Scenario
from local.rehearse.stage import Stage, Version
from local.rehearse.traffic import Call, Traffic
from local.release.control_plane import ControlPlane
from local.release.deploy import Release, Status
from local.release.plan import waves
from local.runner import Deployment, warm

# The function that all calls go to.
WATCHED = "authenticate_caller"
# CodeDeploy does not wait for full minutes.
QUARTER = MINUTE // 4
# Minutes of traffic before and after a release.
BEFORE, AFTER = 2, 2


@dataclass(frozen=True, slots=True)
class Side:
    """What one version did in a minute.

    Attributes:
        calls: that it answered.
        failed: of these, with 5xx or not at all.
        p95: of its answers in milliseconds.
        accepted: part of its decisions.
        llr: mean of its scores.
    """

    calls: int
    failed: int
    p95: float | None
    accepted: float | None
    llr: float | None

    @classmethod
    def of(cls, store: Store, resource: str, version: str, start: int) -> "Side":
        """Reads it from the metrics of the minute that begins at `start`."""
        own = {"service": WATCHED, "version": version}
        executed = {"FunctionName": resource, "Resource": f"{resource}:live", "ExecutedVersion": version}

        def figure(name: str, statistic: str) -> float | None:
            return store.series(Metric.of("Bonafide", name, own), statistic, MINUTE, [start]).get(start)

        def total(name: str) -> int:
            return round(sum(store.values(Metric.of("AWS/Lambda", name, executed), start, start + MINUTE)))

        failed = max(round(figure("Failures", "Sum") or 0), total("Errors"))
        means = (figure("Accepts", "Average"), figure("SpeakerLlr", "Average"))
        return cls(total("Invocations"), failed, figure("RequestLatency", "p95"), *means)


@dataclass(frozen=True, slots=True)
class Minute:
    """One line of the story."""

    number: int
    weight: float
    old: Side
    new: Side
    alarms: Sequence[str]
    notes: Sequence[str]


@dataclass(slots=True)
class Story:
    """What happened in a scenario.

    Attributes:
        store: all metrics, for the picture.
        origin: simulated time at which it began.
    """

    scenario: Scenario
    status: Status
    reason: str
    minutes: Sequence[Minute]
    shares: Sequence[tuple[str, float]]
    store: Store
    origin: int

    @property
    def served(self) -> tuple[int, int]:
        """How many calls the new version answered, and how many there were."""
        new = sum(minute.new.calls for minute in self.minutes)
        return new, new + sum(minute.old.calls for minute in self.minutes)

    @property
    def contained(self) -> bool:
        """Whether a bad version of the watched function was kept from getting all traffic."""
        return self.scenario.ends == Status.PROMOTED or (WATCHED, 1) not in self.shares

    @property
    def held(self) -> bool:
        """Whether it ended as it has to."""
        return self.status == self.scenario.ends and self.scenario.stopped_by in self.reason and self.contained


@dataclass(slots=True)
class Rehearsal:
    """A deployment of the former version, on which one scenario after the other is played."""

    running: Deployment
    former: Version
    control: ControlPlane
    pump: Pump
    calls: Iterator[Call]
    rate: float

    def play(self, scenario: Scenario, version: Version, pace: float, show: Callable[[Minute], None]) -> Story:
        """Releases a version and takes it away again.

        Args:
            scenario: what is released.
            version: the synthesised templates of it.
            pace: simulated seconds in a real one.
            show: told of each minute.
        """
        with ExitStack() as cleanup:
            functions = self._start(version)
            for function in functions.values():
                cleanup.callback(function.close)
            self.pump.read(self.running.logs)
            self.pump.restart(pace)
            monitor = Monitor(self.pump.store)
            monitor.define(*self.former.all)
            stage = Stage(self.running, functions, self.pump, monitor, self.control)
            cleanup.callback(self._restore, stage)
            traffic = Traffic(self.running.endpoint, self.calls, self.rate if scenario.calls else 0)
            cleanup.callback(traffic.stop)
            return _Play(self, scenario, version, monitor, stage, show).run()

    def _start(self, version: Version) -> dict[str, Function]:
        changed = {shift.function for wave in waves(self.former.service, version.service) for shift in wave}
        functions = self.running.host.start(version.service, lambda name: name in changed)
        warm(functions)
        return functions

    def _restore(self, stage: Stage) -> None:
        for function in self.running.aliases:
            stage.restore(function)


@dataclass(slots=True)
class _Play:
    """One scenario while it is played."""

    rehearsal: Rehearsal
    scenario: Scenario
    version: Version
    monitor: Monitor
    stage: Stage
    show: Callable[[Minute], None]
    minutes: list[Minute] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> Story:
        plan = waves(self.rehearsal.former.service, self.version.service)
        release = Release(plan, self.stage, self.notes.append)
        steps = release.run()
        left = AFTER * 4
        for quarter in count(1):
            self._pass(quarter)
            if quarter == BEFORE * 4:
                self.notes.append(f"release begins: {len(plan)} waves, {sum(map(len, plan))} functions")
                self.monitor.define(*self.version.all)
            if quarter >= BEFORE * 4:
                next(steps, None)
            left -= release.status != Status.UNDER_WAY
            if left < 0 and quarter % 4 == 0:
                break
        pump = self.rehearsal.pump
        return Story(
            self.scenario,
            release.status,
            release.reason,
            self.minutes,
            self.stage.shares,
            pump.store,
            pump.clock.origin,
        )

    def _pass(self, quarter: int) -> None:
        """Lets a quarter of a minute go by; at the full minute alarms are evaluated, and a line is written."""
        pump = self.rehearsal.pump
        now = pump.clock.origin + quarter * QUARTER
        pump.clock.wait(now)
        pump.read(self.rehearsal.running.logs)
        if quarter % 4 == 0:
            changes = self.monitor.evaluate(now)
            self.notes += [
                f"{each.alarm}: {each.after}" for each in changes if State.ALARM in (each.before, each.after)
            ]
            self._line(now)

    def _line(self, now: int) -> None:
        resource = self.rehearsal.pump.names[WATCHED]
        sides = [Side.of(self.rehearsal.pump.store, resource, version, now - MINUTE) for version in ("1", "2")]
        alarms = self.monitor.alarming(list(self.monitor.states))
        minute = Minute(len(self.minutes) + 1, self.stage.weight(WATCHED), sides[0], sides[1], alarms, list(self.notes))
        self.minutes.append(minute)
        self.notes.clear()
        self.show(minute)
