"""Counters of failed attempts in DynamoDB, in the table of domains.

Partition key `domain`, which is `attempts#<domain>`; sort key `item`, which is the counter's name,
`reset#<counter>#<time>` for a reset, or `used#<speaker>` for the last use of a voiceprint. The failures of a counter
are one set of strings: ADD and DELETE of DynamoDB change it without reading it, and adding the same failure again
changes nothing, so no writer ever overtakes another.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, transacted, translated_errors
from bonafide.adapters.dynamodb.items import (
    ATTEMPT_PARTITION,
    RESET_PREFIX,
    attempt_key,
    document_of,
    used_key,
    written_failure,
)
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.biometrics.presentation.attempts import Failure
from bonafide.records.history.attempt_reset import AttemptReset

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoAttemptStore:
    """`AttemptStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._partitions = Partitions(client, table)

    def count(self, domain: str, counters: Sequence[str], failure: Failure, expires_at: datetime) -> None:
        """See `AttemptStore`."""
        values = {":failures": _written([failure]), ":expires_at": _seconds(expires_at)}
        for counter in counters:
            self._update(domain, counter, "ADD failed :failures SET expires_at = :expires_at", values)

    def remove(self, domain: str, counters: Sequence[str], failures: Collection[Failure]) -> None:
        """See `AttemptStore`."""
        for counter in counters if failures else ():
            self._update(domain, counter, "DELETE failed :failures", {":failures": _written(failures)})

    def reset(self, record: AttemptReset, expires_at: datetime) -> None:
        """See `AttemptStore`."""
        table, document = {"TableName": self._table}, json.dumps(record.to_document())
        kept: Any = {
            **table,
            "Item": {**attempt_key(record.domain, _reset_name(record)), "document": {"S": document}},
        }
        state: Any = {
            **table,
            "Key": attempt_key(record.domain, record.counter),
            "UpdateExpression": "SET reset_at = :at, expires_at = :expires_at",
            "ExpressionAttributeValues": {":at": {"S": record.at.isoformat()}, ":expires_at": _seconds(expires_at)},
        }
        transacted(lambda: self._client.transact_write_items(TransactItems=[{"Put": kept}, {"Update": state}]))

    def resets(self, domain: str, counter: str, limit: int) -> Sequence[AttemptReset]:
        """See `AttemptStore`."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={
                    ":domain": attempt_key(domain, counter)["domain"],
                    ":prefix": {"S": f"{RESET_PREFIX}{counter}#"},
                },
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        return [AttemptReset.from_document(document_of(item)) for item in answer["Items"]]

    def use(self, domain: str, speaker: str, at: datetime) -> None:
        """See `AttemptStore`."""
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=used_key(domain, speaker),
                UpdateExpression="SET used_at = :at",
                ExpressionAttributeValues={":at": {"S": at.isoformat()}},
            )

    def forget(self, domain: str, counter: str | None) -> int:
        """See `AttemptStore`. With the counter at a speaker goes the last use of the voiceprint."""
        partition = ATTEMPT_PARTITION + domain
        if counter is None:
            return self._partitions.delete(partition)
        deleted = self._partitions.delete(partition, f"{RESET_PREFIX}{counter}#")
        for key in (attempt_key(domain, counter), used_key(domain, counter.partition("#")[2])):
            with translated_errors():
                answer = self._client.delete_item(TableName=self._table, Key=key, ReturnValues="ALL_OLD")
            deleted += "Attributes" in answer
        return deleted

    def _update(self, domain: str, counter: str, expression: str, values: Item) -> None:
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=attempt_key(domain, counter),
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
            )


def _written(failures: Collection[Failure]) -> Item:
    return {"SS": [written_failure(each) for each in failures]}


def _seconds(at: datetime) -> Item:
    return {"N": str(int(at.timestamp()) + 1)}


def _reset_name(record: AttemptReset) -> str:
    return f"{RESET_PREFIX}{record.counter}#{record.at.isoformat()}"
