import base64
import json

from local.aws.streams.failure import notice
from local.aws.streams.mapping import EXHAUSTED, EventSourceMapping, StreamBatch, StreamRecord
from ops.replay import records

RULES = EventSourceMapping("Mapping", "arn:aws:kinesis:us-east-1:123456789012:stream/calls", "score_audio")


def record(number: int, data: bytes) -> StreamRecord:
    kinesis = {"partitionKey": f"acme#{number}", "data": base64.b64encode(data).decode()}
    return StreamRecord(str(number), f"acme#{number}", 0.0, json.dumps({"kinesis": kinesis}).encode())


def test_a_record_that_scoring_set_aside_is_put_back_as_it_was() -> None:
    document = {"partition_key": "acme#call", "data": base64.b64encode(b"\xff\0").decode(), "reason": {}}
    assert records(document) == [("acme#call", b"\xff\0")]


def test_a_batch_that_lambda_gave_up_is_put_back_whole_and_in_order() -> None:
    batch = StreamBatch((record(1, b"one"), record(2, b"two")), attempts=6, discarded=EXHAUSTED)
    document = notice(batch, RULES, "shardId-000000000000", 1.0) | {"payload": batch.event().decode()}
    assert records(document) == [("acme#1", b"one"), ("acme#2", b"two")]


def test_of_audio_that_was_not_kept_there_is_only_its_place() -> None:
    assert records({"partition_key": "acme#call", "event_id": "shard:1", "reason": {}}) == [("acme#call", None)]
