"""The consumer of the audio stream: failures that may pass are retried, those that never will are kept apart."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.contracts.events import parse
from bonafide.errors import BonafideError, Unavailable
from bonafide.observability import Event, Handler, follow, log_unexpected, logger, measurements, observed
from bonafide.records.stream import StreamRecord
from bonafide.services.streaming.failed_records import FailedRecords
from bonafide.services.streaming.scoring import ChunkScoring


def batch_entry(scoring: ChunkScoring, failed: FailedRecords) -> Handler[Any]:
    """Wraps scoring into a function's entry point with partial batch responses.

    A record that can never be scored is kept with its reason and all that a replay needs, so that it does not block its
    shard. After any other failure the stream repeats the batch from the lowest failed record; records that were scored
    before are recognized and cost one read.
    """
    processor = BatchProcessor(event_type=EventType.KinesisDataStreams)

    def take(record: KinesisStreamRecord) -> None:
        follow(None)
        event: StreamRecord | None = None
        try:
            event = parse(record.kinesis.data_as_bytes())
            scoring.handle(event, _accepted_at(record))
        except Unavailable as error:
            logger.warning("record retried", extra={"code": error.code, "record": record.event_id})
            raise
        except BonafideError as error:
            _keep(failed, record, event, error)
        except Exception as error:
            log_unexpected(error)
            raise

    def handle(event: Event, context: LambdaContext) -> Any:
        # First, so that the lag is published even if the batch fails.
        _publish_lag(scoring, event)
        answer = process_partial_response(event=event, record_handler=take, processor=processor, context=context)
        follow(None)
        return answer

    return observed(handle)


def _accepted_at(record: KinesisStreamRecord) -> datetime:
    return datetime.fromtimestamp(record.kinesis.approximate_arrival_timestamp, UTC)


def _keep(failed: FailedRecords, record: KinesisStreamRecord, event: StreamRecord | None, error: BonafideError) -> None:
    logger.warning("record set aside", extra={"code": error.code, "record": record.event_id})
    measurements.add(ChunksSetAside=1)
    data = record.kinesis.data_as_bytes()
    failed.put(record.event_id, record.kinesis.partition_key, data, event, _about(record, error))


def _about(record: KinesisStreamRecord, error: BonafideError) -> dict[str, Any]:
    return {
        "reason": {"code": error.code, "detail": error.detail, "field": error.subject},
        "stream": record.event_source_arn,
        "approximate_arrival": record.kinesis.approximate_arrival_timestamp,
    }


def _publish_lag(scoring: ChunkScoring, event: dict[str, Any]) -> None:
    first = event["Records"][0]
    oldest = datetime.fromtimestamp(first["kinesis"]["approximateArrivalTimestamp"], UTC)
    try:
        scoring.publish_lag(first["eventID"].partition(":")[0], oldest)
    except Unavailable as error:
        # The batch can be scored all the same, and the lag would be outdated in seconds.
        logger.warning("lag not reported", extra={"code": error.code})
