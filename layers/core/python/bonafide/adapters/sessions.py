"""Calls and their evidence in DynamoDB.

One table: partition key `session` (`<domain>#<session>`), sort key `item`, which is `session` for the call itself and
`chunk#<start>#<number>#<content>#<space>` for evidence. A chunk's row is put once and never touched again, so the rows
are a grow-only set. `marks#<start>#<block>` holds the marks of BLOCK chunks as a set that is only ever added to. A mark
is added after its row, and again when the row is found, so that whoever sees a mark finds its row. The sparse index
`due` holds the calls that still need a final decision, in DUE_PARTS partitions by their names.
"""

import heapq
import json
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from bonafide.adapters.dynamodb import follows, translated_errors
from bonafide.adapters.records import Item
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.session import ChunkEvidence, Mark, tag
from bonafide.errors import StoreUnavailable
from bonafide.ports import LAG_STANDS, EvidenceRow, Lag, SessionRecord, VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SESSION_ITEM = "session"
BLOCK = 100
BATCH_GET = 100
DUE_INDEX = "due"
DUE_PARTS = 4
DUE_PAGE = 100
# Embeddings are personal data and the decision outlives them.
KEPT = timedelta(days=1)
_FLOAT = np.dtype("<f4")
_MARK = struct.Struct(">H8s4sII")


class DynamoSessionStore:
    """`SessionStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """See `SessionStore`."""
        item = self._get(_partition(domain, session), SESSION_ITEM)
        return _read_session(item) if item else None

    def put_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=_write_session(record), **follows(record.version))

    def delete_session(self, record: SessionRecord) -> None:
        """See `SessionStore`."""
        with translated_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=_key(record, SESSION_ITEM),
                ConditionExpression="#version = :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": {"N": str(record.version)}},
            )

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """See `SessionStore`. The index lags a little behind; what it misses is found the next time."""
        waiting = (self._waiting(str(part), now) for part in range(DUE_PARTS))
        for _, partition in heapq.merge(*waiting):
            domain, _, session = partition.partition("#")
            yield domain, session

    def _waiting(self, part: str, now: datetime) -> Iterator[tuple[int, str]]:
        """One part of the index: when a call was due, and its partition."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="#open = :open AND due_at <= :now",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": part}, ":now": {"N": _seconds(now)}},
            PaginationConfig={"PageSize": DUE_PAGE},
        )
        with translated_errors():
            for page in pages:
                yield from ((int(item["due_at"]["N"]), item["session"]["S"]) for item in page["Items"])

    def put_evidence(self, call: SessionRecord, row: EvidenceRow) -> bool:
        """See `SessionStore`."""
        new = self._put_row(call, row)
        stored = [row] if new else self.evidence(call, [_mark(row)])
        if not stored:
            raise StoreUnavailable
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=_key(call, _block(call, row.chunk.number)),
                UpdateExpression="ADD marks :mark SET expires_at = :expires_at",
                ExpressionAttributeValues={":mark": {"BS": [_pack(_mark(stored[0]))]}, ":expires_at": _expires(call)},
            )
        return new

    def has_evidence(self, call: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """See `SessionStore`."""
        block = self._get(_partition(call.domain, call.session), _block(call, number))
        name = tag(number, content, embedding_space)
        return block is not None and any(mark.tag == name for mark in _unpack(block))

    def marks(self, call: SessionRecord) -> Sequence[Mark]:
        """See `SessionStore`."""
        with translated_errors():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="#session = :session AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#session": "session", "#item": "item"},
                ExpressionAttributeValues={
                    ":session": {"S": _partition(call.domain, call.session)},
                    ":prefix": {"S": f"marks#{_start(call)}#"},
                },
                ConsistentRead=True,
            )
            return [mark for page in pages for item in page["Items"] for mark in _unpack(item)]

    def evidence(self, call: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """See `SessionStore`."""
        keys = [_key(call, _row_item(call, mark)) for mark in marks]
        found: list[EvidenceRow] = []
        while keys:
            with translated_errors():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys[:BATCH_GET], "ConsistentRead": True}}
                )
            # Of large rows the answer holds as many as fit, and names the rest.
            rest: Any = answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"]
            rows = answer["Responses"].get(self._table, [])
            if rest and not rows:
                raise StoreUnavailable
            found += [_read_row(item) for item in rows]
            keys = [*rest, *keys[BATCH_GET:]]
        return found

    def report_lag(self, shard: str, lag: Lag) -> None:
        """See `SessionStore`."""
        waited = {"waited": {"N": f"{lag.seconds:.3f}"}, "said_at": {"N": f"{lag.at.timestamp():.3f}"}}
        item = {**_lag_key(shard), **waited, "expires_at": {"N": _seconds(lag.at + KEPT)}}
        with suppress(VersionConflict), translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(said_at) OR waited <= :waited OR said_at < :stands",
                ExpressionAttributeValues={
                    ":waited": waited["waited"],
                    ":stands": {"N": f"{(lag.at - LAG_STANDS).timestamp():.3f}"},
                },
            )

    def lag(self, shard: str) -> Lag | None:
        """See `SessionStore`."""
        item = self._get(*(value["S"] for value in _lag_key(shard).values()))
        if item is None:
            return None
        return Lag(float(item["waited"]["N"]), datetime.fromtimestamp(float(item["said_at"]["N"]), UTC))

    def _put_row(self, call: SessionRecord, row: EvidenceRow) -> bool:
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=_write_row(call, row),
                    ConditionExpression="attribute_not_exists(#item)",
                    ExpressionAttributeNames={"#item": "item"},
                )
        except VersionConflict:
            return False
        return True

    def _get(self, partition: str, item: str) -> Item | None:
        key: Item = {"session": {"S": partition}, "item": {"S": item}}
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")


def _partition(domain: str, session: str) -> str:
    return f"{domain}#{session}"


def _key(call: SessionRecord, item: str) -> Item:
    return {"session": {"S": _partition(call.domain, call.session)}, "item": {"S": item}}


def _start(call: SessionRecord) -> str:
    return f"{call.started_at.timestamp():.3f}"


def _row_item(call: SessionRecord, mark: Mark) -> str:
    return f"chunk#{_start(call)}#{mark.number:06d}#{mark.content}#{mark.space}"


def _block(call: SessionRecord, number: int) -> str:
    return f"marks#{_start(call)}#{number // BLOCK:03d}"


def _mark(row: EvidenceRow) -> Mark:
    return Mark.of(row.chunk, int(row.accepted_at.timestamp()))


def _pack(mark: Mark) -> bytes:
    names = (bytes.fromhex(mark.content), bytes.fromhex(mark.space))
    return _MARK.pack(mark.number, *names, mark.speech_ms, mark.accepted)


def _unpack(block: Item) -> list[Mark]:
    fields = [_MARK.unpack(mark) for mark in block["marks"]["BS"]]
    return [Mark(number, content.hex(), space.hex(), *rest) for number, content, space, *rest in fields]


def _expires(call: SessionRecord) -> Any:
    return {"N": _seconds(call.expires_at + KEPT)}


def _lag_key(shard: str) -> Item:
    return {"session": {"S": f"lag#{shard}"}, "item": {"S": "highest"}}


def _due_part(call: SessionRecord) -> str:
    return str(zlib.crc32(_partition(call.domain, call.session).encode()) % DUE_PARTS)


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def _write_session(record: SessionRecord) -> Item:
    document = {
        "speaker": record.speaker,
        "call_id": record.call_id,
        "encoding": record.encoding,
        "sample_rate": record.sample_rate,
        "channel": record.channel,
        "bands": record.bands,
        "chunk_count": record.chunk_count,
        "decision_id": record.decision_id,
        "started_at": record.started_at.isoformat(),
        "due_at": record.due_at.isoformat(),
        "expires_at": record.expires_at.isoformat(),
        "finalised_at": record.finalised_at.isoformat() if record.finalised_at else None,
    }
    return {
        "session": {"S": _partition(record.domain, record.session)},
        "item": {"S": SESSION_ITEM},
        "version": {"N": str(record.version)},
        "document": {"S": json.dumps(document)},
        "expires_at": _expires(record),
        "due_at": {"N": _seconds(record.due_at)},
        **({} if record.decision_id else {"open": {"S": _due_part(record)}}),
        # Beside the document, which functions of the release before this one would not read with a new member.
        **({"request_id": {"S": record.request_id}} if record.request_id else {}),
    }


def _read_session(item: Item) -> SessionRecord:
    document = json.loads(item["document"]["S"])
    times = {name: _time(document.pop(name)) for name in ("started_at", "due_at", "expires_at", "finalised_at")}
    domain, _, session = item["session"]["S"].partition("#")
    bands = tuple(Channel(band) for band in document.pop("bands"))
    numbered = {"version": int(item["version"]["N"]), "request_id": item.get("request_id", {}).get("S")}
    return SessionRecord(domain, session, bands=bands, **numbered, **document, **times)


def _time(text: str | None) -> Any:
    return datetime.fromisoformat(text) if text else None


def _write_row(call: SessionRecord, row: EvidenceRow) -> Item:
    evidence = row.chunk.evidence
    document = {
        "number": row.chunk.number,
        "content": row.chunk.content,
        "speech_seconds": evidence.speech_seconds,
        "channel": evidence.channel,
        "quality": {name: getattr(evidence.quality, name) for name in Quality.__slots__},
        "embedding_space": evidence.embedding_space,
        "liveness": evidence.liveness,
        "bundle": row.bundle,
        "accepted_at": row.accepted_at.isoformat(),
        "scored_at": row.scored_at.isoformat(),
        "request_id": row.request_id,
    }
    vectors = {channel: {"B": vector.astype(_FLOAT).tobytes()} for channel, vector in evidence.embeddings.items()}
    return {
        **_key(call, _row_item(call, _mark(row))),
        "document": {"S": json.dumps(document)},
        "embeddings": {"M": vectors},
        "expires_at": _expires(call),
    }


def _read_row(item: Item) -> EvidenceRow:
    document = json.loads(item["document"]["S"])
    vectors = {Channel(name): np.frombuffer(value["B"], _FLOAT) for name, value in item["embeddings"]["M"].items()}
    evidence = Evidence(
        speech_seconds=document["speech_seconds"],
        channel=Channel(document["channel"]),
        embeddings=vectors,
        quality=Quality(**document["quality"]),
        embedding_space=document["embedding_space"],
        liveness=document.get("liveness"),
    )
    return EvidenceRow(
        chunk=ChunkEvidence(document["number"], document["content"], evidence),
        bundle=document["bundle"],
        accepted_at=datetime.fromisoformat(document["accepted_at"]),
        scored_at=datetime.fromisoformat(document["scored_at"]),
        request_id=document.get("request_id"),
    )
