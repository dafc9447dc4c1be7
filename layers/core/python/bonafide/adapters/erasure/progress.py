"""Progress of erasures in the table of domains.

Partition `erasure#<domain>` has an item for each erasure, by its name. `erased#<domain>` leads to them in the order in
which they were asked for, and `erasing#` to those of all domains that are not complete, in the order in which they are
due. The three are written together, so that none is ever without the others. No domain can have such a name.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    BatchReader,
    Item,
    follows,
    transacted,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.dynamodb.session_items import seconds
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.ports.erasure import PendingErasure, SweepPlace
from bonafide.records.erasure import Erasure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ERASURES = "erasure#"
BY_TIME = "erased#"
PENDING = "erasing#"
# As long as the records by which a restore leaves out whoever was erased; a report has the speaker's reference.
KEPT = timedelta(days=36)
# The place of the search for unused voiceprints.
TIMES = ("noted_since", "begun_at")
PLACE: Item = {"domain": {"S": "sweep#"}, "item": {"S": "voiceprints"}}


class DynamoErasureStore:
    """`ErasureStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)
        self._partitions = Partitions(client, table)

    def put(self, erasure: Erasure) -> None:
        """See `ErasureStore`."""
        own = {"TableName": self._table}
        expiry = {"expires_at": {"N": seconds(erasure.completed_at + KEPT)}} if erasure.completed_at else {}
        item: Item = {
            **_key(erasure.domain, erasure.name),
            "version": {"N": str(erasure.version)},
            "document": {"S": json.dumps(erasure.to_document())},
            **expiry,
        }
        writes: list[Any] = [{"Put": {**own, "Item": item, **follows(erasure.version)}}]
        if erasure.version == 1:
            writes.append({"Put": {**own, "Item": _pending_key(erasure)}})
        if erasure.version == 1 or expiry:
            writes.append({"Put": {**own, "Item": {**_time_key(erasure), **expiry}}})
        if expiry:
            writes.append({"Delete": {**own, "Key": _pending_key(erasure)}})
        self._write(writes)

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
                ExpressionAttributeValues={":domain": {"S": BY_TIME + domain}},
                Limit=limit,
                ScanIndexForward=False,
                ConsistentRead=True,
            )
        names = [item["item"]["S"].partition("#")[2] for item in answer["Items"]]
        found = [Erasure.from_document(document_of(item)) for item in self._batches.read(_keys(domain, names))]
        return sorted(found, key=lambda each: names.index(each.name))

    def pending(self) -> Iterator[PendingErasure]:
        """See `ErasureStore`."""
        after: str | None = ""
        while after is not None:
            items, after = self._partitions.page(PENDING, "", after)
            for item in items:
                due_at, domain, name = item["item"]["S"].split("#")
                yield PendingErasure(datetime.fromisoformat(due_at), domain, name)

    def place(self) -> SweepPlace | None:
        """See `ErasureStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=PLACE, ConsistentRead=True)
        if "Item" not in answer:
            return None
        document = document_of(answer["Item"])
        noted_since, begun_at = (datetime.fromisoformat(document[name]) for name in TIMES)
        return SweepPlace(noted_since, begun_at, document["domain"], document["after"])

    def put_place(self, place: SweepPlace) -> None:
        """See `ErasureStore`."""
        times = {name: getattr(place, name).isoformat() for name in TIMES}
        document = json.dumps({**place._asdict(), **times})
        with translated_errors():
            self._client.put_item(TableName=self._table, Item={**PLACE, "document": {"S": document}})

    def _write(self, writes: Sequence[Any]) -> None:
        if len(writes) == 1:
            with translated_errors():
                self._client.put_item(**writes[0]["Put"])
            return
        transacted(lambda: self._client.transact_write_items(TransactItems=writes))


def _key(domain: str, name: str) -> Item:
    return {"domain": {"S": ERASURES + domain}, "item": {"S": name}}


def _keys(domain: str, names: Sequence[str]) -> Sequence[Item]:
    return [_key(domain, name) for name in names]


def _time_key(erasure: Erasure) -> Item:
    return {"domain": {"S": BY_TIME + erasure.domain}, "item": {"S": f"{_sorted(erasure.at)}#{erasure.name}"}}


def _pending_key(erasure: Erasure) -> Item:
    place = f"{_sorted(erasure.due_at)}#{erasure.domain}#{erasure.name}"
    return {"domain": {"S": PENDING}, "item": {"S": place}}


def _sorted(at: datetime) -> str:
    """Returns a time as text whose order is that of times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
