"""Progress of erasures in the table of domains: partition `erasure#<domain>`, sort key the name of the erasure.

While an erasure is pending it is in the index of domains, in a partition of its own.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, follows, translated_errors
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.dynamodb.session_items import seconds
from bonafide.records.erasure import Erasure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "erasure#"
DOMAINS_INDEX = "domains"
PENDING = "erasure"
# As long as the records by which a restore leaves out whoever was erased; a report has the speaker's reference.
KEPT = timedelta(days=36)


class DynamoErasureStore:
    """`ErasureStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, erasure: Erasure) -> None:
        """See `ErasureStore`."""
        state = {"listed": {"S": PENDING}}
        if erasure.completed_at:
            state = {"expires_at": {"N": seconds(erasure.completed_at + KEPT)}}
        item = {
            **_key(erasure.domain, erasure.name),
            "version": {"N": str(erasure.version)},
            "document": {"S": json.dumps(erasure.to_document())},
            **state,
        }
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=item, **follows(erasure.version))

    def read(self, domain: str, name: str) -> Erasure | None:
        """See `ErasureStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(domain, name), ConsistentRead=True)
        return Erasure.from_document(document_of(answer["Item"])) if "Item" in answer else None

    def of_domain(self, domain: str, limit: int) -> Sequence[Erasure]:
        """See `ErasureStore`."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues={":domain": {"S": PARTITION + domain}},
                Limit=limit,
                ConsistentRead=True,
            )
        return [Erasure.from_document(document_of(item)) for item in answer["Items"]]

    def pending(self) -> Iterator[tuple[str, str]]:
        """See `ErasureStore`."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=DOMAINS_INDEX,
            KeyConditionExpression="listed = :listed",
            ExpressionAttributeValues={":listed": {"S": PENDING}},
        )
        with translated_errors():
            for page in pages:
                yield from ((item["domain"]["S"].removeprefix(PARTITION), item["item"]["S"]) for item in page["Items"])


def _key(domain: str, name: str) -> Item:
    return {"domain": {"S": PARTITION + domain}, "item": {"S": name}}
