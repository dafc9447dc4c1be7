"""The registry of model versions in DynamoDB, in a table of its own.

Partition key `partition`, sort key `item`: `registry` / `aliases` is where the aliases point, `history` / `<sequence>`
an entry, `versions` / `<digest>` a version.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, follows, transacted, translated_errors
from bonafide.records.model import ModelVersionRecord, VersionStatus
from bonafide.records.promotion import AliasesRecord, RegistryEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HISTORY, VERSIONS = "history", "versions"
NOTHING_STORED = {"ConditionExpression": "attribute_not_exists(#item)", "ExpressionAttributeNames": {"#item": "item"}}


class DynamoModelRegistryStore:
    """`ModelRegistryStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def aliases(self) -> AliasesRecord:
        """See `ModelRegistryStore`."""
        item = self._read(_key("registry", "aliases"))
        return AliasesRecord.from_document(_document(item)) if item else AliasesRecord()

    def version(self, digest: str) -> ModelVersionRecord | None:
        """See `ModelRegistryStore`."""
        item = self._read(_key(VERSIONS, digest))
        return ModelVersionRecord.from_document(_document(item), item["manifest"]["S"]) if item else None

    def put_offer(self, record: ModelVersionRecord, expires_at: datetime) -> None:
        """See `ModelRegistryStore`."""
        item = {**_version_item(record), "expires_at": {"N": str(int(expires_at.timestamp()))}}
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=item, **follows(record.revision))

    def append(self, entry: RegistryEntry, aliases: AliasesRecord, version: ModelVersionRecord | None = None) -> None:
        """See `ModelRegistryStore`."""
        writes: list[Any] = [
            self._put(_entry_item(entry), NOTHING_STORED),
            self._put(_aliases_item(aliases), follows(aliases.sequence)),
        ]
        if version:
            writes.append(self._put(_version_item(version), follows(version.revision)))
        transacted(lambda: self._client.transact_write_items(TransactItems=writes))

    def history(self, before: int | None, limit: int) -> Sequence[RegistryEntry]:
        """See `ModelRegistryStore`."""
        last = _place((before or 10**10) - 1)
        values = {":partition": {"S": HISTORY}, ":last": {"S": last}}
        pages = self._query("#item <= :last", values, ScanIndexForward=False, Limit=limit)
        return [RegistryEntry.from_document(_document(item)) for item in next(pages)]

    def history_from(self, sequence: int) -> Iterator[RegistryEntry]:
        """See `ModelRegistryStore`."""
        values = {":partition": {"S": HISTORY}, ":first": {"S": _place(sequence)}}
        for page in self._query("#item >= :first", values, Limit=20):
            yield from (RegistryEntry.from_document(_document(item)) for item in page)

    def versions(self, after: str | None, limit: int) -> Sequence[ModelVersionRecord]:
        """See `ModelRegistryStore`."""
        # Behind every digest of 64 hexadecimal digits, of which none is empty.
        values = {":partition": {"S": VERSIONS}, ":after": {"S": after or "-"}, ":ready": {"S": VersionStatus.READY}}
        pages = self._query("#item > :after", values, FilterExpression="#status = :ready", Limit=limit)
        found: list[ModelVersionRecord] = []
        for page in pages:
            found += [ModelVersionRecord.from_document(_document(item), "") for item in page]
            if len(found) >= limit:
                break
        return found[:limit]

    def _read(self, key: Item) -> Item | None:
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _put(self, item: Item, condition: Any) -> Any:
        return {"Put": {"TableName": self._table, "Item": item, **condition}}

    def _query(self, place: str, values: Item, **options: Any) -> Iterator[list[Item]]:
        names = {"#partition": "partition", "#item": "item", "#document": "document"}
        if "FilterExpression" in options:
            names["#status"] = "status"
        start: Any = {}
        while True:
            with translated_errors():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression=f"#partition = :partition AND {place}",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                    ProjectionExpression="#document",
                    ConsistentRead=True,
                    **options,
                    **start,
                )
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _key(partition: str, item: str) -> Item:
    return {"partition": {"S": partition}, "item": {"S": item}}


def _place(sequence: int) -> str:
    return f"{sequence:010d}"


def _aliases_item(record: AliasesRecord) -> Item:
    version = {"version": {"N": str(record.sequence)}}
    return {**_key("registry", "aliases"), **version, "document": {"S": json.dumps(record.to_document())}}


def _entry_item(entry: RegistryEntry) -> Item:
    return {**_key(HISTORY, _place(entry.sequence)), "document": {"S": json.dumps(entry.to_document())}}


def _version_item(record: ModelVersionRecord) -> Item:
    return {
        **_key(VERSIONS, record.digest),
        "version": {"N": str(record.revision)},
        "status": {"S": record.status},
        "manifest": {"S": record.manifest},
        "document": {"S": json.dumps(record.to_document())},
    }


def _document(item: Item) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(item["document"]["S"])
    return document
