import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ThrottledError
from local.aws.streams.mapping import EXHAUSTED, TOO_OLD, EventSourceMapping
from local.aws.streams.poller import Poller
from local.runner import Deployment, ExtraServices, deployment

CONSUMER = Path(__file__).parent / "consumer"
SECONDS = 20


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def mapping(stream: str, destination: str, **properties: Any) -> dict[str, Any]:
    return resource(
        "Lambda::EventSourceMapping",
        EventSourceArn={"Fn::ImportValue": stream},
        FunctionName={"Ref": "Live"},
        StartingPosition="TRIM_HORIZON",
        DestinationConfig={"OnFailure": {"Destination": {"Fn::ImportValue": destination}}},
        **properties,
    )


def data() -> dict[str, Any]:
    resources = {
        "Calls": resource("Kinesis::Stream", ShardCount=2),
        "Other": resource("Kinesis::Stream", ShardCount=1),
        "Queue": resource("SQS::Queue"),
        "Bucket": resource("S3::Bucket"),
        "Table": resource(
            "DynamoDB::Table",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        ),
    }
    outputs = {name: {"Value": {"Fn::GetAtt": [name, "Arn"]}, "Export": {"Name": name}} for name in resources}
    outputs["Changes"] = {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}, "Export": {"Name": "Changes"}}
    return {"Resources": resources, "Outputs": outputs}


def service(journal: Path) -> dict[str, Any]:
    function = resource(
        "Lambda::Function",
        Handler="handler.lambda_handler",
        Code={"S3Key": "consumer.zip"},
        Environment={"Variables": {"JOURNAL": str(journal)}},
    )
    settings = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "BisectBatchOnFunctionError": True}
    limits = {"BatchSize": 10, "MaximumRetryAttempts": 1, "ParallelizationFactor": 2}
    resources = {
        "ConsumeFunction05767D89": function,
        "Version": resource("Lambda::Version", FunctionName={"Ref": "ConsumeFunction05767D89"}),
        "Live": resource("Lambda::Alias", FunctionVersion={"Fn::GetAtt": ["Version", "Version"]}),
        "Stage": resource("ApiGateway::Stage", StageName="dev"),
        "Calls": mapping("Calls", "Queue", **settings, **limits),
        "Other": mapping("Other", "Bucket", MaximumRetryAttempts=0),
        "Changes": mapping("Changes", "Queue"),
        "Sweep": resource(
            "Events::Rule", ScheduleExpression="rate(1 minute)", Targets=[{"Arn": {"Ref": "Live"}, "Id": "Target0"}]
        ),
    }
    return {"Resources": resources}


@dataclass(frozen=True)
class World:
    running: Deployment
    journal: Path

    def put(self, stream: str, data: str, key: str = "a") -> str:
        """Returns the sequence number."""
        answer = self.client("kinesis").put_record(StreamARN=self.arn(stream), Data=data, PartitionKey=key)
        return str(answer["SequenceNumber"])

    def client(self, service: str) -> Any:
        return self.running.emulator.client(service)

    def arn(self, stream: str) -> str:
        names = self.client("kinesis").list_streams()["StreamNames"]
        (name,) = [name for name in names if f"-{stream.lower()}-" in name]
        return f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"

    def invocations(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    def deliveries(self, *sequences: str) -> list[list[str]]:
        """Lists the invocations that had one of these records, each by its records among these."""
        batches = [
            [each["kinesis"]["sequenceNumber"] for each in found["event"]["Records"] if "kinesis" in each]
            for found in self.events()
        ]
        among = [[each for each in batch if each in sequences] for batch in batches]
        return [batch for batch in among if batch]

    def events(self) -> list[dict[str, Any]]:
        return [found for found in self.invocations() if "Records" in found["event"]]

    def notices(self) -> list[dict[str, Any]]:
        sqs = self.client("sqs")
        url = sqs.list_queues()["QueueUrls"][0]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    def notice_of(self, sequence: str) -> dict[str, Any]:
        return eventually(
            lambda: next(each for each in self.notices() if each["KinesisBatchInfo"]["endSequenceNumber"] == sequence)
        )


def eventually[T](find: Callable[[], T]) -> T:
    """Tries until what is looked for is there."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            found = find()
            if found or time.monotonic() > deadline:
                assert found
                return found
        except (StopIteration, LookupError):
            assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("assembly")
    journal = folder / "journal"
    (folder / "Bonafide-dev-Data.template.json").write_text(json.dumps(data()))
    (folder / "Bonafide-dev-Service.template.json").write_text(json.dumps(service(journal)))
    assets = {"files": {"consumer": {"source": {"path": str(CONSUMER)}}}}
    (folder / "Bonafide-dev-Service.assets.json").write_text(json.dumps(assets))
    with deployment(assembly=folder, logs=folder / "logs", pace=600, services=ExtraServices(pause=0.1)) as running:
        yield World(running, journal)


def test_changes_of_a_table_are_delivered_in_order_with_their_images(world: World) -> None:
    dynamodb = world.client("dynamodb")
    (table,) = dynamodb.list_tables()["TableNames"]
    for number in range(5):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": str(number)}, "b": {"B": b"\xff"}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})

    def changes() -> list[Any]:
        records = [each for found in world.events() for each in found["event"]["Records"]]
        return [each for each in records if each["eventSource"] == "aws:dynamodb"]

    eventually(lambda: len(changes()) >= 6)
    assert [each["eventName"] for each in changes()] == ["INSERT", *["MODIFY"] * 4, "REMOVE"]
    images = [each["dynamodb"].get("NewImage", {}) for each in changes()]
    assert [each.get("n", {}).get("N") for each in images] == ["0", "1", "2", "3", "4", None]
    assert images[0]["b"] == {"B": "/w=="}


def test_records_of_one_key_are_processed_once_and_in_order(world: World) -> None:
    sent: dict[str, list[str]] = defaultdict(list)
    for number in range(60):
        key = f"call-{number % 7}"
        sent[key].append(world.put("Calls", f"hello {number}", key))
    everything = [sequence for sequences in sent.values() for sequence in sequences]
    eventually(lambda: sum(map(len, world.deliveries(*everything))) >= 60)
    for sequences in sent.values():
        assert [sequence for batch in world.deliveries(*sequences) for sequence in batch] == sequences


@pytest.mark.parametrize("wish", ["raise", "report"])
def test_a_poisonous_record_goes_to_the_queue_and_its_neighbors_to_the_function(world: World, wish: str) -> None:
    before, poison, after = [world.put("Calls", data) for data in ("hello", wish, "hello")]
    notice = world.notice_of(poison)
    assert notice["requestContext"]["condition"] == EXHAUSTED
    assert notice["requestContext"]["approximateInvokeCount"] == 2
    assert notice["KinesisBatchInfo"]["startSequenceNumber"] == poison
    assert notice["KinesisBatchInfo"]["batchSize"] == 1
    assert ("functionError" in notice["responseContext"]) == (wish == "raise")
    alone = [each for each in world.events() if len(each["event"]["Records"]) == 1]
    assert notice["requestContext"]["requestId"] in {each["request_id"] for each in alone}
    assert [before] in world.deliveries(before)
    eventually(lambda: world.deliveries(after))


def test_a_poisonous_record_can_be_read_again_where_the_notice_says(world: World) -> None:
    poison = world.put("Calls", "raise this one")
    info = world.notice_of(poison)["KinesisBatchInfo"]
    kinesis = world.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamARN=info["streamArn"],
        ShardId=info["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=info["startSequenceNumber"],
    )["ShardIterator"]
    (found,) = kinesis.get_records(ShardIterator=iterator, Limit=info["batchSize"])["Records"]
    assert found["Data"] == b"raise this one"


def test_nothing_is_lost_when_a_function_dies_in_the_middle_of_a_batch(world: World) -> None:
    before, crash, after = [world.put("Calls", data) for data in ("hello", "crash-once", "hello")]
    eventually(lambda: len(world.deliveries(crash)) == 2)
    eventually(lambda: after in world.deliveries(crash, after)[-1])
    assert world.deliveries(before)


def test_a_bucket_gets_the_records_as_well(world: World) -> None:
    poison = world.put("Other", "raise")
    s3 = world.client("s3")
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    found = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents", []))
    content = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert found[0]["Key"].startswith("aws/lambda/")
    assert found[0]["Key"].split("/")[3] == "shardId-000000000000"
    assert content["requestContext"]["condition"] == EXHAUSTED
    assert json.loads(content["payload"])["Records"][0]["kinesis"]["sequenceNumber"] == poison


def test_a_rule_calls_its_function_while_streams_are_read(world: World) -> None:
    scheduled = eventually(lambda: [each["event"] for each in world.invocations() if "source" in each["event"]])
    assert scheduled[0]["source"] == "aws.events"


class Refusing:
    """A function that has no room for the first two calls."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.refused = 0

    def submit(self, payload: bytes, *, request_id: str) -> Future[InvocationResult]:
        future: Future[InvocationResult] = Future()
        if self.refused < 2:
            self.refused += 1
            raise ThrottledError
        self.events.append(payload)
        future.set_result(InvocationResult(b"null"))
        return future


@pytest.fixture
def refusing(world: World) -> Iterator[Refusing]:
    function = Refusing()
    rules = EventSourceMapping("Throttled", world.arn("Other"), "consume", start="LATEST", retries=0)
    poller = Poller(rules, world.client, function, 0.1)
    yield function
    poller.stop()


def test_throttling_uses_up_no_retry_and_only_new_records_come_from_latest(world: World, refusing: Refusing) -> None:
    sequence = world.put("Other", "hello again")
    eventually(lambda: refusing.events)
    records = [record for event in refusing.events for record in json.loads(event)["Records"]]
    assert [record["kinesis"]["sequenceNumber"] for record in records] == [sequence]


def test_records_too_old_are_given_up_without_a_call(world: World) -> None:
    function = Refusing()
    queue = world.client("sqs").list_queues()["QueueUrls"][0].rsplit("/", 1)[-1]
    destination = f"arn:aws:sqs:us-east-1:123456789012:{queue}"
    sequence = world.put("Other", "hello")
    time.sleep(0.02)
    poller = Poller(
        EventSourceMapping("Old", world.arn("Other"), "consume", max_age=0.01, destination=destination),
        world.client,
        function,
        0.1,
    )
    notice = world.notice_of(sequence)
    poller.stop()
    assert notice["requestContext"]["condition"] == TOO_OLD
    assert not function.events


def test_a_poller_survives_an_iterator_that_expired_and_goes_on_where_it_was(world: World) -> None:
    function = Refusing()
    function.refused = 2
    poller = Poller(
        EventSourceMapping("Lost", world.arn("Other"), "consume", start="LATEST"), world.client, function, 0.1
    )
    first = world.put("Other", "hello")
    eventually(lambda: function.events)
    for shard in poller._shards:
        shard._iterator = "expired"
    second = world.put("Other", "hello")
    eventually(lambda: len(function.events) > 1)
    poller.stop()
    records = [record for event in function.events for record in json.loads(event)["Records"]]
    assert [record["kinesis"]["sequenceNumber"] for record in records] == [first, second]
