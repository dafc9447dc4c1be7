"""Releases on simulated minutes, over synthetic metrics: who gets the new version, and when it is taken back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.metrics.store import Metric, MetricStore
from local.cloud.releases.deploy import StackUpdate, UpdateStatus
from local.cloud.releases.plan import AliasShift, steps
from tests.local.cloud.releases.templates import CANARY, template, update

CALLS = 100
# Alarms about the released version alone, as the product has them.
OWN: dict[str, Any] = {"AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": {"Ref": "NewFailing"}}]}}

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
        reverted: how often all but the aliases was restored.
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
    reverted: int = 0

    def __post_init__(self) -> None:
        self.monitor = AlarmMonitor(self.store)

    def now(self) -> float:
        return self.minute * 60

    def create(self, shift: AliasShift) -> None:
        self.weights[shift.function] = 0

    def share(self, shift: AliasShift, weight: float) -> None:
        self.weights[shift.function] = weight if shift.version == "2" else 1 - weight
        self.history.append((self.minute, shift.function, self.weights[shift.function]))

    def restore(self, shift: AliasShift) -> None:
        self.weights[shift.function] = 0 if shift.former == "1" else 1

    def revert(self) -> None:
        self.reverted += 1
        self.monitor.define(self.former)

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

    def begin(self, old: StackTemplate, new: StackTemplate) -> StackUpdate:
        release = StackUpdate(*update(old, new), self, lambda text, _: self.notes.append(text))
        self.former = release.old
        self.monitor.define(release.new)
        self.pass_a_minute()
        return release

    def play(self, steps: Iterator[None], minutes: int = 120) -> None:
        for _ in zip(steps, range(minutes), strict=False):
            self.pass_a_minute()

    def release(self, old: StackTemplate, new: StackTemplate) -> StackUpdate:
        release = self.begin(old, new)
        self.play(release.run())
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
    release = world.release(template(**OWN), template("b", "b", **OWN))
    assert release.status == UpdateStatus.ROLLED_BACK
    assert "door-failing-2" in release.reason
    assert [weight for _, function, weight in world.history if function == "door"] == [0.1]
    assert world.weights == {"read": 0, "door": 0}


def test_what_was_released_before_it_goes_back_as_it_came_by_the_old_policy_and_past_the_hooks() -> None:
    world = World(failing=lambda _minute: 0.5)
    new = template("b", "b", **OWN)
    new.content["Resources"]["ReadGroup"]["Properties"]["DeploymentConfigName"] = "CodeDeployDefault.LambdaAllAtOnce"
    release = world.release(template(**OWN), new)
    assert (release.status, world.reverted) == (UpdateStatus.ROLLED_BACK, 1)
    read = [(minute, weight) for minute, function, weight in world.history if function == "read"]
    assert [weight for _, weight in read] == [1, 0.9, 0]
    assert read[2][0] - read[1][0] == 5
    # Before and after, forth and back.
    assert [function for function, _ in world.called].count("read") == 4


def test_an_alarm_about_the_service_as_a_whole_is_in_the_way_of_the_way_back() -> None:
    world = World(failing=lambda _minute: 1)
    release = world.release(template(), template("b", "b"))
    assert (release.status, world.weights) == (UpdateStatus.ROLLBACK_FAILED, {"read": 1, "door": 0})


def test_others_of_the_same_wave_that_are_under_way_go_back_at_once() -> None:
    world = World(reports=["Succeeded", "Failed"])
    old, new = template(), template("b", "b")
    for each in (old, new):
        each.content["Resources"]["DoorAlias"].pop("DependsOn")
    release = world.release(old, new)
    assert release.status == UpdateStatus.ROLLED_BACK
    assert (world.weights, release.updated) == ({"read": 0, "door": 0}, set())


def test_a_rollback_that_fails_is_continued_with_what_is_left() -> None:
    # The reader is released, the door is not, and the reader's way back fails first.
    world = World(reports=["Succeeded", "Succeeded", "Failed", "Failed", "Succeeded"])
    release = world.release(template(), template("b", "b"))
    assert (release.status, world.weights["read"]) == (UpdateStatus.ROLLBACK_FAILED, 1)
    world.play(release.continue_rollback())
    assert (release.status, world.weights["read"], release.updated) == (UpdateStatus.ROLLED_BACK, 0, set())
    with pytest.raises(ValueError, match="cannot be continued"):
        world.play(release.continue_rollback())


def test_a_canceled_update_goes_back_and_one_that_is_over_cannot_be_canceled() -> None:
    world = World()
    release = world.begin(template(), template("b", "b"))
    running = release.run()
    world.play(running, 9)
    assert world.weights == {"read": 1, "door": 0.1}
    release.cancel()
    world.play(running)
    assert (release.status, release.reason) == (UpdateStatus.ROLLED_BACK, "canceled")
    assert world.weights == {"read": 0, "door": 0}
    with pytest.raises(ValueError, match="cannot be canceled"):
        release.cancel()


def test_the_first_deployment_shifts_and_probes_nothing() -> None:
    world, new = World(), template("a", "a")
    names = ("ReadAl", "ReadVer", "DoorAl", "DoorVer")
    before = {id_: each for id_, each in new.content["Resources"].items() if not id_.startswith(names)}
    release = world.release(replace(new, content={"Resources": before}), new)
    assert release.status == UpdateStatus.PROMOTED
    assert (world.history, world.called, world.weights) == ([], [], {"read": 0, "door": 0})


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
    first, second = update(template(), template(door="b"))
    world = World(failing=lambda _minute: 1)
    world.monitor.define(first)
    world.store.put(Metric.of("Bonafide", "Failures", {"version": "1"}), 30, [1.0])
    world.monitor.evaluate(60)
    assert world.alarming(["NewFailing"]) == ["door-failing-1"]
    world.monitor.define(second)
    assert (world.alarming(["NewFailing"]), world.monitor.states["Failing"]) == ([], AlarmState.OK)


def test_a_composite_alarm_follows_its_rule() -> None:
    world = World(failing=lambda _minute: 1)
    world.begin(template(), template(door="b"))
    world.weights["door"] = 1
    world.pass_a_minute()
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
