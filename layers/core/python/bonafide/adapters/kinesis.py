"""The audio stream on Kinesis."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.contracts.events import VERSIONS, write
from bonafide.errors import AudioOverload, StoreUnavailable
from bonafide.records.stream import StreamRecord, partition_key, require_size

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

THROTTLED = {"ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"}


class KinesisAudioStream:
    """`AudioStream` on one stream; events of one partition keep their order."""

    def __init__(self, client: "KinesisClient", stream: str, version: int = VERSIONS[-1]) -> None:
        """Stores its dependencies; `version` is the one of events in which chunks are sent."""
        self._client = client
        self._stream = stream
        self._version = version
        self._shards: list[tuple[int, str]] = []

    def put(self, record: StreamRecord) -> None:
        """See `AudioStream`."""
        partition, data = partition_key(record.domain, record.session), write(record, self._version)
        require_size(partition, data)
        with _translated_errors():
            answer = self._client.put_record(StreamName=self._stream, PartitionKey=partition, Data=data)
        if self._shards and answer["ShardId"] != self.shard(record.domain, record.session):
            # The stream was given more shards, or fewer.
            self._shards = []

    def shard(self, domain: str, session: str) -> str:
        """See `AudioStream`. Each shard holds a range of the MD5 of partition keys."""
        if not self._shards:
            self._shards = self._open_shards()
        if not self._shards:
            raise StoreUnavailable
        place = int.from_bytes(hashlib.md5(partition_key(domain, session).encode(), usedforsecurity=False).digest())
        return self._shards[bisect_left(self._shards, (place, ""))][1]

    def _open_shards(self) -> list[tuple[int, str]]:
        """Reads the end of each open shard's range, and its name."""
        with _translated_errors():
            pages = self._client.get_paginator("list_shards").paginate(StreamName=self._stream)
            shards = [shard for page in pages for shard in page["Shards"]]
        return sorted(
            (int(each["HashKeyRange"]["EndingHashKey"]), each["ShardId"])
            for each in shards
            if "EndingSequenceNumber" not in each["SequenceNumberRange"]
        )


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in THROTTLED:
            raise AudioOverload from error
        raise StoreUnavailable from error
    except BotoCoreError as error:
        raise StoreUnavailable from error
