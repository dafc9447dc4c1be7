"""CloudWatch metrics of functions, by the names in metrics.json, and of the API."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from stacks.catalog import NAMESPACE, check
from stacks.slo import Slo


def emitted(name: str, statistic: str, stage: str, **dimensions: str) -> cloudwatch.Metric:
    """Returns a metric that functions emit.

    Args:
        name: in metrics.json.
        statistic: such as `Sum`, `p95` or `TC(1000:)`, the count of values above 1000.
        stage: name of the stage.
        dimensions: further dimensions, one of the sets that metrics.json names; a token is fine as a value.

    Raises:
        UnknownMetricError: no function emits it by these dimensions.
    """
    place = {"stage": stage, **dimensions}
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=check(name, place), statistic=statistic, dimensions_map=place
    )


def counted(slo: Slo, statistic: str, stage: str) -> cloudwatch.Metric:
    """Returns the metric of an objective's events."""
    return cloudwatch.Metric(
        namespace=slo.events.namespace,
        metric_name=slo.events.metric,
        statistic=statistic,
        dimensions_map=dict(slo.dimensions(stage)),
    )


def requests(stage: str) -> cloudwatch.Metric:
    """Returns the number of requests that the API of a stage got."""
    place = {"ApiName": f"bonafide-{stage}", "Stage": stage}
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway", metric_name="Count", statistic="SampleCount", dimensions_map=place
    )


def of_function(function: lambda_.IFunction, name: str, statistic: str) -> cloudwatch.Metric:
    """Returns a metric that Lambda emits of all versions of a function."""
    place = {"FunctionName": function.function_name}
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name=name, statistic=statistic, dimensions_map=place)


def by_version(name: str, statistic: str, stage: str, service: str, label: str) -> cloudwatch.MathExpression:
    """Returns a metric of each version of a service, one line for each; for graphs only.

    Raises:
        UnknownMetricError: no function emits it by version.
    """
    check(name, ("stage", "service", "version"))
    wanted = f'{{{NAMESPACE},stage,service,version}} MetricName="{name}" stage="{stage}" service="{service}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{wanted}', '{statistic}', 60)",
        label=f"{label} ${{PROP('Dim.version')}}",
        using_metrics={},
        period=Duration.minutes(1),
    )


def expression(text: str, period: Duration, metrics: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """Returns metric math over metrics by id."""
    return cloudwatch.MathExpression(expression=text, period=period, using_metrics=dict(metrics))
