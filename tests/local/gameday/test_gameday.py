"""The exercises of a game day; that they go as they have to is what `make gameday` shows."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from local.aws.relay import RelayRequest
from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import Notification
from local.gameday.exercises import EXERCISES, refusing, slow
from local.gameday.play import judge


def test_every_exercise_expects_alarms_that_exist(assembly: Path) -> None:
    template = StackTemplate.read(assembly, "Bonafide-dev-Service", defaultdict(str))
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    names = [each["AlarmName"] for kind in kinds for _, each in template.resources(kind)]
    assert EXERCISES
    for each in EXERCISES:
        assert any(name.endswith(f"-{each.page}") for name in names)
        assert any(each.cause in name for name in names)


def test_only_the_service_that_is_broken_refuses() -> None:
    fault = refusing("Kinesis")
    assert fault(RelayRequest("DynamoDB_20120810.GetItem", "POST", b"")) is None
    answer = fault(RelayRequest("Kinesis_20131202.PutRecord", "POST", b""))
    assert answer is not None
    assert answer.status == 500


def test_what_is_slow_answers_all_the_same() -> None:
    assert slow(RelayRequest("Kinesis_20131202.PutRecord", "POST", b"")) is None


def page(alarm: str = "Bonafide-staging-dependency-fails", topic: str = "Bonafide-staging-pages") -> Notification:
    return Notification(0, topic, alarm, AlarmState.ALARM, ("Bonafide-staging-domain_table-fails",))


CLEAR = Notification(60, "Bonafide-staging-pages", "Bonafide-staging-callers-affected", AlarmState.OK)


@pytest.mark.parametrize(
    ("sent", "lost", "fault"),
    [
        ([page(), CLEAR], [], None),
        ([page(), page("other"), CLEAR], [], "2 notifications"),
        ([page(topic="Bonafide-staging-tickets"), CLEAR], [], "1 notifications"),
        ([page("Bonafide-staging-function-fails"), CLEAR], [], "paged instead"),
        ([replace(page(), because=("another",)), CLEAR], [], "does not name domain_table-fails"),
        ([page()], [], "0 all-clears"),
        ([page(), CLEAR, CLEAR], [], "2 all-clears"),
        ([page(), CLEAR], [page()], "reached nobody"),
    ],
)
def test_an_exercise_holds_only_with_one_page_that_names_the_cause_and_one_all_clear(
    sent: list[Notification], lost: list[Notification], fault: str | None
) -> None:
    found = list(judge(EXERCISES[0], sent, lost))
    assert bool(found) == bool(fault)
    assert fault is None or fault in found[0]
