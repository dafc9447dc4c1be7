"""Puts records back onto the stream that were set aside: `python -m ops.replay --stream S --bucket B [KEY ...]`.

Against AWS or the local deployment alike; AWS_ENDPOINT_URL and credentials are read as everywhere. Replaying is safe at
any time and as often as one likes, since evidence is a set: what was scored meanwhile is recognized.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# A read may find nothing though there is something.
EMPTY_READS = 10


def keys(s3: Any, bucket: str) -> Iterator[str]:
    """Names every document of a bucket of failures."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (each["Key"] for each in page.get("Contents", []))


def records(document: Mapping[str, Any]) -> list[tuple[str, bytes | None]]:
    """Partition key and data of what a document holds.

    Scoring writes one for each record that can never be scored; Lambda writes one for a batch that it gave up, with the
    whole event as text. Scoring leaves out audio that may not be kept: then there is None instead of the data.
    """
    if "payload" not in document:
        data = document.get("data")
        return [(document["partition_key"], None if data is None else base64.b64decode(data))]
    batch = [each["kinesis"] for each in json.loads(document["payload"])["Records"]]
    return [(each["partitionKey"], base64.b64decode(each["data"])) for each in batch]


def replay(kinesis: Any, s3: Any, stream: str, bucket: str, names: Iterable[str]) -> int:
    """Puts the records of these documents back, in their order; returns how many.

    What a document leaves out is read from the stream, as long as that has it; later it is lost, and not counted.

    Args:
        kinesis: client of the stream.
        s3: client of the bucket.
        stream: name of the stream.
        bucket: of failures; what is in it stays there until it expires.
        names: of documents in the bucket.
    """
    count = 0
    for name in names:
        document = json.loads(s3.get_object(Bucket=bucket, Key=name)["Body"].read())
        for partition, kept in records(document):
            data = still_there(kinesis, stream, document["event_id"]) if kept is None else kept
            if data is not None:
                kinesis.put_record(StreamName=stream, PartitionKey=partition, Data=data)
                count += 1
    return count


def still_there(kinesis: Any, stream: str, event_id: str) -> bytes | None:
    """Reads a record from the stream; None when it was there for so long that it is gone.

    Args:
        kinesis: client of the stream.
        stream: its name.
        event_id: shard and sequence number, as `<shard>:<number>`.
    """
    shard, _, sequence = event_id.partition(":")
    place = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": sequence}
    try:
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **place)["ShardIterator"]
    except (kinesis.exceptions.InvalidArgumentException, kinesis.exceptions.ResourceNotFoundException):
        return None
    for _ in range(EMPTY_READS):
        answer = kinesis.get_records(ShardIterator=iterator, Limit=1)
        if answer["Records"]:
            found = answer["Records"][0]
            return bytes(found["Data"]) if found["SequenceNumber"] == sequence else None
        iterator = answer["NextShardIterator"]
    return None


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.replay", description="Puts failed records back.")
    parser.add_argument("--stream", required=True, help="name of the audio stream")
    parser.add_argument("--bucket", required=True, help="name of the bucket of failures")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="documents to replay; all of them by default")
    given = parser.parse_args()
    try:
        s3 = boto3.client("s3")
        names = given.keys or list(keys(s3, given.bucket))
        print(replay(boto3.client("kinesis"), s3, given.stream, given.bucket, names))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"replay: {error}")


if __name__ == "__main__":
    _main()
