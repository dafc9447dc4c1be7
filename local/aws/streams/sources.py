"""Streams that can be polled: of Kinesis, and of changes of a DynamoDB table."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Protocol

from local.aws.functions.function import REGION
from local.aws.streams.failure import ClientFactory
from local.aws.streams.mapping import EventSourceMapping, StreamRecord

# Of GetRecords of a table's stream.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
MOST_CHANGES = 1000


class StreamSource(Protocol):
    """Reads the shards of one stream."""

    def shards(self) -> Sequence[str]:
        """Returns the names of the shards."""

    def iterate(self, shard: str, kind: str, sequence: str = "") -> str:
        """Returns an iterator that begins as its kind says."""

    def read(self, iterator: str, limit: int, shard: str) -> tuple[str, Sequence[StreamRecord]]:
        """Returns the next iterator, and up to `limit` records."""


class KinesisSource:
    """A Kinesis stream."""

    def __init__(self, rules: EventSourceMapping, client: ClientFactory) -> None:
        self._rules = rules
        self._kinesis = client("kinesis")

    def shards(self) -> Sequence[str]:
        """See `StreamSource`."""
        return [each["ShardId"] for each in self._kinesis.list_shards(StreamARN=self._rules.stream)["Shards"]]

    def iterate(self, shard: str, kind: str, sequence: str = "") -> str:
        """See `StreamSource`."""
        place = {"StartingSequenceNumber": sequence} if sequence else {}
        arguments = {"StreamARN": self._rules.stream, "ShardId": shard, "ShardIteratorType": kind, **place}
        return str(self._kinesis.get_shard_iterator(**arguments)["ShardIterator"])

    def read(self, iterator: str, limit: int, shard: str) -> tuple[str, Sequence[StreamRecord]]:
        """See `StreamSource`."""
        found = self._kinesis.get_records(ShardIterator=iterator, Limit=limit)
        return found["NextShardIterator"], [StreamRecord.of(each, shard, self._rules) for each in found["Records"]]


class TableSource:
    """The stream of a table."""

    def __init__(self, rules: EventSourceMapping, client: ClientFactory) -> None:
        self._rules = rules
        self._streams = client("dynamodbstreams")

    def shards(self) -> Sequence[str]:
        """See `StreamSource`."""
        found = self._streams.describe_stream(StreamArn=self._rules.stream)["StreamDescription"]["Shards"]
        return [each["ShardId"] for each in found]

    def iterate(self, shard: str, kind: str, sequence: str = "") -> str:
        """See `StreamSource`."""
        place = {"SequenceNumber": sequence} if sequence else {}
        arguments = {"StreamArn": self._rules.stream, "ShardId": shard, "ShardIteratorType": kind, **place}
        return str(self._streams.get_shard_iterator(**arguments)["ShardIterator"])

    def read(self, iterator: str, limit: int, shard: str) -> tuple[str, Sequence[StreamRecord]]:
        """See `StreamSource`."""
        del shard
        found = self._streams.get_records(ShardIterator=iterator, Limit=min(limit, MOST_CHANGES))
        return found["NextShardIterator"], [self._record(each) for each in found["Records"]]

    def _record(self, found: dict[str, Any]) -> StreamRecord:
        change = found["dynamodb"]
        arrived = change["ApproximateCreationDateTime"].timestamp()
        event = {
            "eventID": found["eventID"],
            "eventName": found["eventName"],
            "eventVersion": found["eventVersion"],
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "eventSourceARN": self._rules.stream,
            # Seconds, without fractions.
            "dynamodb": {**change, "ApproximateCreationDateTime": int(arrived)},
        }
        # Changes of one item stay in their order.
        key = json.dumps(change["Keys"], sort_keys=True)
        return StreamRecord(change["SequenceNumber"], key, arrived, json.dumps(event, default=_binary).encode())


def source_of(rules: EventSourceMapping, client: ClientFactory) -> StreamSource:
    """Returns what reads the stream of a mapping."""
    return (TableSource if rules.stream.split(":")[2] == "dynamodb" else KinesisSource)(rules, client)


def _binary(value: Any) -> str:
    return base64.b64encode(value).decode()
