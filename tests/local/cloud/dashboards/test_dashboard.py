"""Dashboards drawn from metrics."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.cloud.alarms.alarm import AlarmState
from local.cloud.dashboards.dashboard import widgets
from local.cloud.dashboards.drawing import DashboardView, draw
from local.cloud.metrics.store import Metric, MetricStore

SERVICE = {"service": "authenticate_caller"}


def store() -> MetricStore:
    filled = MetricStore()
    for minute in range(10):
        filled.put(Metric.of("Bonafide", "Requests", SERVICE), minute * 60, [1.0] * 20)
        filled.put(Metric.of("Bonafide", "Failures", SERVICE), minute * 60, [1.0] * minute)
    return filled


def body(*found: dict[str, Any], **settings: Any) -> str:
    return json.dumps({"widgets": [{"x": 0, "y": 0, "width": 24, "height": 6} | each for each in found]} | settings)


def graph(*metrics: list[Any], **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"metrics": list(metrics), "stat": "Sum", **properties}}


REQUESTS = ["Bonafide", "Requests", "service", "authenticate_caller", {"id": "m1", "visible": False}]
FAILURES = [".", "Failures", ".", ".", {"id": "m2", "color": "#d62728"}]
SHARE = [{"expression": "100 * m2 / m1", "label": "failed, %", "id": "e1", "yAxis": "right"}]


def test_a_graph_holds_its_visible_metrics_and_expressions() -> None:
    (widget,) = widgets(body(graph(REQUESTS, FAILURES, SHARE)))
    failed, share = widget.lines(store(), 0, 180)
    assert (failed.label, failed.color, dict(failed.points)) == ("Failures", "#d62728", {60: 1, 120: 2})
    assert (share.label, share.right, dict(share.points)) == ("failed, %", True, {0: 0, 60: 5, 120: 10})


def test_three_dots_stand_for_all_parts_of_the_row_before() -> None:
    (widget,) = widgets(body(graph(["Bonafide", "Failures", "service", "a"], ["...", "authenticate_caller"])))
    assert dict(widget.lines(store(), 60, 120)[1].points) == {60: 1}


def test_a_search_finds_the_metrics_that_have_just_these_dimensions() -> None:
    filled = store()
    for version in ("1", "2"):
        for service in ("authenticate_caller", "enroll_speaker"):
            metric = Metric.of("Bonafide", "Requests", {"service": service, "version": version})
            filled.put(metric, 0, [float(version)])
    search = "SEARCH('{Bonafide,service,version} MetricName=\"Requests\" service=\"authenticate_caller\"', 'Sum', 60)"
    (widget,) = widgets(body(graph([{"expression": search, "label": "version ${PROP('Dim.version')}"}])))
    lines = widget.lines(filled, 0, 60)
    assert [(line.label, dict(line.points)) for line in lines] == [("version 1", {0: 1}), ("version 2", {0: 2})]


def test_a_dashboard_that_insists_on_its_periods_keeps_them() -> None:
    (widget,) = widgets(body(graph(REQUESTS[:-1], period=300), periodOverride="inherit"))
    assert dict(widget.lines(store(), 0, 600)[0].points) == {0: 100, 300: 100}


def test_every_kind_of_widget_is_drawn(tmp_path: Path) -> None:
    shown: list[dict[str, Any]] = [
        {"type": "text", "properties": {"markdown": "# Are callers served?\nLook at the top row."}, "height": 2},
        {
            "type": "alarm",
            "properties": {"title": "Alarms", "alarms": ["arn:aws:cloudwatch:us-east-1:1:alarm:Failing"]},
        },
        graph(REQUESTS, FAILURES, SHARE, title="Failures", annotations={"horizontal": [{"value": 5, "label": "bad"}]}),
        graph(REQUESTS[:-1], view="singleValue"),
        graph(REQUESTS[:-1], ["Bonafide", "Failures", "service", "authenticate_caller"], stacked=True),
    ]
    placed = [each | {"y": 6 * i} for i, each in enumerate(shown)]
    scene = DashboardView("A release", store(), 0, 600, {"Failing": AlarmState.ALARM}, {300: "rolled back"})
    draw(widgets(body(*placed)), scene, tmp_path / "dashboard.png")
    assert (tmp_path / "dashboard.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("unknown", [{"type": "log", "properties": {}}, graph(REQUESTS, view="gauge")])
def test_what_cannot_be_drawn_is_refused(unknown: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        draw(widgets(body(unknown)), DashboardView("", store(), 0, 600, {}, {}), tmp_path / "dashboard.png")
