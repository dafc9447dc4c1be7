"""Queries of alarms and graphs for metrics and expressions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.cloud.metrics.expression import ExpressionScope
from local.cloud.metrics.store import Metric, MetricStore, Series


@dataclass(frozen=True, slots=True)
class Query:
    """A query for a metric or an expression.

    Attributes:
        id: id for expressions that refer to it.
        metric: metric to read, unless it is an expression.
        statistic: statistic of the metric.
        expression: metric math, unless it is a metric.
        label: text for people.
        returned: whether its result is returned.
    """

    id: str
    metric: Metric | None = None
    statistic: str = ""
    expression: str = ""
    label: str = ""
    returned: bool = True


def answer(queries: Sequence[Query], store: MetricStore, starts: Sequence[int], period: int) -> Mapping[str, Series]:
    """Evaluates queries; returns the series by id.

    Args:
        queries: queries of one request.
        store: samples.
        starts: begin of each period.
        period: length in seconds.
    """
    metrics = {each.id: store.series(each.metric, each.statistic, period, starts) for each in queries if each.metric}
    expressions = {each.id: each.expression for each in queries if not each.metric}
    scope = ExpressionScope(metrics, expressions, starts, period)
    return {each.id: scope.series(each.id) for each in queries if each.returned}


def dimensions(written: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Converts dimensions of an alarm to a mapping."""
    return {each["Name"]: str(each["Value"]) for each in written}
