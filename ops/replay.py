"""Puts failed records back onto the stream: `python -m ops.replay --stream S --bucket B [KEY ...]`.

Works with AWS and with a local deployment, by AWS_ENDPOINT_URL and the usual credentials. Replaying is idempotent,
since evidence is a set: records that were scored meanwhile are recognized.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# A read may return nothing although records exist.
EMPTY_READS = 10


def keys(s3: Any, bucket: str) -> Iterator[str]:
    """Yields the key of each document in a failure bucket."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (each["Key"] for each in page.get("Contents", []))


def records(document: Mapping[str, Any]) -> list[tuple[str, bytes | None]]:
    """Returns partition key and data of each record in a document.

    Scoring writes a document for each record that can never be scored; Lambda writes one for each discarded batch, with
    the event as text. Scoring omits audio that may not be kept; its data is None.
    """
    if "payload" not in document:
        data = document.get("data")
        return [(document["partition_key"], None if data is None else base64.b64decode(data))]
    batch = [each["kinesis"] for each in json.loads(document["payload"])["Records"]]
    return [(each["partitionKey"], base64.b64decode(each["data"])) for each in batch]


def replay(kinesis: Any, s3: Any, stream: str, bucket: str, names: Iterable[str]) -> int:
    """Puts the records of documents back in their order; returns their number.

    Omitted audio is read from the stream while it is retained; after that the record is lost, and not counted.

    Args:
        kinesis: client of Kinesis.
        s3: client of S3.
        stream: name of the stream.
        bucket: name of the failure bucket; its documents stay until they expire.
        names: keys of documents.
    """
    count = 0
    for name in names:
        document = json.loads(s3.get_object(Bucket=bucket, Key=name)["Body"].read())
        for partition, kept in records(document):
            data = read_if_kept(kinesis, stream, document["event_id"]) if kept is None else kept
            if data is not None:
                kinesis.put_record(StreamName=stream, PartitionKey=partition, Data=data)
                count += 1
    return count


def read_if_kept(kinesis: Any, stream: str, event_id: str) -> bytes | None:
    """Reads a record from the stream if it is still retained there; returns None otherwise.

    Args:
        kinesis: client of Kinesis.
        stream: name of the stream.
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
    parser = argparse.ArgumentParser(
        prog="python -m ops.replay", description="Puts failed records back onto the stream."
    )
    parser.add_argument("--stream", required=True, help="name of the audio stream")
    parser.add_argument("--bucket", required=True, help="name of the failure bucket")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="keys of documents; all by default")
    given = parser.parse_args()
    try:
        s3 = boto3.client("s3")
        names = given.keys or list(keys(s3, given.bucket))
        print(replay(boto3.client("kinesis"), s3, given.stream, given.bucket, names))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"replay: {error}")


if __name__ == "__main__":
    _main()
