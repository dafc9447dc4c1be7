"""The consuming side of the audio stream: what may succeed later is retried, what never will is set aside."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.errors import BonafideError, Unavailable
from bonafide.observability import Event, Handler, follow, log_unexpected, logger, measurements, observed
from bonafide.services.chunk_scoring import ChunkScoring
from bonafide.services.setting_aside import SettingAside


def batch_entry(scoring: ChunkScoring, aside: SettingAside) -> Handler[Any]:
    """Wraps scoring into a function's entry point with partial batch responses.

    A record that can never be scored is set aside with its reason and all that a replay needs, so that it does not hold
    up its shard. Whatever else goes wrong is retried by the stream from the lowest failed record; what
    was scored before is recognised and costs one read.
    """
    processor = BatchProcessor(event_type=EventType.KinesisDataStreams)

    def take(record: KinesisStreamRecord) -> None:
        accepted_at = datetime.fromtimestamp(record.kinesis.approximate_arrival_timestamp, UTC)
        data = record.kinesis.data_as_bytes()
        follow(None)
        try:
            scoring.handle(data, accepted_at)
        except Unavailable as error:
            logger.warning("record retried", extra={"code": error.code, "record": record.event_id})
            raise
        except BonafideError as error:
            logger.warning("record set aside", extra={"code": error.code, "record": record.event_id})
            measurements.add(ChunksSetAside=1)
            aside.put(record.event_id, record.kinesis.partition_key, data, _about(record, error))
        except Exception as error:
            log_unexpected(error)
            raise

    def handle(event: Event, context: LambdaContext) -> Any:
        # First, so that a batch that fails, or takes its environment with it, has said how late it is.
        _report_lag(scoring, event)
        answer = process_partial_response(event=event, record_handler=take, processor=processor, context=context)
        follow(None)
        return answer

    return observed(handle)


def _about(record: KinesisStreamRecord, error: BonafideError) -> dict[str, Any]:
    return {
        "reason": {"code": error.code, "detail": error.detail, "field": error.field},
        "stream": record.event_source_arn,
        "approximate_arrival": record.kinesis.approximate_arrival_timestamp,
    }


def _report_lag(scoring: ChunkScoring, event: dict[str, Any]) -> None:
    first = event["Records"][0]
    oldest = datetime.fromtimestamp(first["kinesis"]["approximateArrivalTimestamp"], UTC)
    try:
        scoring.report_lag(first["eventID"].partition(":")[0], oldest)
    except Unavailable as error:
        # The batch can be scored all the same, and the word would be stale in seconds.
        logger.warning("lag not reported", extra={"code": error.code})
