"""Costs of a month before anybody calls: resources of the templates, and metrics."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.usage import Usage
from local.aws.synth import synthesize

type Resource = Mapping[str, Any]

MONTH_HOURS = 730
# DynamoDB, S3 and Kinesis keep what they need of a key for five minutes. It is taken that all functions are in use.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
CACHED_KEYS_AN_HOUR = 12


def resources_of(stage: str) -> Sequence[Resource]:
    """Returns the resources of all templates of a stage."""
    templates = synthesize(stage=stage).glob(f"Bonafide-{stage}-*.template.json")
    return [each for path in templates for each in json.loads(path.read_text())["Resources"].values()]


def at_rest(resources: Sequence[Resource], metrics: int, shards: int) -> Usage:
    """Returns the use of a month without requests, but for those of the synthetic caller.

    Args:
        resources: of all templates.
        metrics: custom metrics that were sent.
        shards: of the stream.
    """
    kinds = Counter(each["Type"] for each in resources)
    return {
        "shard_hours": shards * MONTH_HOURS,
        "metric_months": metrics,
        "alarm_metric_months": sum(map(alarm_metrics, resources)),
        "composite_alarm_months": kinds["AWS::CloudWatch::CompositeAlarm"],
        "dashboard_months": kinds["AWS::CloudWatch::Dashboard"],
        "key_months": kinds["AWS::KMS::Key"],
        "kms_requests": key_users(resources) * CACHED_KEYS_AN_HOUR * MONTH_HOURS,
    }


def after_deletion(resources: Sequence[Resource]) -> Usage:
    """Returns the use of a month after `make destroy`: retained keys; data are counted by their size."""
    left = [each for each in resources if each.get("DeletionPolicy") == "Retain"]
    shards = sum(each["Properties"]["ShardCount"] for each in left if each["Type"] == "AWS::Kinesis::Stream")
    return {
        "key_months": sum(each["Type"] == "AWS::KMS::Key" for each in left),
        "shard_hours": shards * MONTH_HOURS,
    }


def key_users(resources: Sequence[Resource]) -> int:
    """Returns the pairs of a role and a store whose key it uses; each asks KMS anew when its copy is too old."""
    policies = [each["Properties"]["PolicyDocument"] for each in resources if each["Type"] == "AWS::IAM::Policy"]
    return sum(_stores(policy) for policy in policies)


def _stores(policy: Mapping[str, Any]) -> int:
    stores = {
        json.dumps(each)
        for statement in policy["Statement"]
        for each in _many(statement["Resource"])
        if any(action.startswith(("dynamodb:", "kinesis:", "s3:List")) for action in _many(statement["Action"]))
    }
    return sum("/index/" not in each for each in stores)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def released(resources: Sequence[Resource]) -> int:
    """Returns the number of functions that are released through an alias."""
    return sum(each["Type"] == "AWS::Lambda::Alias" for each in resources)


def alarm_metrics(resource: Resource) -> int:
    """Returns how many metrics an alarm reads; 0 for other resources."""
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        return 0
    return sum("MetricStat" in query for query in resource["Properties"].get("Metrics", [])) or 1


def emitted_metrics(folder: Path) -> set[tuple[str, ...]]:
    """Returns metrics with their dimensions' values, out of the embedded metric format in logs.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    lines = [line for path in folder.glob("*.log") for line in path.read_text(errors="replace").splitlines()]
    return {metric for line in lines if '"CloudWatchMetrics"' in line for metric in _metrics(json.loads(line))}


def _metrics(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for directive in record["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            values = [str(record[name]) for name in dimensions]
            yield from ((metric["Name"], *dimensions, *values) for metric in directive["Metrics"])
