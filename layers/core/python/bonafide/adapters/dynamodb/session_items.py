"""Items of sessions and of their evidence.

One table: partition key `session` (`<domain>#<session>`), sort key `item`, which is `session` for the session itself
and `chunk#<start>#<number>#<content>#<space>` for evidence. A chunk's row is put once and never touched again, so the
rows are a grow-only set. `marks#<start>#<block>` holds the marks of BLOCK chunks as a set that is only ever added to. A
mark is added after its row, and again when the row is found, so that a mark never exists without its row.
`accepted#<start>#<block>` holds, likewise, the chunks that the intake accepted. `claimed#<speaker>` leads to the
session from a speaker who was claimed before another one. The sparse index `due` holds the sessions that still need a
final decision, in DUE_PARTS partitions by their names.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.protection.items import read_data_key, read_reference, reference
from bonafide.adapters.protection.templates import SealedRow
from bonafide.biometrics.evidence import Channel, FloatVector, HalfVector
from bonafide.biometrics.session import Mark, content_tag
from bonafide.records import DataKey
from bonafide.records.session import EvidenceRow, SessionRecord

SESSION_ITEM = "session"
BLOCK = 100
# As many accepted chunks as an item of one write unit holds, a kilobyte.
ACCEPTED_BLOCK = 64
DUE_INDEX = "due"
DUE_PARTS = 4
CLAIMS_INDEX = "by_speaker"
# Embeddings are personal data and the decision outlives them.
KEPT = timedelta(days=1)
_FLOAT = np.dtype("<f4")
_HALF = np.dtype("<f2")
_MARK = struct.Struct(">H8s4sII")
_ACCEPTED = struct.Struct(">H8s")
# The first release reads the document into a record that knows no other attributes: these stand beside it.
_TEXTS, _LISTS = ("request_id", "principal", "caller", "call"), ("spaces", "claims")
_BESIDE = ("schema", "domain", "session", "version", *_TEXTS, *_LISTS)
# What a row knows of the voice is one encrypted value where the session has a key.
_SEALED = "sealed"


def partition(domain: str, session: str) -> str:
    """Returns the partition of a session."""
    return f"{domain}#{session}"


def item_key(session: SessionRecord, item: str) -> Item:
    """Returns the key of one of a session's items."""
    return {"session": {"S": partition(session.domain, session.session)}, "item": {"S": item}}


def start(session: SessionRecord) -> str:
    """Returns the start of a session, which tells it from a predecessor of the same name."""
    return f"{session.started_at.timestamp():.3f}"


def row_item(session: SessionRecord, mark: Mark) -> str:
    """Returns the sort key of a chunk's row."""
    return f"chunk#{start(session)}#{mark.number:06d}#{mark.content}#{mark.space}"


def block(session: SessionRecord, number: int) -> str:
    """Returns the sort key of the block of marks that a chunk belongs to."""
    return f"marks#{start(session)}#{number // BLOCK:03d}"


def pack(mark: Mark) -> bytes:
    """Writes a mark."""
    names = (bytes.fromhex(mark.content), bytes.fromhex(mark.space))
    return _MARK.pack(mark.number, *names, mark.speech_ms, mark.accepted)


def unpack(item: Item) -> list[Mark]:
    """Reads the marks of a block."""
    fields = [_MARK.unpack(mark) for mark in item["marks"]["BS"]]
    return [Mark(number, content.hex(), space.hex(), *rest) for number, content, space, *rest in fields]


def accepted_block(session: SessionRecord, number: int) -> str:
    """Returns the sort key of the block of accepted chunks that a chunk belongs to."""
    return f"{accepted_prefix(session)}{number // ACCEPTED_BLOCK:03d}"


def accepted_prefix(session: SessionRecord) -> str:
    """Returns how the sort keys of a session's accepted chunks begin."""
    return f"accepted#{start(session)}#"


def pack_accepted(number: int, content: str) -> bytes:
    """Writes an accepted chunk."""
    return _ACCEPTED.pack(number, bytes.fromhex(content_tag(content)))


def unpack_accepted(item: Item) -> list[tuple[int, str]]:
    """Reads the accepted chunks of a block."""
    found = [_ACCEPTED.unpack(each) for each in item["chunks"]["BS"]]
    return [(number, content.hex()) for number, content in found]


def expires(session: SessionRecord) -> Any:
    """Returns when items of a session expire."""
    return {"N": seconds(session.expires_at + KEPT)}


def seconds(at: datetime) -> str:
    """Returns a time as whole seconds since 1970."""
    return str(int(at.timestamp()))


def claim_attributes(record: SessionRecord, speaker: str | None) -> Item:
    """Returns the keys of the index `by_speaker`, by which sessions of a domain or speaker are found."""
    return {"domain": {"S": record.domain}, "claim": {"S": f"{speaker or ''}#{record.session}"}}


def claimed_key(record: SessionRecord, speaker: str) -> Item:
    """Returns the key of the item that leads from a speaker who was claimed before to the session."""
    return item_key(record, f"claimed#{speaker}")


def claimed_items(record: SessionRecord) -> list[Item]:
    """Returns the items that lead to the session from speakers who were claimed before the present one."""
    former = [each for each in record.claims if each not in {record.speaker, ""}]
    return [
        {**claimed_key(record, each), **claim_attributes(record, each), "expires_at": expires(record)}
        for each in former
    ]


def session_item(record: SessionRecord) -> Item:
    """Turns a session into an item."""
    document = record.to_document()
    return {
        **item_key(record, SESSION_ITEM),
        **claim_attributes(record, record.speaker),
        "version": {"N": str(record.version)},
        "document": {"S": json.dumps({name: document[name] for name in document if name not in _BESIDE})},
        "expires_at": expires(record),
        "due_at": {"N": seconds(record.due_at)},
        **({} if record.decision_id else {"open": {"S": _due_part(record)}}),
        "schema": {"N": str(document["schema"])},
        **{name: {"S": document[name]} for name in _TEXTS if document[name] is not None},
        **{name: {"L": [{"S": each} for each in document[name]]} for name in _LISTS if document[name]},
        **({"key": reference(record.key)} if record.key else {}),
    }


def read_session(item: Item, key: DataKey | None = None) -> SessionRecord:
    """Turns an item into a session, with its key as it is stored; without that, with the name of the key."""
    domain, _, session = item["session"]["S"].partition("#")
    own = {"domain": domain, "session": session, "version": int(item["version"]["N"])}
    beside = {name: item[name]["S"] for name in _TEXTS if name in item}
    lists = {name: [each["S"] for each in item[name]["L"]] for name in _LISTS if name in item}
    record = SessionRecord.from_document(document_of(item) | own | beside | lists)
    return replace(record, key=read_reference(item["key"], key)) if "key" in item else record


def read_keyed_session(item: Item, key: Item | None) -> SessionRecord | None:
    """Turns an item into a session with its key from the item of that.

    None once the key is gone: without it nothing of the session can be judged any more, as if it were deleted.
    """
    record = read_session(item, read_data_key(key) if key else None)
    return None if record.key and not record.key.wrapped else record


def evidence_item(session: SessionRecord, row: EvidenceRow, sealed: bytes | None = None) -> Item:
    """Turns a row of evidence into an item; what it knows of the voice is binary attributes unless it is sealed."""
    document = row.to_document()
    if sealed is not None:
        del document["embedding_directions"]
    return {
        **item_key(session, row_item(session, row.mark)),
        "document": {"S": json.dumps(document)},
        **(_plain(row) if sealed is None else {_SEALED: {"B": sealed}}),
        "expires_at": expires(session),
    }


def _plain(row: EvidenceRow) -> Item:
    evidence = row.chunk.evidence
    vectors = {channel: {"B": vector.astype(_FLOAT).tobytes()} for channel, vector in evidence.embeddings.items()}
    fingerprint = {"fingerprint": {"B": row.fingerprint.to_bytes()}} if row.fingerprint else {}
    return {"embeddings": {"M": vectors}, **_parts_attribute(evidence.parts), **fingerprint}


def is_sealed(item: Item) -> bool:
    """Tells whether what the row knows of the voice is encrypted."""
    return _SEALED in item


def read_sealed_row(item: Item) -> SealedRow:
    """Turns an item into a row that is yet to be opened."""
    return SealedRow(item["item"]["S"], bytes(item[_SEALED]["B"]), document_of(item))


def read_row(item: Item) -> EvidenceRow:
    """Turns an item into a row of evidence."""
    vectors = {Channel(name): np.frombuffer(value["B"], _FLOAT) for name, value in item["embeddings"]["M"].items()}
    fingerprint = item["fingerprint"]["B"] if "fingerprint" in item else None
    return EvidenceRow.from_document(document_of(item), vectors, _read_parts(item, vectors), fingerprint)


def _parts_attribute(parts: HalfVector | None) -> Item:
    return {} if parts is None else {"parts": {"B": parts.astype(_HALF).tobytes()}}


def _read_parts(item: Item, vectors: Mapping[Channel, FloatVector]) -> HalfVector | None:
    """Reads the embeddings of parts; the release before neither writes nor reads them."""
    if "parts" not in item or not vectors:
        return None
    return np.frombuffer(item["parts"]["B"], _HALF).reshape(-1, len(next(iter(vectors.values()))))


def _due_part(session: SessionRecord) -> str:
    return str(zlib.crc32(partition(session.domain, session.session).encode()) % DUE_PARTS)
