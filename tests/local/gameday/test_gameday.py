"""The exercises of a game day; that they go as they have to is what `make gameday` shows."""

from pathlib import Path

import pytest

from local.aws.relay import RelayRequest
from local.gameday.exercises import EXERCISES, refusing, slow
from local.gameday.play import print_result

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"


def test_every_exercise_is_about_an_alarm_that_has_a_runbook() -> None:
    assert EXERCISES
    assert [each.kind for each in EXERCISES if not (RUNBOOKS / f"{each.kind}.md").exists()] == []


def test_only_the_service_that_is_broken_refuses() -> None:
    fault = refusing("Kinesis")
    assert fault(RelayRequest("DynamoDB_20120810.GetItem", "POST", b"")) is None
    answer = fault(RelayRequest("Kinesis_20131202.PutRecord", "POST", b""))
    assert answer is not None
    assert answer.status == 500


def test_what_is_slow_answers_all_the_same() -> None:
    assert slow(RelayRequest("Kinesis_20131202.PutRecord", "POST", b"")) is None


@pytest.mark.parametrize(("went_off", "ended"), [(True, True), (False, False), (True, False)])
def test_an_exercise_holds_only_if_its_alarm_went_off_and_ended(went_off: bool, ended: bool) -> None:
    assert print_result("late-answers", ["an-alarm"], went_off, ended) == (went_off and ended)
