"""The metrics and expressions that alarms and graphs ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.cloud.metrics.expression import Scope
from local.cloud.metrics.store import Metric, MetricStore, Series


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a request.

    Attributes:
        id: by which expressions refer to it.
        metric: what to read, unless it is an expression.
        statistic: of the metric.
        expression: what to compute, unless it is a metric.
        label: for people.
        returned: whether its result is wanted.
    """

    id: str
    metric: Metric | None = None
    statistic: str = ""
    expression: str = ""
    label: str = ""
    returned: bool = True


def answer(queries: Sequence[Query], store: MetricStore, starts: Sequence[int], period: int) -> Mapping[str, Series]:
    """Evaluates the queries whose result is wanted; returns series by id.

    Args:
        queries: of one request.
        store: where the samples are.
        starts: when each period begins.
        period: in seconds.
    """
    metrics = {each.id: store.series(each.metric, each.statistic, period, starts) for each in queries if each.metric}
    expressions = {each.id: each.expression for each in queries if not each.metric}
    scope = Scope(metrics, expressions, starts, period)
    return {each.id: scope.series(each.id) for each in queries if each.returned}


def dimensions(written: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Reads dimensions as alarms write them."""
    return {each["Name"]: str(each["Value"]) for each in written}
