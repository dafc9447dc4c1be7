"""Releases on simulated minutes, over synthetic metrics: who gets the new version, and when it is taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.metrics.store import Metric, MetricStore
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.plan import AliasShift, steps, waves
from tests.local.cloud.releases.templates import CANARY, template

CALLS = 100

type Failing = Callable[[int], float]


@dataclass
class Report:
    reported: str | None

    def status(self) -> str | None:
        return self.reported


@dataclass
class World:
    """A service under load, whose new version fails as told.

    Attributes:
        failing: part of the new version's calls that fail in a minute.
        reports: what the hook reports, in turn; the last one from then on.
    """

    failing: Failing = lambda _minute: 0.0
    reports: Sequence[str | None] = ("Succeeded",)
    load: int = CALLS
    minute: int = 0
    store: MetricStore = field(default_factory=MetricStore)
    weights: dict[str, float] = field(default_factory=dict)
    history: list[tuple[int, str, float]] = field(default_factory=list)
    called: list[tuple[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monitor = AlarmMonitor(self.store)

    def now(self) -> float:
        return self.minute * 60

    def share(self, function: str, weight: float) -> None:
        self.weights[function] = weight
        self.history.append((self.minute, function, weight))

    def restore(self, function: str) -> None:
        self.weights[function] = 0

    def alarming(self, names: Sequence[str]) -> list[str]:
        return self.monitor.alarming(names)

    def call(self, hook: str, shift: AliasShift) -> Report:
        self.called.append((shift.function, self.weights.get(shift.function, 0)))
        return Report(self.reports[min(len(self.called), len(self.reports)) - 1])

    def pass_a_minute(self) -> None:
        failed = round(self.load * self.weights.get("door", 0) * self.failing(self.minute))
        for dimension in ({"version": "2"}, {"service": "door"}):
            self.store.put(Metric.of("Bonafide", "Failures", dimension), self.now(), [1.0] * failed + [0.0] * self.load)
        self.minute += 1
        self.monitor.evaluate(self.minute * 60)

    def release(self, old: StackTemplate, new: StackTemplate, minutes: int = 120) -> StackUpdate:
        updated = new.after(old)
        release = StackUpdate(waves(old, updated), self, lambda text, _: self.notes.append(text))
        self.monitor.define(updated)
        self.pass_a_minute()
        for _ in zip(release.run(), range(minutes), strict=False):
            self.pass_a_minute()
        return release


def test_a_good_version_gets_a_tenth_for_five_minutes_and_then_everything() -> None:
    world = World()
    assert world.release(template(), template(door="b")).status == UpdateStatus.PROMOTED
    assert world.history == [(1, "door", 0.1), (6, "door", 1)]
    assert world.called == [("door", 0), ("door", 1)]


def test_doors_open_only_after_what_stands_behind_them() -> None:
    world = World()
    world.release(template(), template("b", "b"))
    assert [(function, weight) for _, function, weight in world.history] == [
        ("read", 0.1),
        ("read", 1),
        ("door", 0.1),
        ("door", 1),
    ]


def test_a_version_that_fails_is_taken_back_and_never_gets_more_than_its_first_share() -> None:
    world = World(failing=lambda _minute: 0.5)
    release = world.release(template(), template("b", "b"))
    assert release.status == UpdateStatus.ROLLED_BACK
    assert "door-failing-2" in release.reason
    assert [weight for _, function, weight in world.history if function == "door"] == [0.1]
    assert world.weights == {"read": 0, "door": 0}


def test_a_version_that_fails_its_golden_calls_gets_no_traffic() -> None:
    world = World(reports=["Failed"])
    assert world.release(template(), template(door="b")).status == UpdateStatus.ROLLED_BACK
    assert world.history == []


def test_a_hook_that_reports_nothing_has_failed_after_an_hour() -> None:
    world = World(reports=[None])
    assert world.release(template(), template(door="b")).status == UpdateStatus.ROLLED_BACK
    assert (world.history, world.minute) == ([], 61)


def test_golden_calls_that_fail_afterwards_take_everything_back() -> None:
    world = World(reports=["Succeeded", "Failed"])
    assert world.release(template(), template(door="b")).status == UpdateStatus.ROLLED_BACK
    assert world.weights == {"door": 0}


def test_nothing_is_released_into_an_alarm() -> None:
    world = World()
    world.store.put(Metric.of("Bonafide", "Failures", {"service": "door"}), 30, [1.0] * 50)
    assert world.release(template(), template(door="b")).status == UpdateStatus.ROLLED_BACK
    assert (world.history, world.called) == ([], [])


def test_without_any_traffic_no_alarm_is_raised_and_golden_calls_decide() -> None:
    world = World(load=0)
    assert world.release(template(), template(door="b")).status == UpdateStatus.PROMOTED
    assert world.monitor.states == {"Failing": AlarmState.OK, "NewFailing": AlarmState.OK, "Worst": AlarmState.OK}


def test_an_alarm_about_a_version_begins_anew_with_the_next_one() -> None:
    first, second = template(), template(door="b").after(template())
    world = World(failing=lambda _minute: 1)
    world.monitor.define(first)
    world.store.put(Metric.of("Bonafide", "Failures", {"version": "1"}), 30, [1.0])
    world.monitor.evaluate(60)
    assert world.alarming(["NewFailing"]) == ["door-failing-1"]
    world.monitor.define(second)
    assert (world.alarming(["NewFailing"]), world.monitor.states["Failing"]) == ([], AlarmState.OK)


def test_a_composite_alarm_follows_its_rule() -> None:
    world = World(failing=lambda _minute: 1)
    world.release(template(), template(door="b"))
    assert world.monitor.states == {
        "Failing": AlarmState.ALARM,
        "NewFailing": AlarmState.ALARM,
        "Worst": AlarmState.ALARM,
    }


@pytest.mark.parametrize("config", [CANARY, "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes"])
@given(bad=st.sets(st.integers(0, 20)))
def test_traffic_grows_only_while_no_alarm_says_otherwise(config: str, bad: set[int]) -> None:
    world = World(failing=lambda minute: float(minute in bad))
    release = world.release(template(), template(door="b", config=config))
    minutes = sum(step.seconds for step in steps(config)) // 60
    first = min((minute for minute in bad if 1 <= minute <= minutes), default=None)
    assert release.status == (UpdateStatus.PROMOTED if first is None else UpdateStatus.ROLLED_BACK)
    assert world.weights["door"] == (1 if first is None else 0)
    assert all(minute <= (minutes + 1 if first is None else first) for minute, _, _ in world.history)
