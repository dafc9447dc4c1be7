"""The consumer of the stream of the table of decisions: what fails is retried, and found by night if that fails too."""

import json
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.observability import Event, log_unexpected
from bonafide.ports.ledger.archive import DecisionEvents
from bonafide.records.ledger.entry import StoredDecision
from bonafide.services.archive.archiving import Archiving

INSERTED = "INSERT"


class TableConsumer:
    """Archives the decisions of a batch, with partial batch responses.

    Each decision that is archived is announced when its batch is done: again if the batch comes again.
    After a failure the stream repeats the batch from the lowest failed record; what was archived before is recognized.
    Changes of a decision, which only an erasure makes, and deletions are not archived.
    """

    def __init__(self, archiving: Archiving, events: DecisionEvents) -> None:
        self._archiving = archiving
        self._events = events
        self._archived: list[StoredDecision] = []
        self._processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)

    def take(self, event: Event, context: LambdaContext) -> dict[str, Any]:
        """Archives a batch; returns the records that failed."""
        self._archived = []
        answer = process_partial_response(
            event=event, record_handler=self._one, processor=self._processor, context=context
        )
        self._events.announce(self._archived)
        return dict(answer)

    def _one(self, record: DynamoDBRecord) -> None:
        image = record.dynamodb.new_image if record.dynamodb else None
        if record.raw_event.get("eventName") != INSERTED or not image:
            return
        try:
            until = datetime.fromtimestamp(int(image["expires_at"]), UTC)
            decision = StoredDecision(json.loads(image["document"]), until)
            if self._archiving.is_archived(decision):
                self._archiving.take(decision)
                self._archived.append(decision)
        except Exception as error:
            log_unexpected(error)
            raise
