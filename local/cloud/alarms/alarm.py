"""Metric alarms of templates and the evaluation of their states.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from local.cloud.metrics.query import Query, answer, dimensions
from local.cloud.metrics.statistics import percentile
from local.cloud.metrics.store import Metric, MetricStore

# AWS reads more points than it evaluates, without documenting how many; its examples have two more.
EXTRA_POINTS = 2

COMPARISON: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class AlarmState(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


# Topics by the state that notifies them.
type AlarmActions = Mapping[AlarmState, Sequence[str]]


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm over a metric or an expression.

    Attributes:
        id: logical id.
        name: physical name; an alarm with a new name is a new alarm.
        description: text for people.
        queries: metrics and expressions; exactly one is returned.
        period: in seconds.
        evaluation_periods: number of evaluated points (N).
        datapoints: number of these that have to breach (M).
        breaches: whether a value breaches.
        missing: `missing`, `ignore`, `breaching` or `notBreaching`.
        ignores_few_samples: whether a percentile of too few samples keeps the state.
        actions: topics by the state that notifies them.
    """

    id: str
    name: str
    description: str
    queries: Sequence[Query]
    period: int
    evaluation_periods: int
    datapoints: int
    breaches: Callable[[float], bool]
    missing: str = "missing"
    ignores_few_samples: bool = False
    actions: AlarmActions = field(default_factory=dict)

    def evaluate(self, store: MetricStore, now: int, current: AlarmState) -> AlarmState:
        """Returns the state after the points before `now`, given the current state."""
        if self.ignores_few_samples and self._has_few_samples(store, now):
            return current
        return judge(self, self.points(store, now), current)

    def points(self, store: MetricStore, now: int) -> list[bool | None]:
        """Returns whether each period breaches, the oldest first; None without data."""
        count = self.evaluation_periods + EXTRA_POINTS
        # Periods end now: an alarm over five minutes is evaluated each minute over the last five.
        starts = [now - self.period * (count - i) for i in range(count)]
        (series,) = answer(self.queries, store, starts, self.period).values()
        return [self.breaches(series[start]) if start in series else None for start in starts]

    def _has_few_samples(self, store: MetricStore, now: int) -> bool:
        (query,) = self.queries
        percent = percentile(query.statistic)
        if percent is None or query.metric is None:
            return False
        start = now - self.period * self.evaluation_periods
        rarer = min(percent, 100 - percent)
        return len(store.values(query.metric, start, now)) * rarer < 1000


def judge(alarm: MetricAlarm, points: Sequence[bool | None], current: AlarmState) -> AlarmState:
    """Applies the rules for M out of N points, some of which may be missing.

    Args:
        alarm: settings.
        points: points of the whole range, the oldest first.
        current: state, kept if missing data are ignored.
    """
    known = [point for point in points if point is not None]
    if len(known) >= alarm.evaluation_periods:
        return _count(alarm, known[-alarm.evaluation_periods :])
    if alarm.missing in {"breaching", "notBreaching"}:
        filled = known + [alarm.missing == "breaching"] * (alarm.evaluation_periods - len(known))
        return _count(alarm, filled)
    if not all(known) or known.count(True) >= alarm.datapoints:
        return _count(alarm, known)
    # Too few points, all breaching: ALARM only if the oldest has been in the range for M periods.
    oldest = next((age for age, point in enumerate(points) if point is not None), len(points))
    if alarm.missing == "missing" and known and len(points) - oldest >= alarm.datapoints:
        return AlarmState.ALARM
    return current if alarm.missing == "ignore" else AlarmState.INSUFFICIENT_DATA


def _count(alarm: MetricAlarm, points: Sequence[bool]) -> AlarmState:
    return AlarmState.ALARM if points.count(True) >= alarm.datapoints else AlarmState.OK


def alarm(id_: str, properties: Mapping[str, Any]) -> MetricAlarm:
    """Reads an AWS::CloudWatch::Alarm.

    Args:
        id_: logical id.
        properties: resolved properties.

    Raises:
        NotImplementedError: a property is unknown here.
    """
    unknown = properties.keys() - KNOWN
    if unknown or properties["ComparisonOperator"] not in COMPARISON:
        raise NotImplementedError(f"the alarm {id_} with {unknown or properties['ComparisonOperator']}")
    compare, threshold = COMPARISON[properties["ComparisonOperator"]], float(properties["Threshold"])
    queries, period = _watched(id_, properties)
    return MetricAlarm(
        id=id_,
        name=properties.get("AlarmName", id_),
        description=properties.get("AlarmDescription", ""),
        queries=queries,
        period=period,
        evaluation_periods=properties["EvaluationPeriods"],
        datapoints=properties.get("DatapointsToAlarm", properties["EvaluationPeriods"]),
        breaches=lambda value: compare(value, threshold),
        missing=properties.get("TreatMissingData", "missing"),
        ignores_few_samples=properties.get("EvaluateLowSampleCountPercentile") == "ignore",
        actions=actions(properties),
    )


def actions(properties: Mapping[str, Any]) -> AlarmActions:
    """Returns the ARNs or logical ids of the topics that an alarm notifies, by state."""
    if not properties.get("ActionsEnabled", True):
        return {}
    named = {AlarmState.ALARM: "AlarmActions", AlarmState.OK: "OKActions"}
    named[AlarmState.INSUFFICIENT_DATA] = "InsufficientDataActions"
    return {state: properties.get(name, []) for state, name in named.items()}


ACTIONS = {"ActionsEnabled", "AlarmActions", "InsufficientDataActions", "OKActions", "Tags", "Unit"}
SINGLE = {"Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period"}
SETTINGS = {"AlarmName", "AlarmDescription", "ComparisonOperator", "DatapointsToAlarm", "EvaluationPeriods", "Metrics"}
KNOWN = ACTIONS | SINGLE | SETTINGS | {"Threshold", "TreatMissingData", "EvaluateLowSampleCountPercentile"}


def _watched(name: str, properties: Mapping[str, Any]) -> tuple[Sequence[Query], int]:
    if "Metrics" not in properties:
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        metric = Metric.of(properties["Namespace"], properties["MetricName"], _dimensions(properties))
        return [Query("m", metric, statistic)], properties["Period"]
    periods = {each.get("MetricStat", each).get("Period") for each in properties["Metrics"]} - {None}
    queries = [_query(each) for each in properties["Metrics"]]
    if len(periods) != 1 or sum(query.returned for query in queries) != 1:
        raise NotImplementedError(f"the alarm {name} with periods {periods} or not one result")
    return queries, periods.pop()


def _query(written: Mapping[str, Any]) -> Query:
    returned, label = written.get("ReturnData", True), written.get("Label", "")
    if "Expression" in written:
        return Query(written["Id"], expression=written["Expression"], label=label, returned=returned)
    stat = written["MetricStat"]
    metric = Metric.of(stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], _dimensions(stat["Metric"]))
    return Query(written["Id"], metric, stat["Stat"], label=label, returned=returned)


def _dimensions(written: Mapping[str, Any]) -> Mapping[str, str]:
    return dimensions(written.get("Dimensions", []))
