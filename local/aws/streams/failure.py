"""On-failure destinations: queues get the position of discarded records, buckets also get the records.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.aws.functions.function import ACCOUNT, REGION
from local.aws.streams.mapping import EventSourceMapping, StreamBatch

type ClientFactory = Callable[[str], Any]
type DeliverFailure = Callable[[StreamBatch, str], None]


def destination(rules: EventSourceMapping, client: ClientFactory) -> DeliverFailure:
    """Returns the function that sends a discarded batch of a shard to the destination of its mapping."""
    if not rules.destination:
        return lambda *_: None
    service, name = rules.destination.split(":")[2], rules.destination.split(":")[-1]
    if service == "sqs":
        return _to_queue(rules, client("sqs"), name)
    if service == "s3":
        return _to_bucket(rules, client("s3"), name)
    raise NotImplementedError(f"a failure destination other than a queue or a bucket: {rules.destination}")


def _to_queue(rules: EventSourceMapping, sqs: Any, name: str) -> DeliverFailure:
    def deliver(batch: StreamBatch, shard: str) -> None:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(notice(batch, rules, shard, time.time())))

    return deliver


def _to_bucket(rules: EventSourceMapping, s3: Any, name: str) -> DeliverFailure:
    mapping = uuid.uuid5(uuid.NAMESPACE_OID, rules.name)

    def deliver(batch: StreamBatch, shard: str) -> None:
        now = time.time()
        when = f"{datetime.fromtimestamp(now, UTC):%Y/%m/%d/%Y-%m-%dT%H.%M.%S}"
        content = notice(batch, rules, shard, now) | {"payload": batch.event().decode()}
        key = f"aws/lambda/{mapping}/{shard}/{when}-{uuid.uuid4()}"
        s3.put_object(Bucket=name, Key=key, Body=json.dumps(content).encode())

    return deliver


def notice(batch: StreamBatch, rules: EventSourceMapping, shard: str, now: float) -> dict[str, Any]:
    """Describes discarded records, with the result of the last attempt, if any."""
    first, last = batch.records[0], batch.records[-1]
    response = {"statusCode": 200, "executedVersion": "1"} | ({"functionError": "Unhandled"} if batch.error else {})
    return {
        "requestContext": {
            "requestId": batch.request_id,
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{rules.function}:live",
            "condition": batch.discarded,
            "approximateInvokeCount": batch.attempts,
        },
        **({"responseContext": response} if batch.attempts else {}),
        "version": "1.0",
        "timestamp": _moment(now),
        "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": _moment(first.arrived),
            "approximateArrivalOfLastRecord": _moment(last.arrived),
            "batchSize": len(batch.records),
            "streamArn": rules.stream,
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
