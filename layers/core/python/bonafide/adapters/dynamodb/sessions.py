"""Sessions and their evidence in DynamoDB; `session_items` describes the items."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from bonafide.adapters.dynamodb.conditions import (
    BatchReader,
    Item,
    follows,
    is_version,
    transacted,
    translated_errors,
)
from bonafide.adapters.dynamodb.session_items import (
    CLAIMS_INDEX,
    DUE_INDEX,
    DUE_PARTS,
    SESSION_ITEM,
    accepted_block,
    accepted_prefix,
    block,
    claimed_items,
    evidence_item,
    expires,
    is_sealed,
    item_key,
    pack,
    pack_accepted,
    partition,
    read_keyed_session,
    read_row,
    read_sealed_row,
    read_session,
    row_item,
    seconds,
    session_item,
    start,
    unpack,
    unpack_accepted,
)
from bonafide.adapters.protection.items import key_attributes, session_key_item
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.biometrics.session import Mark, tag
from bonafide.errors import NotFound, StoreUnavailable, Subject
from bonafide.ports.stores import VersionConflict
from bonafide.records.session import EvidenceRow, SessionRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DUE_PAGE = 100


class DynamoSessionStore:
    """`SessionStore` on one table, and that of keys for those who have to do with evidence."""

    def __init__(self, client: "DynamoDBClient", table: str, protection: TemplateProtection | None = None) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of sessions.
            protection: seals and opens evidence; None for those who have nothing to do with it.
        """
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)
        self._protection = protection
        self._keys = protection.keys.table if protection else ""
        self._sessions = BatchReader(client, table, self._keys) if protection else self._batches

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """See `SessionStore`."""
        own: Item = {"session": {"S": partition(domain, session)}, "item": {"S": SESSION_ITEM}}
        if self._protection is None:
            item = self._get(partition(domain, session), SESSION_ITEM)
            return read_session(item) if item else None
        found = list(self._sessions.read_each([[own], [session_key_item(domain, session)]]))
        item = next((each for each in found if "session" in each), None)
        key = next((each for each in found if "session" not in each), None)
        return read_keyed_session(item, key) if item else None

    def start_session(self, record: SessionRecord) -> None:
        """See `SessionStore`. Nothing is written before the key is made, and the session together with it."""
        if self._protection is None or not self._protection.writes:
            self.put_session(record)
            return
        key = self._protection.key_of_session(record, start(record))
        item = session_item(replace(record, key=key))
        follows_none: Any = follows(record.version)
        own = {
            **session_key_item(record.domain, record.session),
            **key_attributes(key),
            "expires_at": expires(record),
        }
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Put": {"TableName": self._table, "Item": item, **follows_none}},
                        {"Put": {"TableName": self._keys, "Item": own}},
                    ],
                )
            )
        )

    def put_session(self, record: SessionRecord) -> None:
        """See `SessionStore`. What leads to the session goes first, so that no name in it is without."""
        with translated_errors():
            for each in claimed_items(record):
                self._client.put_item(TableName=self._table, Item=each)
            self._client.put_item(TableName=self._table, Item=session_item(record), **follows(record.version))

    def delete_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        own = item_key(record, SESSION_ITEM)
        if self._protection is None:
            with translated_errors():
                self._client.delete_item(TableName=self._table, Key=own, **is_version(record.version))
            return
        key = session_key_item(record.domain, record.session)
        same: Any = is_version(record.version)
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Delete": {"TableName": self._table, "Key": own, **same}},
                        {"Delete": {"TableName": self._keys, "Key": key}},
                    ],
                )
            )
        )

    def of_speaker(self, domain: str, speaker: str, limit: int) -> Sequence[SessionRecord]:
        """See `SessionStore`. The index also has former claims, and what is left of erased sessions."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=CLAIMS_INDEX,
                KeyConditionExpression="#domain = :domain AND begins_with(claim, :claim)",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues={":domain": {"S": domain}, ":claim": {"S": f"{speaker}#"}},
                Limit=limit,
            )
        names = dict.fromkeys(each["session"]["S"] for each in answer["Items"])
        keys = [{"session": {"S": name}, "item": {"S": SESSION_ITEM}} for name in names]
        found = [read_session(item) for item in self._batches.read(keys)]
        return [each for each in found if each.speaker == speaker]

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """See `SessionStore`. The index lags a little behind; sessions that it misses are found the next time."""
        waiting = (self._waiting(str(part), now) for part in range(DUE_PARTS))
        for _, name in heapq.merge(*waiting):
            domain, _, session = name.partition("#")
            yield domain, session

    def _waiting(self, part: str, now: datetime) -> Iterator[tuple[int, str]]:
        """Reads one part of the index: when a session was due, and its partition."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="#open = :open AND due_at <= :now",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": part}, ":now": {"N": seconds(now)}},
            PaginationConfig={"PageSize": DUE_PAGE},
        )
        with translated_errors():
            for page in pages:
                yield from ((int(item["due_at"]["N"]), item["session"]["S"]) for item in page["Items"])

    def put_evidence(self, session: SessionRecord, *rows: EvidenceRow) -> bool:
        """See `SessionStore`."""
        new = [self._put_row(session, row) for row in rows]
        marks = [self._stored_mark(session, row, new=own) for row, own in zip(rows, new, strict=True)]
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=item_key(session, block(session, rows[0].chunk.number)),
                UpdateExpression="ADD marks :marks SET expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":marks": {"BS": [pack(mark) for mark in marks]},
                    ":expires_at": expires(session),
                },
            )
        return any(new)

    def note_accepted(self, session: SessionRecord, number: int, content: str) -> None:
        """See `SessionStore`."""
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=item_key(session, accepted_block(session, number)),
                UpdateExpression="ADD chunks :chunks SET expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":chunks": {"BS": [pack_accepted(number, content)]},
                    ":expires_at": expires(session),
                },
            )

    def accepted(self, session: SessionRecord) -> Collection[tuple[int, str]]:
        """See `SessionStore`."""
        found = self._beginning_with(session, accepted_prefix(session))
        return [chunk for item in found for chunk in unpack_accepted(item)]

    def has_evidence(self, session: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """See `SessionStore`."""
        found = self._get(partition(session.domain, session.session), block(session, number))
        name = tag(number, content, embedding_space)
        return found is not None and any(mark.tag == name for mark in unpack(found))

    def marks(self, session: SessionRecord) -> Sequence[Mark]:
        """See `SessionStore`."""
        found = self._beginning_with(session, f"marks#{start(session)}#")
        return [mark for item in found for mark in unpack(item)]

    def _beginning_with(self, session: SessionRecord, prefix: str) -> Iterator[Item]:
        """Reads the items of a session whose sort keys begin so."""
        with translated_errors():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="#session = :session AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#session": "session", "#item": "item"},
                ExpressionAttributeValues={
                    ":session": {"S": partition(session.domain, session.session)},
                    ":prefix": {"S": prefix},
                },
                ConsistentRead=True,
            )
            for page in pages:
                yield from page["Items"]

    def evidence(self, session: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """See `SessionStore`."""
        keys = [item_key(session, row_item(session, mark)) for mark in marks]
        items = list(self._batches.read(keys))
        sealed = [read_sealed_row(item) for item in items if is_sealed(item)]
        opened = self._protection.open_rows(session, start(session), sealed) if sealed and self._protection else []
        return [*(read_row(item) for item in items if not is_sealed(item)), *opened]

    def _stored_mark(self, session: SessionRecord, row: EvidenceRow, *, new: bool) -> Mark:
        """Returns the mark of a row as it is stored: another delivery may have been accepted at another time."""
        stored = [row] if new else self.evidence(session, [row.mark])
        if not stored:
            raise StoreUnavailable
        return stored[0].mark

    def _put_row(self, session: SessionRecord, row: EvidenceRow) -> bool:
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=self._row_item(session, row),
                    ConditionExpression="attribute_not_exists(#item)",
                    ExpressionAttributeNames={"#item": "item"},
                )
        except VersionConflict:
            return False
        return True

    def _row_item(self, session: SessionRecord, row: EvidenceRow) -> Item:
        """Returns the item of a row, sealed if the session has a key.

        Raises:
            NotFound: the key of the session or of its domain is gone, and the session about to be.
        """
        if session.key is None:
            return evidence_item(session, row)
        place = row_item(session, row.mark)
        sealed = self._protection.seal_row(session, start(session), place, row) if self._protection else None
        if sealed is None:
            raise NotFound("session_not_found", "The session was deleted.", subject=Subject.SESSION)
        return evidence_item(session, row, sealed)

    def _get(self, name: str, item: str) -> Item | None:
        key: Item = {"session": {"S": name}, "item": {"S": item}}
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
