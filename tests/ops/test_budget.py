"""A deployment with a nearly used up error budget needs a reason, which is kept."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops import budget
from stacks.slo import Objectives

STAGE = "production"
# Objective to values of its metric, a day ago.
type Events = Mapping[str, list[float]]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield


def given(events: Events, stage: str = STAGE, days: float = 1) -> None:
    client = boto3.client("cloudwatch")
    at = datetime.now(UTC) - timedelta(days=days)
    for slo in Objectives.read().slos:
        for value in events.get(slo.name, []):
            place: Any = [{"Name": name, "Value": each} for name, each in slo.dimensions(stage).items()]
            data: Any = {"MetricName": slo.events.metric, "Dimensions": place, "Timestamp": at, "Value": value}
            client.put_metric_data(Namespace=slo.events.namespace, MetricData=[data])


def kept() -> list[dict[str, Any]]:
    try:
        history = boto3.client("ssm").get_parameter_history(Name=budget.parameter(STAGE))["Parameters"]
    except boto3.client("ssm").exceptions.ParameterNotFound:
        return []
    return [json.loads(each["Value"]) for each in history]


FAILING = {"golden-calls-right": [1.0] * 4 + [0.0] * 36}


def test_a_stage_without_data_may_be_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    assert budget.check(STAGE, "") == 0
    assert capsys.readouterr().out.count("no events") == len(Objectives.read().slos)


def test_with_little_left_a_deployment_is_refused_and_the_objective_named(capsys: pytest.CaptureFixture[str]) -> None:
    given(FAILING)
    assert budget.check(STAGE, "") == 1
    told = capsys.readouterr()
    assert "4 of 40 bad" in told.out
    assert "golden-calls-right" in told.err
    assert kept() == []


def deploy(assembly: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> int:
    template = {"Outputs": {"Release": {"Value": "1f2e 2026-01-31T10:00:00Z"}}}
    (assembly / f"Bonafide-{STAGE}-Service.template.json").write_text(json.dumps(template))
    given = ["budget", "--stage", STAGE, "--reason", reason, "--assembly", str(assembly)]
    monkeypatch.setattr(sys, "argv", given)
    return budget.main()


def test_with_a_reason_it_is_deployed_and_the_reason_is_kept_with_who_gave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(FAILING)
    assert deploy(tmp_path, monkeypatch, "repairs the golden calls") == 0
    assert budget.check(STAGE, "once more") == 0
    first, second = kept()
    assert (first["reason"], second["reason"]) == ("repairs the golden calls", "once more")
    # Of the archive, which may be older than what is checked out.
    assert (first["release"], second["release"]) == ("1f2e 2026-01-31T10:00:00Z", "")
    assert first["by"].startswith("arn:aws:")
    assert first["left"] == {"golden-calls-right": -9.0}


def test_a_reason_that_is_not_needed_is_not_kept() -> None:
    assert budget.check(STAGE, "to be sure") == 0
    assert kept() == []


@pytest.mark.parametrize(
    ("events", "stage", "days"),
    [(FAILING, "staging", 1), (FAILING, STAGE, 40), ({"golden-calls-right": [1.0, 1.0, 0.0]}, STAGE, 1)],
    ids=["of another stage", "before the window", "too few to judge"],
)
def test_what_does_not_count_refuses_nothing(events: Events, stage: str, days: float) -> None:
    given(events, stage, days)
    assert budget.check(STAGE, "") == 0


@pytest.mark.parametrize(("bad", "allowed"), [(7, True), (8, False)])
def test_a_quarter_has_to_be_left(bad: int, allowed: bool) -> None:
    use = budget.BudgetUse(next(slo for slo in Objectives.read().slos if slo.objective == 99), bad, 1000)
    assert (use.left >= budget.LEAST_LEFT) == allowed


def test_every_objective_is_asked_for_with_the_statistics_of_its_alarms() -> None:
    objectives = Objectives.read()
    asked: dict[str, Any] = {}

    class Client:
        def get_paginator(self, _name: str) -> "Client":
            return self

        def paginate(self, **request: Any) -> list[dict[str, Any]]:
            asked.update(request)
            return [{"MetricDataResults": [{"Id": "bad1", "Values": [2.0, 3.0]}, {"Id": "total1", "Values": [50.0]}]}]

    uses = budget.read(Client(), STAGE, objectives)
    assert (uses[1].bad, uses[1].total) == (5, 50)
    statistics = {each["MetricStat"]["Stat"] for each in asked["MetricDataQueries"]}
    assert statistics == {
        "Sum",
        "SampleCount",
        *(f"TC({slo.events.above_ms:g}:)" for slo in objectives.slos if slo.events.above_ms),
    }
    assert (asked["EndTime"] - asked["StartTime"]).days == objectives.window_days
