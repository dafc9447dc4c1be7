"""Decisions in DynamoDB: partition key `domain`, sort key `decision_id`."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.items import document_of
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict
from bonafide.records.decision import DecisionRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDecisionStore:
    """`DecisionStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def append(self, record: DecisionRecord, expires_at: datetime) -> DecisionRecord:
        """See `DecisionStore`."""
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=_item(record, expires_at),
                    ConditionExpression="attribute_not_exists(decision_id)",
                )
        except VersionConflict as conflict:
            stored = self.read(record.domain, record.decision_id or "")
            if stored is None:
                raise StoreUnavailable from conflict
            return stored
        return record

    def read(self, domain: str, decision_id: str) -> DecisionRecord | None:
        """See `DecisionStore`."""
        key: Item = {"domain": {"S": domain}, "decision_id": {"S": decision_id}}
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return DecisionRecord.from_document(document_of(answer["Item"])) if "Item" in answer else None


def _item(record: DecisionRecord, expires_at: datetime) -> Item:
    return {
        "domain": {"S": record.domain},
        "decision_id": {"S": record.decision_id or ""},
        "decision": {"S": str(record.judgement.decision)},
        "document": {"S": json.dumps(record.to_document())},
        "expires_at": {"N": str(int(expires_at.timestamp()))},
    }
