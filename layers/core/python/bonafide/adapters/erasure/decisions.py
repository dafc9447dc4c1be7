"""Erasure of decisions, as the domain's settings say, and of what is stored under their names."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.decisions import BY_TIME, decision_key, written_time
from bonafide.adapters.dynamodb.items import document_of
from bonafide.ports.erasure import ErasedStep
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import ErasedDecisions
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Decisions that a step looks at; of a speaker they are searched for among all of the domain.
SEARCHED = 2000
DELETED = 50
# No audio waits for the shadow for longer.
WAITING = timedelta(hours=3)


class DecisionErasing:
    """`ErasableStore` of decisions."""

    name = "decisions"

    def __init__(self, client: "DynamoDBClient", table: str, forget: Callable[[str, str, datetime], None]) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of decisions.
            forget: deletes what is stored elsewhere under domain, identifier and time of a decision.
        """
        self._client = client
        self._table = table
        self._forget = forget

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        kept = subject.decisions is ErasedDecisions.KEEP
        if kept and subject.speaker is None:
            return ErasedStep(0, None)
        items, last = self._page(subject, after, subject.at - WAITING if kept else datetime(1970, 1, 1, tzinfo=UTC))
        for item in items:
            self._forget(subject.domain, item["decision_id"]["S"], datetime.fromisoformat(item["decided_at"]["S"]))
            if not kept:
                self._one(subject, item["decision_id"]["S"])
        return ErasedStep(0 if kept else len(items), last)

    def _page(self, subject: ErasureSubject, after: str, begin: datetime) -> tuple[list[Item], str | None]:
        values = {
            ":domain": {"S": subject.domain},
            ":begin": {"S": written_time(begin)},
            ":end": {"S": written_time(subject.before)},
        }
        of_speaker: Any = {"Limit": DELETED}
        if subject.speaker:
            values[":speaker"] = {"S": subject.speaker}
            of_speaker = {"Limit": SEARCHED, "FilterExpression": "claimed_speaker = :speaker"}
        start: Any = {"ExclusiveStartKey": json.loads(after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=BY_TIME,
                KeyConditionExpression="#domain = :domain AND decided_at BETWEEN :begin AND :end",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues=values,
                **of_speaker,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], json.dumps(last) if last else None

    def _one(self, subject: ErasureSubject, decision_id: str) -> None:
        key = decision_key(subject.domain, decision_id)
        if subject.speaker is None or subject.decisions is ErasedDecisions.ERASE:
            with translated_errors():
                self._client.delete_item(TableName=self._table, Key=key)
            return
        with translated_errors():
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item:
            self._unlink(key, DecisionRecord.from_document(document_of(item)))

    def _unlink(self, key: Item, record: DecisionRecord) -> None:
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="SET document = :document REMOVE claimed_speaker, sealed",
                ExpressionAttributeValues={":document": {"S": json.dumps(record.unlinked().to_document())}},
                ConditionExpression="attribute_exists(decision_id)",
            )
