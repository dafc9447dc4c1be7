"""Event source mappings of streams: batches, retries, splits and discarded records, as a fold without clock or calls.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, with-ddb.html, and the pages below them. Comments name
the points that these pages leave open.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ACCOUNT, REGION
from local.aws.streams.filters import Pattern, patterns
from local.aws.template import StackTemplate

MAX_EVENT = 6 * 1024 * 1024
EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"
# AWS documents exponential backoff, but not its limits (seconds).
FIRST_PAUSE, LAST_PAUSE = 0.1, 10.0
OPTIONS = {
    "BatchSize": "batch_size",
    "BisectBatchOnFunctionError": "bisects",
    "MaximumBatchingWindowInSeconds": "window",
    "MaximumRecordAgeInSeconds": "max_age",
    "MaximumRetryAttempts": "retries",
    "ParallelizationFactor": "groups",
    "StartingPosition": "start",
}
OTHERS = {"DestinationConfig", "Enabled", "EventSourceArn", "FilterCriteria", "FunctionResponseTypes", "Tags"}


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """An event source mapping.

    Attributes:
        name: logical id.
        stream: ARN of the stream.
        function: name of the function.
        start: LATEST or TRIM_HORIZON.
        batch_size: records in one event.
        window: seconds that a batch may wait to fill up.
        groups: partition groups of one shard, whose batches may run concurrently (ParallelizationFactor).
        bisects: whether a failed batch is split in two.
        reports: whether the function reports failed records (ReportBatchItemFailures).
        retries: attempts after the first, -1 without limit.
        max_age: age in seconds at which a record is discarded, -1 for never.
        destination: ARN of the on-failure destination.
        filters: records that none of these patterns matches are not sent to the function; none sends all.
    """

    name: str
    stream: str
    function: str
    start: str = "TRIM_HORIZON"
    batch_size: int = 100
    window: float = 0
    groups: int = 1
    bisects: bool = False
    reports: bool = False
    retries: int = -1
    max_age: float = -1
    destination: str | None = None
    filters: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, name: str, function: str, properties: Mapping[str, Any]) -> "EventSourceMapping":
        """Reads the properties of an AWS::Lambda::EventSourceMapping, with AWS's defaults."""
        if unknown := properties.keys() - OPTIONS.keys() - OTHERS:
            raise NotImplementedError(f"{unknown} of {name}")
        return cls(
            name=name,
            stream=properties["EventSourceArn"],
            function=function,
            reports="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            destination=properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
            filters=patterns(properties),
            **{OPTIONS[option]: value for option, value in properties.items() if option in OPTIONS},
        )


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record of a shard.

    Attributes:
        sequence: its number.
        key: its partition key.
        arrived: seconds since 1970.
        event: its part of the function's event, JSON.
    """

    sequence: str
    key: str
    arrived: float
    event: bytes

    @classmethod
    def of(cls, found: Mapping[str, Any], shard: str, rules: EventSourceMapping) -> "StreamRecord":
        """Converts a record of GetRecords."""
        arrived = found["ApproximateArrivalTimestamp"].timestamp()
        kinesis = {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": found["PartitionKey"],
            "sequenceNumber": found["SequenceNumber"],
            "data": base64.b64encode(found["Data"]).decode(),
            "approximateArrivalTimestamp": arrived,
        }
        event = {
            "kinesis": kinesis,
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{found['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/{rules.function}",
            "awsRegion": REGION,
            "eventSourceARN": rules.stream,
        }
        return cls(found["SequenceNumber"], found["PartitionKey"], arrived, json.dumps(event).encode())


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Records that are sent together to the function, or to the destination.

    Attributes:
        records: in the order of the shard.
        attempts: failed attempts with exactly this batch.
        error: whether the last of them ended with a function error rather than an answer.
        not_before: time of the next attempt.
        discarded: the condition of the discard, such as RetryAttemptsExhausted; empty before.
        request_id: id of all its attempts.
    """

    records: tuple[StreamRecord, ...]
    attempts: int = 0
    error: bool = False
    not_before: float = 0
    discarded: str = ""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)

    def event(self) -> bytes:
        """Returns the event, JSON."""
        return b'{"Records":[' + b",".join(record.event for record in self.records) + b"]}"

    def after(self, result: InvocationResult, rules: EventSourceMapping, now: float) -> tuple["StreamBatch", ...]:
        """Returns the batches that replace this one after an attempt; none once all records are done.

        A split does not use up a retry, and neither does the rest after a reported checkpoint: both are new batches.
        A batch whose first record is the reported one makes no progress, and is split in half.
        """
        done = acknowledged(result, self.records, reports=rules.reports)
        rest = self.records[done:]
        if done:
            return (StreamBatch(rest),) if rest else ()
        if rules.bisects and len(rest) > 1:
            middle = len(rest) // 2
            return (StreamBatch(rest[:middle]), StreamBatch(rest[middle:]))
        tried = replace(self, attempts=self.attempts + 1, error=result.error is not None)
        if 0 <= rules.retries < tried.attempts:
            return (replace(tried, discarded=EXHAUSTED),)
        return (tried.pause(now),)

    def pause(self, now: float) -> "StreamBatch":
        """Postpones the next attempt with exponential backoff."""
        seconds = min(LAST_PAUSE, FIRST_PAUSE * 2 ** min(self.attempts - 1, 10))
        return replace(self, not_before=now + seconds)

    def without_old(self, rules: EventSourceMapping, now: float) -> tuple["StreamBatch", ...]:
        """Discards the leading records that are too old."""
        oldest = now - rules.max_age if rules.max_age >= 0 else 0
        old = next((i for i, record in enumerate(self.records) if record.arrived >= oldest), len(self.records))
        if not old or self.discarded:
            return (self,)
        discarded = replace(self, records=self.records[:old], discarded=TOO_OLD, not_before=now)
        rest = replace(self, records=self.records[old:], request_id=str(uuid.uuid4()))
        return (discarded, rest) if rest.records else (discarded,)


@dataclass(frozen=True, slots=True)
class PartitionGroup:
    """Records of a shard that are processed one batch at a time; a partition key always belongs to the same group.

    Attributes:
        waiting: records without a batch.
        since: when the batching window began.
        batches: formed batches; the first one is next.
    """

    waiting: tuple[StreamRecord, ...] = ()
    since: float = 0
    batches: tuple[StreamBatch, ...] = ()

    def add(self, records: Sequence[StreamRecord], now: float) -> "PartitionGroup":
        """Appends records."""
        since = self.since if self.waiting else max(now, self.since)
        return replace(self, waiting=(*self.waiting, *records), since=since)

    def advance(self, rules: EventSourceMapping, now: float) -> "PartitionGroup":
        """Forms a batch when it is full or its window has passed, and discards records that are too old."""
        count = 0 if self.batches else fitting(self.waiting[: rules.batch_size])
        full = count == rules.batch_size or count < len(self.waiting)
        formed = (StreamBatch(self.waiting[:count]),) if count and (full or now >= self.since + rules.window) else ()
        batches = self.batches + formed
        return PartitionGroup(
            waiting=self.waiting[count:] if formed else self.waiting,
            since=self.since,
            batches=(*batches[0].without_old(rules, now), *batches[1:]) if batches else (),
        )

    def next(self, now: float) -> StreamBatch | None:
        """Returns the next batch, if it is due."""
        return self.batches[0] if self.batches and self.batches[0].not_before <= now else None

    def settle(self, instead: Sequence[StreamBatch], now: float) -> "PartitionGroup":
        """Replaces the first batch after an attempt; the next window begins when an invocation ends."""
        return replace(self, batches=(*instead, *self.batches[1:]), since=now)


def fitting(records: Sequence[StreamRecord]) -> int:
    """Returns how many of the first records fit into one event, at least one."""
    size = len(StreamBatch(()).event())
    for count, record in enumerate(records):
        size += len(record.event) + 1
        if size > MAX_EVENT and count:
            return count
    return len(records)


def acknowledged(result: InvocationResult, records: Sequence[StreamRecord], *, reports: bool) -> int:
    """Returns how many of the first records an invocation processed.

    A missing, null or empty list of failures means success. An identifier that is missing, empty or not of this batch
    fails the whole batch, and so does a malformed answer.
    """
    if result.error:
        return 0
    if not reports:
        return len(records)
    places = {record.sequence: place for place, record in enumerate(records)}
    try:
        answer = json.loads(result.payload or b"null")
        failures = (answer.get("batchItemFailures") if answer else None) or []
        return min([places[failure["itemIdentifier"]] for failure in failures], default=len(records))
    except (ValueError, AttributeError, LookupError, TypeError):
        return 0


def mappings(template: StackTemplate) -> Iterator[EventSourceMapping]:
    """Yields the enabled event source mappings of a template."""
    for name, found in template.raw("AWS::Lambda::EventSourceMapping"):
        function = template.function(found["FunctionName"])
        properties = template.resolve({key: value for key, value in found.items() if key != "FunctionName"})
        if properties.get("Enabled", True):
            yield EventSourceMapping.of(name, function, properties)
