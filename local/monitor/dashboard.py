"""Dashboards as templates define them: what each widget shows, out of the metrics of a store.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.monitor.clock import MINUTE
from local.monitor.query import Query, answer
from local.monitor.store import Metric, Series, Store
from local.template import Template

DEFAULT_PERIOD = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a graph.

    Attributes:
        label: for people.
        colour: such as `#2ca02c`, or none.
        right: whether it belongs to the axis on the right.
        points: value by time.
    """

    label: str
    colour: str | None
    right: bool
    points: Series


@dataclass(frozen=True, slots=True)
class Widget:
    """One field of a dashboard.

    Attributes:
        kind: `metric`, `text` or `alarm`.
        place: left edge, top, width and height in the grid of 24 columns.
        properties: as written.
        periods_adapt: whether graphs choose their period by the range that they show.
    """

    kind: str
    place: tuple[int, int, int, int]
    properties: Mapping[str, Any]
    periods_adapt: bool

    @property
    def title(self) -> str:
        """What it is about."""
        return str(self.properties.get("title", ""))

    def lines(self, store: Store, start: int, end: int) -> list[Line]:
        """Evaluates its metrics and expressions from `start` to before `end`."""
        period = MINUTE if self.periods_adapt else self.properties.get("period", DEFAULT_PERIOD)
        rows = list(_rows(self.properties))
        found = answer([query for query, _ in rows], store, range(start, end, period), period)
        return [
            Line(query.label or query.id, options.get("color"), options.get("yAxis") == "right", found[query.id])
            for query, options in rows
            if query.returned
        ]


def dashboards(template: Template) -> Iterator[list[Widget]]:
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


def _rows(properties: Mapping[str, Any]) -> Iterator[tuple[Query, Mapping[str, Any]]]:
    """Yields what a graph asks for, each with its rendering options."""
    former: Sequence[str] = ()
    for i, row in enumerate(properties.get("metrics", [])):
        options = row[-1] if isinstance(row[-1], dict) else {}
        former = _expanded([each for each in row if isinstance(each, str)], former)
        yield _query(options, former, options.get("id", f"row{i}"), properties.get("stat", "Average")), options


def _expanded(parts: Sequence[str], former: Sequence[str]) -> Sequence[str]:
    """Replaces `.` by the part of the row before, and `...` by all that the row before has there."""
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
