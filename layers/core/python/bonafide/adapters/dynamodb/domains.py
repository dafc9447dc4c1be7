"""Domains and speakers in DynamoDB.

Partition key `domain`, sort key `item`, which is `domain` for the domain's own record and `speaker#<speaker>` for a
speaker. One BatchGetItem reads both, and the domain's brake; one transaction writes a speaker only while its domain is
open.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    SAME,
    BatchReader,
    Item,
    Throttled,
    attempts,
    created,
    follows_same,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import (
    SPEAKER_PREFIX,
    brake_key,
    domain_item,
    domain_key,
    read_brake,
    read_domain,
    read_speaker,
    speaker_item,
    speaker_key,
)
from bonafide.errors import StoreUnavailable
from bonafide.records.brake import BrakeRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerPage, SpeakerRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDomainStore:
    """`DomainStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)

    def domain(self, domain: str) -> DomainRecord | None:
        """See `DomainStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=domain_key(domain), ConsistentRead=True)
        return read_domain(answer["Item"]) if "Item" in answer else None

    def put_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item=domain_item(record),
                **follows_same(record.version, record.created_at),
            )

    def delete_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with translated_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=domain_key(record.domain),
                ConditionExpression=f"#version = :version AND {SAME}",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": {"N": str(record.version)}, **created(record.created_at)},
            )

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `DomainStore`."""
        found, known = self._read(domain_key(domain), speaker_key(domain, speaker))
        return read_domain(found) if found else None, read_speaker(known) if known else None

    def find_with_brake(
        self, domain: str, speaker: str
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakeRecord]:
        """See `DomainStore`."""
        found, known, brake = self._read(domain_key(domain), speaker_key(domain, speaker), brake_key(domain))
        return (
            read_domain(found) if found else None,
            read_speaker(known) if known else None,
            read_brake(domain, brake),
        )

    def put_speaker(self, record: SpeakerRecord) -> None:
        """See `DomainStore`."""
        domain_is_open: Any = {
            "TableName": self._table,
            "Key": domain_key(record.domain),
            "ConditionExpression": "deleting = :no",
            "ExpressionAttributeValues": {":no": {"BOOL": False}},
        }
        put: Any = {
            "TableName": self._table,
            "Item": speaker_item(record),
            **follows_same(record.version, record.created_at),
        }
        for _ in attempts():
            with suppress(Throttled), translated_errors():
                self._client.transact_write_items(TransactItems=[{"ConditionCheck": domain_is_open}, {"Put": put}])
                return
        raise StoreUnavailable

    def delete_speaker(self, domain: str, speaker: str) -> bool:
        """See `DomainStore`."""
        with translated_errors():
            answer = self._client.delete_item(
                TableName=self._table, Key=speaker_key(domain, speaker), ReturnValues="ALL_OLD"
            )
        return "Attributes" in answer

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `DomainStore`."""
        start: Any = {"ExclusiveStartKey": speaker_key(domain, after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":domain": {"S": domain}, ":prefix": {"S": SPEAKER_PREFIX}},
                ConsistentRead=True,
                Limit=limit,
                **start,
            )
        speakers = [read_speaker(item) for item in answer["Items"]]
        return SpeakerPage(speakers, speakers[-1].speaker if "LastEvaluatedKey" in answer and speakers else None)

    def _read(self, *keys: Item) -> list[Item | None]:
        """Reads items together, in the order of their keys, whose sort keys differ."""
        items = {item["item"]["S"]: item for item in self._batches.read(keys)}
        return [items.get(key["item"]["S"]) for key in keys]
