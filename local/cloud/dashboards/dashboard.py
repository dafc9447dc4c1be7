"""Dashboards of templates, with their widgets evaluated over the metrics of a store.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.clock import MINUTE
from local.cloud.metrics.query import Query, answer
from local.cloud.metrics.store import Metric, MetricStore, Series

DEFAULT_PERIOD = 300
# Search expressions whose terms all name a property.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
SEARCH = re.compile(r"SEARCH\('\{([^}]+)\}((?: +\w+=\"[^\"]*\")*) *', *'([^']+)'(?:, *\d+)?\)")
TERM = re.compile(r'(\w+)="([^"]*)"')
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html
DIMENSION = re.compile(r"\$\{PROP\('Dim\.(\w+)'\)\}")


@dataclass(frozen=True, slots=True)
class GraphLine:
    """One line of a graph.

    Attributes:
        label: text for people.
        color: hexadecimal such as `#2ca02c`, or none.
        right: whether it uses the right axis.
        points: values by time.
    """

    label: str
    color: str | None
    right: bool
    points: Series


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget of a dashboard.

    Attributes:
        kind: `metric`, `text` or `alarm`.
        place: left edge, top, width and height in the grid of 24 columns.
        properties: properties of the body.
        periods_adapt: whether graphs adapt their period to their range.
    """

    kind: str
    place: tuple[int, int, int, int]
    properties: Mapping[str, Any]
    periods_adapt: bool

    @property
    def title(self) -> str:
        """Title, or an empty string."""
        return str(self.properties.get("title", ""))

    def lines(self, store: MetricStore, start: int, end: int) -> list[GraphLine]:
        """Evaluates its metrics and expressions from `start` to before `end`."""
        period = MINUTE if self.periods_adapt else self.properties.get("period", DEFAULT_PERIOD)
        rows = list(_rows(self.properties))
        rows = [each for row in rows for each in _found(*row, store)]
        found = answer([query for query, _ in rows], store, range(start, end, period), period)
        return [
            GraphLine(query.label or query.id, options.get("color"), options.get("yAxis") == "right", found[query.id])
            for query, options in rows
            if query.returned
        ]


def dashboards(template: StackTemplate) -> Iterator[list[Widget]]:
    """Yields the dashboards of a template."""
    for _, properties in template.resources("AWS::CloudWatch::Dashboard"):
        yield widgets(properties["DashboardBody"])


def widgets(body: str) -> list[Widget]:
    """Reads the body of a dashboard."""
    document = json.loads(body)
    adapt = document.get("periodOverride") != "inherit"
    return [
        Widget(each["type"], (each["x"], each["y"], each["width"], each["height"]), each["properties"], adapt)
        for each in document["widgets"]
    ]


def _found(query: Query, options: Mapping[str, Any], store: MetricStore) -> Iterator[tuple[Query, Mapping[str, Any]]]:
    """Yields the query, or the metrics that its search finds."""
    search = SEARCH.fullmatch(query.expression)
    if not search:
        yield query, options
        return
    namespace, *dimensions = search[1].split(",")
    terms = dict(TERM.findall(search[2]))
    for i, metric in enumerate(sorted(store.metrics(), key=lambda each: sorted(each.dimensions))):
        own = dict(metric.dimensions)
        found = metric.namespace == namespace and set(own) == set(dimensions)
        if found and terms.items() <= {"MetricName": metric.name, **own}.items():
            yield Query(f"{query.id}_{i}", metric, search[3], label=_label(query.label, own)), options


def _label(text: str, dimensions: Mapping[str, str]) -> str:
    return DIMENSION.sub(lambda found: dimensions[found[1]], text)


def _rows(properties: Mapping[str, Any]) -> Iterator[tuple[Query, Mapping[str, Any]]]:
    """Yields the queries of a graph, each with its rendering options."""
    former: Sequence[str] = ()
    for i, row in enumerate(properties.get("metrics", [])):
        options = row[-1] if isinstance(row[-1], dict) else {}
        former = _expanded([each for each in row if isinstance(each, str)], former)
        yield _query(options, former, options.get("id", f"row{i}"), properties.get("stat", "Average")), options


def _expanded(parts: Sequence[str], former: Sequence[str]) -> Sequence[str]:
    """Replaces `.` and `...` by the corresponding parts of the former row."""
    if "..." in parts:
        at = parts.index("...")
        rest = parts[at + 1 :]
        return [*former[: len(former) - len(rest)], *rest]
    return [former[i] if part == "." else part for i, part in enumerate(parts)]


def _query(options: Mapping[str, Any], parts: Sequence[str], name: str, stat: str) -> Query:
    shown = options.get("visible", True)
    if "expression" in options:
        return Query(name, expression=options["expression"], label=options.get("label", ""), returned=shown)
    namespace, metric, *dimensions = parts
    pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
    label = options.get("label", metric)
    return Query(name, Metric.of(namespace, metric, pairs), options.get("stat", stat), label=label, returned=shown)
