"""States of alarms against the tables of CloudWatch's documentation (alarms-and-missing-data)."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.alarms.alarm import AlarmState, MetricAlarm, alarm, judge
from local.cloud.metrics.store import Metric, MetricStore

OK, ALARM, FEW = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
KEPT = None
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
POINTS = {"0": False, "X": True, "-": None}
METRIC = Metric.of("Bonafide", "Failures", {"service": "authenticate_caller"})


def settings(**properties: Any) -> MetricAlarm:
    written = {
        "Namespace": METRIC.namespace,
        "MetricName": METRIC.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in METRIC.dimensions],
        "Statistic": "Sum",
        "Period": 60,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return alarm("Failing", written | properties)


@pytest.mark.parametrize(
    ("datapoints", "points", "expected"),
    [
        (3, "0-X-X", (OK, OK, OK, OK)),
        (3, "----0", (OK, OK, OK, OK)),
        (3, "-----", (FEW, KEPT, ALARM, OK)),
        (3, "0XX-X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "--X--", (ALARM, KEPT, ALARM, OK)),
        (3, "----X", (FEW, KEPT, ALARM, OK)),
        (3, "---X-", (FEW, KEPT, ALARM, OK)),
        (2, "0-X-X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "00X0X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0-X--", (OK, OK, ALARM, OK)),
        (2, "----0", (OK, OK, ALARM, OK)),
        (2, "---X-", (ALARM, KEPT, ALARM, OK)),
    ],
)
@pytest.mark.parametrize("current", list(AlarmState))
def test_missing_points_are_treated_as_the_documentation_tabulates(
    datapoints: int, points: str, expected: tuple[AlarmState | None, ...], current: AlarmState
) -> None:
    written = [POINTS[each] for each in points]
    judged = [
        judge(settings(EvaluationPeriods=3, DatapointsToAlarm=datapoints, TreatMissingData=each), written, current)
        for each in TREATMENTS
    ]
    assert judged == [current if each is KEPT else each for each in expected]


@given(
    st.lists(st.sampled_from([True, False]), min_size=5, max_size=5),
    st.integers(1, 3),
    st.sampled_from(TREATMENTS),
    st.sampled_from(list(AlarmState)),
)
def test_without_missing_points_their_treatment_does_not_matter(
    points: list[bool], datapoints: int, treatment: str, current: AlarmState
) -> None:
    judged = settings(EvaluationPeriods=3, DatapointsToAlarm=datapoints, TreatMissingData=treatment)
    assert judge(judged, points, current) == (ALARM if sum(points[-3:]) >= datapoints else OK)


def failures(*counts: int) -> MetricStore:
    store = MetricStore()
    for minute, count in enumerate(counts):
        store.put(METRIC, minute * 60 + 30, [1.0] * count)
    return store


def test_a_period_of_several_minutes_ends_with_each_minute() -> None:
    watched = settings(EvaluationPeriods=1, Period=300, TreatMissingData="notBreaching")
    store = failures(0, 0, 3, 0, 0, 3, 0, 0)
    states = [watched.evaluate(store, minute * 60, OK) for minute in (5, 6, 7, 8)]
    assert states == [OK, ALARM, ALARM, OK]


def test_an_alarm_on_an_expression_watches_the_one_that_is_returned() -> None:
    stat = {"Namespace": METRIC.namespace, "MetricName": METRIC.name}
    dimensions = [{"Name": name, "Value": value} for name, value in METRIC.dimensions]
    metrics = [
        {
            "Id": "failed",
            "ReturnData": False,
            "MetricStat": {"Metric": stat | {"Dimensions": dimensions}, "Period": 60, "Stat": "Sum"},
        },
        {"Id": "twice", "Expression": "failed * 2"},
    ]
    properties = {"Metrics": metrics, "EvaluationPeriods": 1, "Threshold": 5}
    watched = alarm("Twice", properties | {"ComparisonOperator": "GreaterThanThreshold"})
    assert watched.evaluate(failures(2, 3), 60, OK) == OK
    assert watched.evaluate(failures(2, 3), 120, OK) == ALARM


def test_a_percentile_of_few_samples_changes_nothing_if_so_told() -> None:
    low = {"Statistic": None, "ExtendedStatistic": "p90", "Threshold": 0, "EvaluationPeriods": 1}
    patient = settings(**low, EvaluateLowSampleCountPercentile="ignore")
    assert settings(**low).evaluate(failures(99), 60, OK) == ALARM
    assert patient.evaluate(failures(99), 60, OK) == OK
    assert patient.evaluate(failures(100), 60, OK) == ALARM


@pytest.mark.parametrize(
    "properties",
    [
        {"ThresholdMetricId": "band"},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
    ],
)
def test_an_alarm_with_an_unknown_setting_is_refused(properties: Mapping[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        settings(EvaluationPeriods=1, **properties)
