"""What use costs: units as AWS counts them, prices that are all there, sums that add up."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost import PRICES, cost, print_costs
from benchmarks.machine import REFERENCE_SECONDS, Speed
from benchmarks.metering import Meter, dynamodb_units, item_size, kinesis_units, s3_units
from benchmarks.month import after_deletion, alarm_metrics, at_rest, emitted_metrics, key_users
from benchmarks.usage import COLD_STARTS, CORE_GB, WAIT_SECONDS, UsageCounter, added, scaled
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition
from local.aws.relay import RelayAnswer, RelayRequest


@pytest.fixture
def meter() -> Any:
    running = Meter()
    yield running
    running.relay.stop()


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    assert item_size({"id": {"S": "äb"}, "n": {"N": "-123.4"}, "b": {"B": "AAAA"}, "t": {"BOOL": True}}) == 16
    assert item_size({"m": {"M": {"k": {"S": "v"}}}, "l": {"L": [{"S": "x"}, {"NULL": True}]}}) == 1 + 6 + 1 + 7


@pytest.mark.parametrize(
    ("operation", "request_", "answer", "units"),
    [
        ("GetItem", {"ConsistentRead": True}, {"Item": {"a": {"S": "x" * 4096}}}, {"dynamodb_reads": 2}),
        ("GetItem", {}, {}, {"dynamodb_reads": 0.5}),
        ("Query", {"ConsistentRead": True}, {"Items": [{"a": {"S": "x" * 3000}}] * 2}, {"dynamodb_reads": 2}),
        ("PutItem", {"Item": {"a": {"S": "x" * 1024}}}, {}, {"dynamodb_writes": 2}),
        ("PutItem", {"Item": {"due_at": {"N": "1"}}}, {}, {"dynamodb_writes": 2}),
        ("PutItem", {"Item": {"decided_at": {"S": "2026"}}}, {}, {"dynamodb_writes": 2, "decision_bytes": 14}),
        ("DeleteItem", {"Key": {"a": {"S": "x"}}}, {}, {"dynamodb_writes": 1}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": {"a": {"S": "x"}}}}]}, {}, {"dynamodb_writes": 2}),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{}, {}], "ConsistentRead": True}}},
            {"Responses": {"t": [{"a": {"S": "x" * 5000}}]}},
            {"dynamodb_reads": 3},
        ),
    ],
)
def test_a_request_uses_the_units_that_its_items_take(
    operation: str, request_: dict[str, Any], answer: dict[str, Any], units: dict[str, float]
) -> None:
    assert dynamodb_units(operation, request_, answer) == units


def test_an_unknown_operation_is_not_taken_for_free() -> None:
    with pytest.raises(NotImplementedError, match="ExecuteStatement"):
        dynamodb_units("ExecuteStatement", {}, {})


def test_a_record_of_the_stream_costs_a_unit_for_each_25_kilobytes() -> None:
    record = {"Data": "AAAA" * 8534, "PartitionKey": "session"}
    assert kinesis_units("PutRecord", record) == {"kinesis_puts": 2}


@pytest.mark.parametrize(
    ("method", "path", "units"),
    [
        ("GET", "/audio/uploads/1", {"s3_gets": 1}),
        ("HEAD", "/audio/uploads/1", {"s3_gets": 1}),
        ("GET", "/audio?list-type=2&prefix=kept%2F", {"s3_puts": 1}),
        ("PUT", "/audio/kept/1", {"s3_puts": 1}),
        ("DELETE", "/audio/kept/1", {}),
    ],
)
def test_listing_a_bucket_costs_as_much_as_writing(method: str, path: str, units: dict[str, float]) -> None:
    assert s3_units(RelayRequest("", method, b"", path)) == units


def test_every_price_names_what_it_is_for_and_where_it_stands() -> None:
    for price in json.loads(PRICES.read_text())["prices"].values():
        assert price["usd"] > 0
        assert price["per"]
        assert price["source"].startswith("https://aws.amazon.com/")


def test_a_function_costs_its_processor_time_and_the_waiting_for_its_state(meter: Meter, tmp_path: Path) -> None:
    counter = UsageCounter(meter, tmp_path)
    meter.count(RelayRequest("DynamoDB_20120810.GetItem", "POST", b"{}"), RelayAnswer(200, b"{}"))
    assert counter.total(2.0)["lambda_gb_seconds"] == pytest.approx((2 + WAIT_SECONDS) * CORE_GB)


def test_processor_time_is_that_of_the_machine_of_reference(meter: Meter, tmp_path: Path) -> None:
    slow = Speed("slow", (REFERENCE_SECONDS * 1.9, REFERENCE_SECONDS * 2, REFERENCE_SECONDS * 2.1))
    assert slow.factor == pytest.approx(0.5)
    assert slow.spread == pytest.approx(0.05)
    used = UsageCounter(meter, tmp_path, speed=slow.factor).total(8.0)
    assert used["lambda_gb_seconds"] == pytest.approx(4 * CORE_GB)


def test_a_part_of_the_invocations_starts_an_environment(meter: Meter, tmp_path: Path) -> None:
    counter = UsageCounter(meter, tmp_path, invoked=["door"] * 200, starts={"door": 1.5, "consumer": 9.0})
    assert counter.total(0.0)["lambda_start_gb_seconds"] == pytest.approx(200 * COLD_STARTS * 1.5 * CORE_GB)


def test_only_functions_behind_the_api_cost_a_request_to_it(meter: Meter, tmp_path: Path) -> None:
    counter = UsageCounter(meter, tmp_path, {"door"})
    for name in ("door", "door", "consumer"):
        counter.record(FunctionDefinition(name, "handler.f", tmp_path, (), {}, 512, 3), "live", InvocationResult(b""))
    used = counter.total(0.0)
    assert (used["api_requests"], used["lambda_requests"]) == (2, 3)


def test_a_cost_is_the_sum_of_units_times_prices(capsys: pytest.CaptureFixture[str]) -> None:
    usage = scaled(added({"a": 1.0}, {"a": 2.0, "b": 1.0}), 10)
    print_costs("ten", usage, {"a": {"usd": 2.0}, "b": {"usd": 0.5}})
    assert capsys.readouterr().out.splitlines()[-1].split() == ["65.0000", "in", "all"]


def test_an_alarm_over_several_metrics_is_paid_for_each() -> None:
    queries = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a / b"}]
    kind = "AWS::CloudWatch::Alarm"
    assert alarm_metrics({"Type": kind, "Properties": {"Metrics": queries}}) == 2
    assert alarm_metrics({"Type": kind, "Properties": {"MetricName": "Errors"}}) == 1
    assert alarm_metrics({"Type": "AWS::SNS::Topic"}) == 0


POLICY = {
    "Type": "AWS::IAM::Policy",
    "Properties": {
        "PolicyDocument": {
            "Statement": [
                {"Action": ["dynamodb:GetItem"], "Resource": ["table", "other"]},
                {"Action": "dynamodb:Query", "Resource": "table/index/due"},
                {"Action": "s3:GetObject", "Resource": "bucket/*"},
                {"Action": "s3:ListBucket", "Resource": "bucket"},
                {"Action": "logs:PutLogEvents", "Resource": "log"},
            ]
        }
    },
}


def test_each_user_of_a_store_asks_for_its_key_twelve_times_an_hour() -> None:
    assert key_users([POLICY, {"Type": "AWS::SNS::Topic"}]) == 3
    assert at_rest([POLICY], 0, 0)["kms_requests"] == 3 * 12 * 730


def test_only_what_is_retained_is_billed_after_a_deletion() -> None:
    key = {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"}
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}}
    assert after_deletion([key, stream, {"Type": "AWS::KMS::Key", "DeletionPolicy": "Delete"}]) == {
        "key_months": 1,
        "shard_hours": 0,
    }
    assert after_deletion([{**stream, "DeletionPolicy": "Retain"}])["shard_hours"] == 2 * 730


def test_every_use_has_a_price(meter: Meter, tmp_path: Path) -> None:
    prices = json.loads(PRICES.read_text())["prices"]
    used = {**UsageCounter(meter, tmp_path).total(1.0), **at_rest([POLICY], 1, 1), **after_deletion([])}
    assert cost(dict.fromkeys(used, 1.0), prices) > 0


def test_a_metric_is_paid_once_for_each_value_of_its_dimensions(tmp_path: Path) -> None:
    directive = {
        "Metrics": [{"Name": "Requests"}, {"Name": "Failures"}],
        "Dimensions": [["service"], ["service", "version"]],
    }
    records = [
        {"service": "f", "version": version, "_aws": {"CloudWatchMetrics": [directive]}} for version in ("1", "1", "2")
    ]
    (tmp_path / "f.log").write_text("START\n" + "\n".join(json.dumps(record) for record in records))
    assert len(emitted_metrics(tmp_path)) == 2 * (1 + 2)
