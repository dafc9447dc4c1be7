"""What the alarms and the dashboard of a stage cost in a month, by the price list, and what one more function costs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost import PRICES
from benchmarks.month import alarm_metrics
from stacks.catalog import NAMES
from tests.stacks.delivery import DECIDING, RELEASE_ALARMS

MOST_FOR_A_STAGE = 37
MOST_FOR_A_FUNCTION = 1.0
USD = {name: each["usd"] for name, each in json.loads(PRICES.read_text())["prices"].items()}
METRICS = json.loads(NAMES.read_text())["metrics"]
# What a function that answers requests emits; an objective's metric exists already, whoever adds to it.
OF_ANSWERS = ("Failures", "RequestLatency")


@pytest.fixture(scope="module")
def resources(assembly: Path) -> list[dict[str, Any]]:
    files = assembly.glob("Bonafide-dev-*.template.json")
    return [each for path in files for each in json.loads(path.read_text())["Resources"].values()]


def test_the_alarms_and_the_dashboard_of_a_stage_cost_less_than_a_bound(resources: list[dict[str, Any]]) -> None:
    kinds = [each["Type"] for each in resources]
    cost = USD["alarm_metric_months"] * sum(map(alarm_metrics, resources))
    cost += USD["composite_alarm_months"] * kinds.count("AWS::CloudWatch::CompositeAlarm")
    cost += USD["dashboard_months"] * kinds.count("AWS::CloudWatch::Dashboard")
    assert 20 < cost <= MOST_FOR_A_STAGE


@pytest.mark.parametrize("service", [name for name, kinds in RELEASE_ALARMS.items() if "failed-answers" in kinds])
def test_a_function_that_answers_requests_costs_at_most_a_dollar(resources: list[dict[str, Any]], service: str) -> None:
    own = [each for each in _alarms(resources, service) if _kind(each) not in DECIDING]
    assert {_kind(each) for each in own} == {"failed-answers", "late-answers", "function-errors"}
    # Once for each version; a metric by objective exists already.
    emitted = [by for name in OF_ANSWERS for by in METRICS[name]["by"] if "service" in by]
    cost = USD["alarm_metric_months"] * sum(map(alarm_metrics, own)) + USD["metric_months"] * len(emitted)
    assert 0.5 < cost <= MOST_FOR_A_FUNCTION + 1e-9


def _alarms(resources: list[dict[str, Any]], service: str) -> Iterator[dict[str, Any]]:
    """Yields the alarms of one function, of its releases and of itself."""
    for each in resources:
        if each["Type"] == "AWS::CloudWatch::Alarm" and f"-{service}-" in json.dumps(each["Properties"]["AlarmName"]):
            yield each


def _kind(alarm: dict[str, Any]) -> str:
    return str(alarm["Properties"]["AlarmDescription"]).rpartition("/")[2].removesuffix(".md")


def test_metrics_by_method_are_off_since_they_are_billed(resources: list[dict[str, Any]]) -> None:
    (stage,) = [each["Properties"] for each in resources if each["Type"] == "AWS::ApiGateway::Stage"]
    assert stage["MethodSettings"]
    assert not any(each.get("MetricsEnabled") for each in stage["MethodSettings"])


def test_alarms_find_the_metrics_of_the_api_by_its_name(resources: list[dict[str, Any]]) -> None:
    (api,) = [each["Properties"]["Name"] for each in resources if each["Type"] == "AWS::ApiGateway::RestApi"]
    (stage,) = [each["Properties"]["StageName"] for each in resources if each["Type"] == "AWS::ApiGateway::Stage"]
    watched = [each for each in resources if '"ApiName"' in json.dumps(each)]
    assert watched
    for each in watched:
        found = json.dumps(each).replace(" ", "")
        assert found.count(f'"Name":"ApiName","Value":"{api}"') == found.count('"ApiName"')
        assert found.count(f'"Name":"Stage","Value":"{stage}"') == found.count('"Stage"')
