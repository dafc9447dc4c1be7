"""Write limits of Kinesis shards, in front of an emulator that has none.

https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

BYTES_A_SECOND = 1024 * 1024
RECORDS_A_SECOND = 1000
PUT_RECORD = b"Kinesis_20131202.PutRecord"

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class ShardAllowance:
    """Bytes and records that a shard still takes; a second refills both. AWS does not say how it counts."""

    at: float
    size: float = BYTES_A_SECOND
    records: float = RECORDS_A_SECOND

    def take(self, size: int, now: float) -> bool:
        """Takes one record if it fits; returns whether it does."""
        passed, self.at = now - self.at, now
        self.size = min(BYTES_A_SECOND, self.size + passed * BYTES_A_SECOND)
        self.records = min(RECORDS_A_SECOND, self.records + passed * RECORDS_A_SECOND)
        if size > self.size or self.records < 1:
            return False
        self.size, self.records = self.size - size, self.records - 1
        return True


class WriteLimits:
    """ASGI application that refuses a PutRecord beyond the limits of its shard, and passes on everything else.

    Which shard a partition key belongs to is known from the answer to its first record, which is not limited.
    """

    def __init__(self, emulator: Application, clock: Callable[[], float] = time.monotonic) -> None:
        self._emulator = emulator
        self._clock = clock
        self._shards: dict[tuple[str, str], str] = {}
        self._allowances: dict[tuple[str, str], ShardAllowance] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or dict(scope["headers"]).get(b"x-amz-target") != PUT_RECORD:
            await self._emulator(scope, receive, send)
            return
        body = await _body(receive)
        record = json.loads(body)
        stream, key = record.get("StreamName") or record.get("StreamARN", ""), record.get("PartitionKey", "")
        shard = self._shards.get((stream, key))
        if shard and not self._takes(stream, shard, record):
            await _refuse(send, stream, shard)
            return
        await self._emulator(scope, _again(body), send if shard else self._learning(send, stream, key))

    def _takes(self, stream: str, shard: str, record: Mapping[str, Any]) -> bool:
        now = self._clock()
        allowance = self._allowances.setdefault((stream, shard), ShardAllowance(now))
        return allowance.take(len(record["PartitionKey"]) + _size(record.get("Data", "")), now)

    def _learning(self, send: Send, stream: str, key: str) -> Send:
        async def learn(message: Message) -> None:
            if message["type"] == "http.response.body" and b'"ShardId"' in message.get("body", b""):
                self._shards[stream, key] = json.loads(message["body"])["ShardId"]
            await send(message)

        return learn


def _size(data: str) -> int:
    return len(data) * 3 // 4 - data[-2:].count("=")


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes) -> Receive:
    """Returns the channel of a request that was read already."""
    messages: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if len(messages) > 1 else messages[0]

    return receive


async def _refuse(send: Send, stream: str, shard: str) -> None:
    kind = "ProvisionedThroughputExceededException"
    problem = {"__type": kind, "message": f"Rate exceeded for shard {shard} in stream {stream}."}
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"x-amzn-errortype", kind.encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
