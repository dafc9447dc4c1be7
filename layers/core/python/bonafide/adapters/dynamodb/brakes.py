"""Brakes in DynamoDB, in the table of domains.

Partition key `domain`, which is `brake#<domain>`, or `brake#` for the stage; sort key `item`, which is `state` for the
brake as it is, and `change#<version>` for each change.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    BatchReader,
    follows,
    transacted,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import CHANGE_PREFIX, brake_attributes, brake_key, change_key, read_brake
from bonafide.records.brake import BrakeRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoBrakeStore:
    """`BrakeStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)

    def brake(self, domain: str | None) -> BrakeRecord:
        """See `BrakeStore`."""
        # A batch of one: functions that judge may read batches, and nothing else of this table.
        return read_brake(domain, next(self._batches.read([brake_key(domain)]), None))

    def put_brake(self, record: BrakeRecord) -> None:
        """See `BrakeStore`."""
        own = brake_attributes(record)
        # The condition of the state is one for the change too: it lets each version be written once.
        change: Any = {"TableName": self._table, "Item": {**change_key(record.domain, record.version), **own}}
        state: Any = {
            "TableName": self._table,
            "Item": {**brake_key(record.domain), **own},
            **follows(record.version),
        }
        transacted(lambda: self._client.transact_write_items(TransactItems=[{"Put": change}, {"Put": state}]))

    def brake_changes(self, domain: str | None, limit: int) -> Sequence[BrakeRecord]:
        """See `BrakeStore`."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :brake AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":brake": brake_key(domain)["domain"], ":prefix": {"S": CHANGE_PREFIX}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        return [read_brake(domain, item) for item in answer["Items"]]
