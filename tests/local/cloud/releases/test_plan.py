"""What a stack update has to do."""

from dataclasses import replace

import pytest

from local.cloud.releases.plan import AliasShift, TrafficStep, steps, waves
from tests.local.cloud.releases.templates import CANARY, ROLLBACK, template, update


def test_only_functions_with_a_new_version_are_updated() -> None:
    assert waves(template(), template()) == []
    ((shift,),) = waves(*update(template(), template(door="b")))
    assert (shift.function, shift.before, shift.after) == ("door", "probe", "probe")
    assert (shift.former, shift.version) == ("1", "2")
    assert shift.alarms == ["Failing", "NewFailing"]


def test_an_alias_waits_for_those_that_it_depends_on() -> None:
    assert [[each.function for each in wave] for wave in waves(template(), template("b", "b"))] == [["read"], ["door"]]


def test_the_way_back_follows_the_policies_of_the_old_template() -> None:
    old, new = update(template(config=CANARY), template("b", "b", config="CodeDeployDefault.LambdaAllAtOnce"))
    (first,), (second,) = waves(new, old)
    assert [(each.function, each.former, each.version) for each in (first, second)] == [
        ("read", "2", "1"),
        ("door", "2", "1"),
    ]
    assert first.steps == steps(CANARY)
    assert [[each.function for each in wave] for wave in waves(new, old, {"door"})] == [["door"]]


def test_an_alias_that_did_not_exist_is_created_whatever_its_policy_says() -> None:
    new = template()
    before = {id_: each for id_, each in new.content["Resources"].items() if not id_.startswith(("DoorAl", "DoorVer"))}
    ((shift,),) = waves(replace(new, content={"Resources": before}), new)
    assert shift == AliasShift("door", "1")


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
