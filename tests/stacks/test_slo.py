"""Objectives are data: faults in them are named before any alarm is made of them."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.metrics.store import Metric, MetricStore
from local.aws.template import StackTemplate
from stacks.slo import FILE, Objectives, SloError

NOW = 1_800_000_000
FAST = "DecisionsAnsweredFast"


def entry(**changes: Any) -> dict[str, Any]:
    events = {"bad": "Failures", "total": "Requests"}
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
        ({"services": []}, "a: has to be about 1 to 5 services"),
        ({"services": list("abcdef")}, "a: has to be about 1 to 5 services"),
        ({"events": {"bad": "Failures", "total": "Calls"}}, "a: no metric 'Calls' in metrics.json"),
        ({"events": {"metric": "RequestLatency", "above_ms": 0}}, "a: events are either"),
        ({"events": {"metric": "RequestLatency"}}, "a: events are either"),
    ],
)
def test_a_wrong_entry_is_named_with_its_fault(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SloError, match=message):
        read(tmp_path, entry(**change))


def test_a_name_is_used_once(tmp_path: Path) -> None:
    with pytest.raises(SloError, match="a: there more than once"):
        read(tmp_path, entry(), entry())


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
    for name, values in {
        "Requests": [1.0] * requests,
        "Failures": [1.0] * failed + [0.0] * (requests - failed),
    }.items():
        for i, value in enumerate(values):
            at = NOW - 60 * minutes * (i + 0.5) / max(failed, 1) if i < failed else NOW - 3600 * (i + 0.5) / requests
            store.put(Metric.of("Bonafide", name, {"service": "authenticate_caller"}), at, [value])
    monitor = AlarmMonitor(store)
    monitor.define(StackTemplate.read(assembly, "Bonafide-dev-Monitoring", {}))
    monitor.evaluate(NOW)
    return {name: state for name, state in monitor.states.items() if name.startswith(FAST)}


@pytest.mark.parametrize(
    ("failed", "requests", "minutes", "alarming"),
    [(0, 1000, 5, False), (100, 1000, 5, True), (1, 1000, 5, False), (2, 10, 5, False), (10, 1000, 60, False)],
)
def test_a_burning_budget_raises_an_alarm_and_single_failures_do_not(
    assembly: Path, failed: int, requests: int, minutes: int, *, alarming: bool
) -> None:
    found = states(assembly, failed, requests, minutes)
    composite = next(state for name, state in found.items() if "Minutes" not in name)
    assert (composite == AlarmState.ALARM) == alarming


@given(objective=st.floats(50.1, 99.99))
def test_budget_and_objective_add_up_to_one(objective: float) -> None:
    slo = Objectives.read().slos[0]
    other = type(slo)(slo.name, slo.means, slo.runbook, objective, slo.services, slo.events)
    assert math.isclose(other.budget + objective / 100, 1)
