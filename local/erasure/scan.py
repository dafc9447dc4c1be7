"""Scans of every store of a deployment's template for what says a name."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.resources import list_resources

# Partitions of the table of domains that say what was erased, by whom it was asked for, and when.
RECORDS = ("erasure#", "erased#", "erasing#", "audit#")
# Objects that keep a restore from bringing back what was erased.
OBJECTS = "erasures/"


@dataclass
class NamesFound:
    """All that says one of some names.

    Attributes:
        left: by store, what should not be there.
        records: how many records of erasures and administrative acts say it, which are kept on purpose.
        streamed: how many records of streams say it; they expire.
        stores: how many stores were scanned.
    """

    left: dict[str, list[str]] = field(default_factory=dict)
    records: int = 0
    streamed: int = 0
    stores: int = 0

    @property
    def count(self) -> int:
        """Number of items and objects that should not be there."""
        return sum(map(len, self.left.values()))


class Scan:
    """Reads all that a stage stores."""

    def __init__(self, client: Any, stage: str) -> None:
        """Stores its dependencies; `client` makes clients of services of AWS."""
        self._client = client
        found = list_resources(client("cloudformation"), f"Bonafide-{stage}-Data")
        self._names = [(each["ResourceType"], each["PhysicalResourceId"]) for each in found]

    def find(self, names: Sequence[str]) -> NamesFound:
        """Looks for names in every item, object, key and record of the stage."""
        found = NamesFound()
        for kind, name in self._names:
            read = READERS.get(kind)
            if read is None:
                continue
            found.stores += 1
            for place, text in read(self._client, name):
                if any(each in place or each in text for each in names):
                    _add(found, kind, name, place)
        return found


def _add(found: NamesFound, kind: str, name: str, place: str) -> None:
    if kind == "AWS::Kinesis::Stream":
        found.streamed += 1
    elif place.startswith((*RECORDS, OBJECTS)):
        found.records += 1
    else:
        found.left.setdefault(name, []).append(place)


def _items(client: Any, table: str) -> Iterator[tuple[str, str]]:
    for page in client("dynamodb").get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            yield _key(item), json.dumps(item, default=_text)


def _key(item: Mapping[str, Any]) -> str:
    """Returns what names an item, the partition first."""
    names = ("domain", "session", "owner", "id", "partition", "item", "decision_id")
    own = ("session",) if "session" in item and "item" in item else ("owner",) if "owner" in item else ()
    return " ".join(str(item[name]["S"]) for name in (*own, *names) if name in item)


def _objects(client: Any, bucket: str) -> Iterator[tuple[str, str]]:
    s3 = client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", ()):
            yield each["Key"], _text(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())


def _records(client: Any, stream: str) -> Iterator[tuple[str, str]]:
    kinesis = client("kinesis")
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        place = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=place)
            yield from ((each["PartitionKey"], _text(each["Data"])) for each in answer["Records"])
            if not answer["Records"]:
                break
            place = answer["NextShardIterator"]


def _text(value: Any) -> str:
    """Returns bytes as text in which a name is found that they hold, plain or in base64."""
    if not isinstance(value, bytes):
        return str(value)
    plain = value.decode("latin-1")
    try:
        return plain + base64.b64decode(value, validate=True).decode("latin-1")
    except ValueError:
        return plain


READERS: Mapping[str, Any] = {
    "AWS::DynamoDB::Table": _items,
    "AWS::S3::Bucket": _objects,
    "AWS::Kinesis::Stream": _records,
}
