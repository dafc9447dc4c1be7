"""Write limits of shards, in front of a stream that takes everything."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from local.aws.streams.limits import BYTES_A_SECOND, PUT_RECORD, RECORDS_A_SECOND, Message, Receive, Send, WriteLimits


class Stream:
    """A stream of two shards, its limits and their clock.

    Attributes:
        taken: bodies that the stream got.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[bytes] = []
        self._limits = WriteLimits(self._serve, lambda: self.now)

    async def _serve(self, _scope: Message, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.taken.append(body)
        shard = {"ShardId": f"shard-{json.loads(self.taken[-1])['PartitionKey'][-1]}"}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(shard).encode()})

    def put(self, size: int, key: str = "call-0", target: bytes = PUT_RECORD) -> tuple[int, Any]:
        """Returns status and document of the answer."""
        data = base64.b64encode(bytes(size - len(key))).decode()
        body = json.dumps({"StreamName": "audio", "PartitionKey": key, "Data": data}).encode()
        return asyncio.run(self._ask(target, [body[:100], body[100:]]))

    async def _ask(self, target: bytes, pieces: Sequence[bytes]) -> tuple[int, Any]:
        coming = [{"body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]
        sent: list[Message] = []

        async def receive() -> Message:
            return coming.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await self._limits({"type": "http", "headers": [(b"x-amz-target", target)]}, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture
def stream() -> Stream:
    stream = Stream()
    for key in ("call-0", "call-1"):
        stream.put(len(key), key)
    stream.taken.clear()
    return stream


def test_a_shard_takes_a_megabyte_a_second(stream: Stream) -> None:
    answers = [stream.put(BYTES_A_SECOND // 4)[0] for _ in range(5)]
    assert answers == [200, 200, 200, 200, 400]
    stream.now += 0.25
    assert [stream.put(BYTES_A_SECOND // 4)[0] for _ in range(2)] == [200, 400]


def test_a_shard_takes_a_thousand_records_a_second(stream: Stream) -> None:
    answers = [stream.put(10)[0] for _ in range(RECORDS_A_SECOND + 1)]
    assert (answers.count(200), answers[-1]) == (RECORDS_A_SECOND, 400)


def test_a_record_that_is_refused_does_not_reach_the_stream(stream: Stream) -> None:
    stream.put(BYTES_A_SECOND)
    status, problem = stream.put(100)
    assert (status, problem["__type"]) == (400, "ProvisionedThroughputExceededException")
    assert len(stream.taken) == 1


def test_shards_have_limits_of_their_own(stream: Stream) -> None:
    assert [stream.put(BYTES_A_SECOND, key)[0] for key in ("call-0", "call-1")] == [200, 200]


def test_other_calls_are_not_limited(stream: Stream) -> None:
    answers = [stream.put(BYTES_A_SECOND, target=b"Kinesis_20131202.GetRecords")[0] for _ in range(3)]
    assert answers == [200, 200, 200]
