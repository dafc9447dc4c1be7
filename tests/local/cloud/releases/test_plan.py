"""What a stack update has to do."""

import pytest

from local.cloud.releases.plan import TrafficStep, steps, waves
from tests.local.cloud.releases.templates import CANARY, ROLLBACK, template


def test_only_functions_with_a_new_version_are_updated() -> None:
    assert waves(template(), template()) == []
    ((shift,),) = waves(template(), template(door="b"))
    assert (shift.function, shift.before, shift.after) == ("door", "probe", "probe")
    assert shift.alarms == ["Failing", "NewFailing"]


def test_an_alias_waits_for_those_that_it_depends_on() -> None:
    assert [[each.function for each in wave] for wave in waves(template(), template("b", "b"))] == [["read"], ["door"]]


def test_a_new_version_has_the_next_number_and_one_that_stays_keeps_its_own() -> None:
    updated = template(door="b").after(template())
    again = template("b", "b").after(updated)
    numbers = {name: again.number(version) for name, version in again.versions().items()}
    assert numbers == {"read": "2", "door": "2"}
    assert {name: updated.number(version) for name, version in updated.versions().items()} == {"read": "1", "door": "2"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CANARY, [TrafficStep(0.1, 300), TrafficStep(1)]),
        ("CodeDeployDefault.LambdaCanary10Percent30Minutes", [TrafficStep(0.1, 1800), TrafficStep(1)]),
        (
            "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
            [*(TrafficStep(i / 10, 60) for i in range(1, 10)), TrafficStep(1)],
        ),
        ("CodeDeployDefault.LambdaAllAtOnce", [TrafficStep(1)]),
    ],
)
def test_traffic_is_shifted_as_the_deployment_configuration_says(config: str, expected: list[TrafficStep]) -> None:
    assert steps(config) == expected


def test_a_deployment_configuration_that_is_not_known_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        steps("Careful")


@pytest.mark.parametrize("rollback", [{}, ROLLBACK | {"Enabled": False}, ROLLBACK | {"Events": ["DEPLOYMENT_FAILURE"]}])
def test_a_group_that_would_not_roll_back_is_refused(rollback: dict[str, object]) -> None:
    with pytest.raises(NotImplementedError):
        waves(template(), template(door="b", AutoRollbackConfiguration=rollback))
