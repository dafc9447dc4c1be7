"""From logs and invocations to metrics in simulated time."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition
from local.aws.observer import ObservedConsumer
from local.aws.relay import RelayAnswer, RelayRequest
from local.cloud.clock import SimulatedClock
from local.cloud.metrics.pump import MetricPump
from local.cloud.metrics.store import Metric

HOUR = 3600
RESOURCE = {"FunctionName": "Probe0000", "Resource": "Probe0000:live"}


@pytest.fixture
def pump() -> MetricPump:
    return MetricPump({"probe": "Probe0000"}, pace=60)


def total(pump: MetricPump, metric: Metric) -> float:
    return sum(pump.store.values(metric, pump.clock.origin, pump.clock.origin + HOUR))


def lambda_metric(name: str, **dimensions: str) -> Metric:
    return Metric.of("AWS/Lambda", name, dimensions)


def test_time_begins_at_a_full_minute_and_passes_as_fast_as_told() -> None:
    clock = SimulatedClock(15, 1_000_000_037.5, 1_000_000_020)
    assert clock.simulated(1_000_000_037.5) == clock.origin
    assert clock.simulated(1_000_000_041.5) - clock.origin == 60
    assert clock.real(clock.origin + 60) == 1_000_000_041.5


def test_a_clock_that_stands_still_loses_no_time() -> None:
    clock = SimulatedClock.start(60)
    behind = SimulatedClock(60, clock.began - 100, clock.origin)
    assert behind.frozen_at(clock.origin + 30).simulated(time.time()) - clock.origin == pytest.approx(30, abs=6)
    assert clock.frozen_at(clock.origin + 6000) == clock


def test_lambda_counts_by_function_by_alias_and_by_version(pump: MetricPump, tmp_path: Path) -> None:
    definition = FunctionDefinition("probe", "handler", Path(), (), {}, 128, 3, version="2")
    pump.record(definition, "live", InvocationResult(b"", milliseconds=12))
    pump.record(definition, "live", InvocationResult(b"", "Handled", milliseconds=8))
    pump.record(definition, "2", InvocationResult(b""))
    pump.read(tmp_path)
    assert total(pump, lambda_metric("Invocations", FunctionName="Probe0000")) == 3
    assert total(pump, lambda_metric("Invocations", **RESOURCE)) == 2
    assert total(pump, lambda_metric("Errors", **RESOURCE, ExecutedVersion="2")) == 1
    assert total(pump, lambda_metric("Duration", **RESOURCE, ExecutedVersion="2")) == 20
    assert total(pump, lambda_metric("Invocations", FunctionName="Probe0000", Resource="Probe0000:2")) == 1


def test_lambda_counts_what_it_throttles_apart_from_invocations(pump: MetricPump, tmp_path: Path) -> None:
    pump.throttled(FunctionDefinition("probe", "handler", Path(), (), {}, 128, 3), "live")
    pump.read(tmp_path)
    assert total(pump, lambda_metric("Throttles", FunctionName="Probe0000")) == 1
    assert total(pump, lambda_metric("Invocations", FunctionName="Probe0000")) == 0


def test_what_a_stream_invokes_is_counted_with_its_age(pump: MetricPump, tmp_path: Path) -> None:
    definition = FunctionDefinition("probe", "handler", Path(), (), {}, 128, 3)
    records = [{"kinesis": {"approximateArrivalTimestamp": time.time() - age}} for age in (30, 20)]
    alias: Any = SimpleNamespace(version=SimpleNamespace(definition=definition), submit=lambda *_, **__: None)
    ObservedConsumer(alias, pump.read_late).submit(json.dumps({"Records": records}).encode(), request_id="r")
    pump.read(tmp_path)
    assert total(pump, lambda_metric("IteratorAge", FunctionName="Probe0000")) == pytest.approx(20_000, abs=2000)


def test_the_average_of_failed_answers_of_the_api_is_their_share(pump: MetricPump, tmp_path: Path) -> None:
    for status in (200, 200, 404, 503):
        pump.answered(status)
    pump.read(tmp_path)
    place = {"ApiName": "bonafide-dev", "Stage": "dev"}
    counts = {name: total(pump, Metric.of("AWS/ApiGateway", name, place)) for name in ("Count", "4XXError", "5XXError")}
    assert counts == {"Count": 4, "4XXError": 1, "5XXError": 1}
    failed = pump.store.samples(Metric.of("AWS/ApiGateway", "5XXError", place))
    assert sum(value for _, value in failed) / len(failed) == 0.25


BUSY = "ProvisionedThroughputExceededException"


@pytest.mark.parametrize(
    ("target", "body", "code", "expected"),
    [
        ("DynamoDB.GetItem", {"TableName": "t"}, "ThrottlingException", "ReadThrottleEvents"),
        ("DynamoDB.PutItem", {"TableName": "t"}, BUSY, "WriteThrottleEvents"),
        ("DynamoDB.BatchGetItem", {"RequestItems": {"t": {}}}, BUSY, "ReadThrottleEvents"),
        ("Kinesis.PutRecord", {"StreamName": "t"}, BUSY, "WriteProvisionedThroughputExceeded"),
        ("DynamoDB.PutItem", {"TableName": "t"}, "ConditionalCheckFailedException", None),
    ],
)
def test_tables_and_streams_count_what_they_throttle(
    pump: MetricPump, tmp_path: Path, target: str, body: dict[str, Any], code: str, expected: str | None
) -> None:
    answer = RelayAnswer(400, json.dumps({"__type": code}).encode())
    pump.relayed(RelayRequest(target, "POST", json.dumps(body).encode()), answer)
    pump.read(tmp_path)
    found = [(each.namespace, each.name, dict(each.dimensions)) for each in pump.store.metrics()]
    service = target.partition(".")[0]
    place = {"StreamName" if service == "Kinesis" else "TableName": "t"}
    assert found == ([(f"AWS/{service}", expected, place)] if expected else [])


def emf(value: int) -> str:
    directive = {"Namespace": "Bonafide", "Dimensions": [[]], "Metrics": [{"Name": "Requests"}]}
    metadata = {"Timestamp": int(time.time() * 1000) + 1000, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, "Requests": value})


def test_each_line_counts_once_when_it_is_whole_and_again_in_a_new_log(pump: MetricPump, tmp_path: Path) -> None:
    log, requests = tmp_path / "probe.log", Metric.of("Bonafide", "Requests", {})
    line = emf(1)
    log.write_text(f"START\n{line}\n{line[:20]}")
    pump.read(tmp_path)
    pump.read(tmp_path)
    assert total(pump, requests) == 1
    with log.open("a") as file:
        file.write(f"{line[20:]}\n")
    pump.read(tmp_path)
    assert total(pump, requests) == 2
    log.write_text(f"{line}\n")
    pump.read(tmp_path)
    assert total(pump, requests) == 3
