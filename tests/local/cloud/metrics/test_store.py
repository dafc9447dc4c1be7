"""From log lines to statistics."""

import json
from typing import Any

import pytest

from local.cloud.metrics.emf import MalformedError, samples
from local.cloud.metrics.statistics import statistic
from local.cloud.metrics.store import Metric, MetricStore

VALUES = [100.0, 300.0, 200.0, 400.0]


def line(**members: Any) -> str:
    directive = {
        "Namespace": "Bonafide",
        "Dimensions": [["service"], ["service", "version"]],
        "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "RequestLatency", "Unit": "Milliseconds"}],
    }
    metadata = {"Timestamp": 1_780_000_000_500, "CloudWatchMetrics": [directive]}
    values = {"service": "authenticate_caller", "version": "2", "Requests": 1, "RequestLatency": [80, 90.5]}
    return json.dumps({"_aws": metadata, **values, **members})


def test_each_set_of_dimensions_makes_a_metric_of_its_own() -> None:
    found = [(each.metric.name, dict(each.metric.dimensions), list(each.values)) for each in samples(line())]
    both = {"service": "authenticate_caller", "version": "2"}
    assert found == [
        ("Requests", {"service": "authenticate_caller"}, [1]),
        ("RequestLatency", {"service": "authenticate_caller"}, [80, 90.5]),
        ("Requests", both, [1]),
        ("RequestLatency", both, [80, 90.5]),
    ]


def test_units_and_milliseconds_are_read() -> None:
    assert {(each.unit, each.at) for each in samples(line())} == {
        ("Count", 1_780_000_000.5),
        ("Milliseconds", 1_780_000_000.5),
    }


@pytest.mark.parametrize("text", ["START RequestId: 1", "{not json", '{"level": "INFO"}', "[1]", ""])
def test_other_lines_hold_no_metrics(text: str) -> None:
    assert list(samples(text)) == []


@pytest.mark.parametrize(
    "members", [{"Requests": "1"}, {"Requests": True}, {"Requests": []}, {"Requests": [1.0] * 101}, {"version": 2}]
)
def test_a_line_whose_metrics_cloudwatch_would_not_find_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        list(samples(line(**members)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sum", 1000),
        ("SampleCount", 4),
        ("Average", 250),
        ("Minimum", 100),
        ("Maximum", 400),
        ("p50", 200),
        ("p75", 300),
        ("p99.9", 400),
        ("p100", 400),
        ("TC(100:300)", 2),
        ("TC(300:)", 1),
        ("TC(:300)", 3),
        ("PR(:300)", 75),
        ("PR(300:)", 25),
    ],
)
def test_statistics_leave_out_their_lower_bound_and_include_the_upper(name: str, expected: float) -> None:
    assert statistic(name, VALUES) == expected


@pytest.mark.parametrize("name", ["tm90", "TM(10%:90%)", "IQM", "p101", "sum"])
def test_a_statistic_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(NotImplementedError):
        statistic(name, VALUES)


def test_a_period_without_samples_has_no_point() -> None:
    store, metric = MetricStore(), Metric.of("Bonafide", "Requests", {})
    store.put(metric, 59.9, [1])
    store.put(metric, 130, [2, 3])
    store.put(metric, 120, [4])
    assert store.series(metric, "Sum", 60, [0, 60, 120]) == {0: 1, 120: 9}
    assert store.series(Metric.of("Bonafide", "Requests", {"service": "x"}), "Sum", 60, [0, 60, 120]) == {}
