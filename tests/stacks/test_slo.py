"""Objectives are data: faults in them are named before any alarm is made of them."""

import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.metrics.store import Metric, MetricStore
from stacks.slo import FILE, Objectives, SloError

NOW = 1_800_000_000
# Of the data stack: what it exports has the name of the export as its value.
EXPORTS: Mapping[str, str] = defaultdict(lambda: "data")


def entry(**changes: Any) -> dict[str, Any]:
    events = {"failures": "ProbeFailures"}
    whole = {"name": "a", "means": "b", "runbook": "c", "objective": 99, "services": ["d"], "events": events}
    return {name: value for name, value in (whole | changes).items() if value is not None}


def read(folder: Path, *slos: dict[str, Any], **rest: Any) -> Objectives:
    file = folder / "slo.yaml"
    file.write_text(yaml.safe_dump({"window_days": 28, "slos": list(slos)} | rest))
    return Objectives.read(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": 100}, "a: objective has to be above 50 and below 100 percent, is 100"),
        ({"objective": "99"}, "a: objective has to be"),
        ({"runbook": None}, "a: has to have exactly"),
        ({"name": None}, "an entry without a name: has to have exactly"),
        ({"color": "red"}, "a: has to have exactly"),
        ({"services": []}, "a: services have to be named, unless the gateway counts"),
        ({"events": {"gateway": "5XXError"}}, "a: services have to be named, unless the gateway counts"),
        ({"events": {"gateway": "Count"}}, "a: events are gateway"),
        ({"events": {"failures": "Calls"}}, "a: no metric 'Calls' in metrics.json"),
        ({"events": {"failures": "Failures"}}, "a: Failures is recorded by"),
        ({"events": {"metric": "RequestLatency", "above_ms": 0}}, "a: events are gateway"),
        ({"events": {"metric": "RequestLatency"}}, "a: events are gateway"),
    ],
)
def test_a_wrong_entry_is_named_with_its_fault(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SloError, match=message):
        read(tmp_path, entry(**change))


def test_a_name_is_used_once(tmp_path: Path) -> None:
    with pytest.raises(SloError, match="a: there more than once"):
        read(tmp_path, entry(), entry(services=["e"]))


def test_a_function_counts_for_one_objective(tmp_path: Path) -> None:
    with pytest.raises(SloError, match="d: there more than once"):
        read(tmp_path, entry(), entry(name="b"))


def test_other_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SloError, match="exactly window_days and slos"):
        read(tmp_path, entry(), page="me")


def test_a_service_without_objective_has_no_bound() -> None:
    with pytest.raises(SloError, match="no objective says when RequestLatency of score_audio is late"):
        Objectives.read().bound_ms("score_audio")


def test_every_service_of_an_objective_is_a_function() -> None:
    folders = {path.name for path in (FILE.parent.parent / "functions").iterdir()}
    assert {service for slo in Objectives.read().slos for service in slo.services} <= folders


def states(assembly: Path, failed: int, requests: int, minutes: int) -> dict[str, AlarmState]:
    """Evaluates the template's alarms after failures in the last minutes of an hour of requests."""
    store = MetricStore()
    metric = Metric.of("AWS/ApiGateway", "5XXError", {"ApiName": "bonafide-dev", "Stage": "dev"})
    for i in range(requests):
        at = NOW - 60 * minutes * (i + 0.5) / max(failed, 1) if i < failed else NOW - 3600 * (i + 0.5) / requests
        store.put(metric, at, [float(i < failed)])
    monitor = AlarmMonitor(store)
    monitor.define(
        *(StackTemplate.read(assembly, f"Bonafide-dev-{stack}", EXPORTS) for stack in ("Service", "Monitoring"))
    )
    monitor.evaluate(NOW)
    return {monitor.names[id_].removeprefix("Bonafide-dev-"): state for id_, state in monitor.states.items()}


@pytest.mark.parametrize(
    ("failed", "requests", "minutes", "alarming"),
    [
        (0, 1000, 5, False),
        (100, 1000, 5, True),
        (1, 1000, 5, False),
        (2, 10, 5, False),
        (5, 1000, 60, False),
        (10, 1000, 60, True),
    ],
)
def test_a_burning_budget_raises_an_alarm_and_single_failures_do_not(
    assembly: Path, failed: int, requests: int, minutes: int, *, alarming: bool
) -> None:
    found = states(assembly, failed, requests, minutes)
    assert (found["failed-answers-burns-fast"] == AlarmState.ALARM) == alarming


def test_only_the_objective_whose_events_are_bad_burns(assembly: Path) -> None:
    found = states(assembly, 100, 1000, 5)
    burning = {name for name, state in found.items() if state == AlarmState.ALARM and "burns-fast" in name}
    assert burning == {"failed-answers-burns-fast"}


def test_what_no_function_answers_counts_against_an_objective(assembly: Path) -> None:
    """API Gateway counts a timeout, a crash and a throttled function as 5xx, as it does a 5xx of the handler."""
    alarms = StackTemplate.read(assembly, "Bonafide-dev-Monitoring", {}).resources("AWS::CloudWatch::Alarm")
    watched = [each for _, each in alarms if each["AlarmName"].startswith("Bonafide-dev-decisions-answered")]
    single = [each for each in watched if "Metrics" not in each]
    names = {(each["Namespace"], each["MetricName"]) for each in single}
    names |= {
        (query["MetricStat"]["Metric"]["Namespace"], query["MetricStat"]["Metric"]["MetricName"])
        for each in watched
        for query in each.get("Metrics", ())
        if "MetricStat" in query
    }
    assert names == {("AWS/ApiGateway", "5XXError")}


@given(objective=st.floats(50.1, 99.99))
def test_budget_and_objective_add_up_to_one(objective: float) -> None:
    slo = Objectives.read().slos[0]
    other = type(slo)(slo.name, slo.means, slo.runbook, objective, slo.services, slo.events)
    assert math.isclose(other.budget + objective / 100, 1)
