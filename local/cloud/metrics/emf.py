"""Metrics of log lines in the embedded metric format (EMF).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.aws.logs import documents
from local.cloud.metrics.store import Metric

MAX_VALUES = 100
MAX_DIMENSIONS = 30


class MalformedError(ValueError):
    """A line announces metrics that CloudWatch would not find in it."""


@dataclass(frozen=True, slots=True)
class MetricSample:
    """Values of one metric in one log line.

    Attributes:
        metric: metric with one of the line's dimension sets.
        at: time of the line, in seconds since 1970.
        values: a single value, or those of an array.
        unit: unit of the directive; the string `None` means no unit.
    """

    metric: Metric
    at: float
    values: Sequence[float]
    unit: str


def samples(line: str) -> Iterator[MetricSample]:
    """Yields the metrics of a log line: none without a JSON object that has the member `_aws`.

    Raises:
        MalformedError: a directive names members that are missing or of the wrong type.
    """
    for document in documents(line):
        yield from _samples(document)


def _samples(document: Mapping[str, Any]) -> Iterator[MetricSample]:
    metadata = document.get("_aws")
    if not isinstance(metadata, dict) or "CloudWatchMetrics" not in metadata:
        return
    for directive in metadata["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"] or [[]]:
            for definition in directive["Metrics"]:
                yield _sample(document, metadata, directive, dimensions, definition)


def _sample(
    document: Mapping[str, Any],
    metadata: Mapping[str, Any],
    directive: Mapping[str, Any],
    dimensions: Sequence[str],
    definition: Mapping[str, Any],
) -> MetricSample:
    metric = Metric.of(directive["Namespace"], definition["Name"], _dimensions(document, dimensions))
    values = _values(document, definition["Name"])
    return MetricSample(metric, metadata["Timestamp"] / 1000, values, definition.get("Unit", "None"))


def _dimensions(document: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, str]:
    found = {name: document.get(name) for name in names}
    if len(names) > MAX_DIMENSIONS or not all(isinstance(value, str) and value for value in found.values()):
        raise MalformedError(f"dimensions have to be members of type string: {found}")
    return {name: str(value) for name, value in found.items()}


def _values(document: Mapping[str, Any], name: str) -> Sequence[float]:
    found = document.get(name)
    written = found if isinstance(found, list) else [found]
    values = [float(each) for each in written if isinstance(each, int | float) and not isinstance(each, bool)]
    if not 0 < len(values) <= MAX_VALUES or len(values) < len(written):
        raise MalformedError(f"{name} has to be a number or up to {MAX_VALUES} of them: {found!r}")
    return values
