"""Domains and speakers in DynamoDB.

Partition key `domain`, sort key `item`, which is `domain` for the domain's own record and `speaker#<speaker>` for a
speaker. One BatchGetItem reads both; one transaction writes a speaker only while its domain is open.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    SAME,
    BatchReader,
    Throttled,
    attempts,
    created,
    follows_same,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import (
    SPEAKER_PREFIX,
    domain_item,
    domain_key,
    read_domain,
    read_speaker,
    speaker_item,
    speaker_key,
)
from bonafide.errors import StoreUnavailable
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
        keys = [domain_key(domain), speaker_key(domain, speaker)]
        items = {item["item"]["S"]: item for item in self._batches.read(keys)}
        found_domain, found_speaker = (items.get(key["item"]["S"]) for key in keys)
        return (
            read_domain(found_domain) if found_domain else None,
            read_speaker(found_speaker) if found_speaker else None,
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
