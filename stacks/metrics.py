"""CloudWatch metrics, by the names in metrics.json."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMES = Path(__file__).parent.parent / "layers/core/python/bonafide/metrics.json"
_CATALOG: dict[str, Any] = json.loads(NAMES.read_text())


class UnknownMetricError(ValueError):
    """No function emits a metric of this name."""


def check(name: str) -> str:
    """Checks a name, and returns it.

    Raises:
        UnknownMetricError: an alarm on it would never fire.
    """
    if name not in _CATALOG["metrics"]:
        raise UnknownMetricError(f"no metric {name!r} in {NAMES.name}; there are {', '.join(_CATALOG['metrics'])}")
    return name


def emitted(name: str, statistic: str, service: str, version: str | None = None) -> cloudwatch.Metric:
    """Returns a metric that functions emit, of all versions of a service or of one.

    Args:
        name: in metrics.json.
        statistic: such as `Sum`, `p95` or `TC(1000:)`, the count of values above 1000.
        service: the function's folder.
        version: number of a version; a token is fine.

    Raises:
        UnknownMetricError: no function emits it.
    """
    dimensions = {"service": service} | ({"version": version} if version else {})
    namespace = _CATALOG["namespace"]
    return cloudwatch.Metric(
        namespace=namespace, metric_name=check(name), statistic=statistic, dimensions_map=dimensions
    )


def by_version(name: str, statistic: str, service: str, label: str) -> cloudwatch.MathExpression:
    """Returns a metric of each version of a service, one line for each; for graphs only.

    Raises:
        UnknownMetricError: no function emits it.
    """
    wanted = f'{{{_CATALOG["namespace"]},service,version}} MetricName="{check(name)}" service="{service}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{wanted}', '{statistic}', 60)",
        label=f"{label} ${{PROP('Dim.version')}}",
        using_metrics={},
        period=Duration.minutes(1),
    )


def expression(text: str, period: Duration, metrics: dict[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """Returns metric math over metrics by id."""
    return cloudwatch.MathExpression(expression=text, period=period, using_metrics=metrics)
