import json
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ThrottledError
from local.aws.schedule import Schedule, Scheduler, rate, schedules
from local.aws.template import StackTemplate

SWEEP = Schedule("close_sessions", 60, "aws.events", "arn:aws:events:us-east-1:123456789012:rule/Sweep")


def template(kind: str, **properties: Any) -> StackTemplate:
    resources = {
        "CloseSessionsFunction05767D89": {"Type": "AWS::Lambda::Function"},
        "Sweep": {"Type": kind, "Properties": properties},
    }
    return StackTemplate(Path(), "Service", {"Resources": resources}, {})


def rule(expression: str = "rate(1 minute)", **properties: Any) -> StackTemplate:
    target = {"Arn": {"Fn::GetAtt": ["CloseSessionsFunction05767D89", "Arn"]}, "Id": "Target0", **properties}
    return template("AWS::Events::Rule", ScheduleExpression=expression, Targets=[target])


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200)]
)
def test_a_rate_says_how_many_seconds_lie_between_two_calls(expression: str, seconds: float) -> None:
    assert rate(expression) == seconds


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "at(2026-01-01T00:00:00)", "rate(1 week)"])
def test_another_kind_of_schedule_is_not_guessed(expression: str) -> None:
    with pytest.raises(NotImplementedError):
        list(schedules(rule(expression)))


def test_a_rule_calls_its_targets() -> None:
    assert list(schedules(rule())) == [SWEEP]


def test_a_schedule_calls_its_target_with_its_input() -> None:
    target = {"Arn": {"Ref": "CloseSessionsFunction05767D89"}, "Input": '{"all":true}', "RoleArn": "role"}
    given = template("AWS::Scheduler::Schedule", ScheduleExpression="rate(5 minutes)", State="ENABLED", Target=target)
    (schedule,) = schedules(given)
    assert (schedule.function, schedule.seconds, schedule.event(0)) == ("close_sessions", 300, b'{"all":true}')


def test_rules_for_events_and_disabled_ones_call_nobody_by_time() -> None:
    target = {"Arn": {"Ref": "CloseSessionsFunction05767D89"}, "Id": "Target0"}
    disabled = {"ScheduleExpression": "rate(1 minute)", "State": "DISABLED"}
    assert not list(schedules(template("AWS::Events::Rule", Targets=[target], **disabled)))
    assert not list(schedules(template("AWS::Events::Rule", Targets=[target], EventPattern={"source": ["aws.s3"]})))


def test_the_event_is_that_of_eventbridge() -> None:
    event = json.loads(SWEEP.event(1_800_000_000))
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2027-01-15T08:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/Sweep"],
        "detail": {},
    }


def test_calls_go_on_until_it_is_stopped_even_when_one_is_throttled() -> None:
    enough = threading.Event()
    calls: list[bytes] = []

    def invoke(event: bytes) -> Future[InvocationResult]:
        calls.append(event)
        if len(calls) == 1:
            raise ThrottledError
        if len(calls) == 3:
            enough.set()
        return Future()

    scheduler = Scheduler(SWEEP, invoke, pace=6000)
    assert enough.wait(10)
    scheduler.stop()
    so_far = len(calls)
    assert not threading.Event().wait(0.05)
    assert len(calls) == so_far
