"""One contract for sessions, their stream and its failures, kept by the adapters of AWS and by their twins alike."""

import json
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.intake import DynamoIntakeReader
from bonafide.adapters.dynamodb.lags import DynamoShardLagStore
from bonafide.adapters.dynamodb.session_items import DUE_PARTS, evidence_item, read_row
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.kinesis import KinesisAudioStream
from bonafide.adapters.memory.audio import MemoryAudioStream
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.memory.sessions import MemoryIntakeReader, MemorySessionStore, MemoryShardLagStore
from bonafide.adapters.s3 import S3FailureStore
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.session import ChunkEvidence, Mark
from bonafide.contracts.events import parse
from bonafide.errors import StoreUnavailable, Subject, TooLarge
from bonafide.ports.stores import DomainStore, SessionStore, VersionConflict
from bonafide.ports.stream import AudioStream, IntakeReader, IntakeState, ShardLagStore
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.stream import ChunkRecord, ShardLag
from ops.replay import read_if_kept
from tests.adapters.conftest import State
from tests.services.parts import Killed

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(params=["memory", "aws"])
def store(request: pytest.FixtureRequest) -> SessionStore:
    if request.param == "memory":
        return MemorySessionStore()
    state = request.getfixturevalue("state")
    return DynamoSessionStore(state.dynamodb, state.name("Sessions"))


@pytest.fixture
def domain() -> str:
    return f"domain-{uuid.uuid4()}"


def a_session(domain: str, session: str = "session-1") -> SessionRecord:
    return SessionRecord(
        domain=domain,
        session=session,
        speaker=None,
        call_id="call-1",
        format=RecordingFormat(Encoding.MULAW, 8000),
        bands=(Channel.NARROWBAND,),
        started_at=NOW,
        due_at=NOW + 2 * SECOND,
        expires_at=NOW + 3 * SECOND,
        version=1,
    )


def a_row(number: int = 0, content: str = "a" * 64, space: str = "space-1", seed: int = 0) -> EvidenceRow:
    draw = np.random.default_rng(seed)
    vectors = {band: draw.standard_normal(192).astype(np.float32) for band in Channel}
    evidence = Evidence(
        draw.random(), Channel.WIDEBAND, vectors, Quality(-draw.random(), draw.random(), None), space, draw.random()
    )
    return EvidenceRow(ChunkEvidence(number, content, evidence), "b" * 64, NOW, NOW + SECOND)


def test_a_session_and_its_evidence_keep_the_id_of_the_request_that_started_it(
    store: SessionStore, domain: str
) -> None:
    session, row = replace(a_session(domain), request_id="request-1"), replace(a_row(), request_id="request-1")
    store.put_session(session)
    store.put_evidence(a_session(domain), row)
    assert store.session(domain, "session-1") == session
    assert [each.request_id for each in rows(store, a_session(domain))] == ["request-1"]


def test_functions_of_the_release_before_read_a_session_that_has_an_id(state: State, domain: str) -> None:
    store = DynamoSessionStore(state.dynamodb, state.name("Sessions"))
    store.put_session(replace(a_session(domain), request_id="request-1"))
    key = {"session": {"S": f"{domain}#session-1"}, "item": {"S": "session"}}
    item = state.dynamodb.get_item(TableName=state.name("Sessions"), Key=key)["Item"]
    assert "request_id" not in json.loads(item["document"]["S"]), "they know every member of the document, and no other"


def rows(store: SessionStore, session: SessionRecord) -> Sequence[EvidenceRow]:
    return store.evidence(session, store.marks(session))


def bits(row: EvidenceRow) -> tuple[object, ...]:
    """All of a row, vectors as bytes, so that rows may be compared."""
    evidence = row.chunk.evidence
    vectors = tuple((band, evidence.embeddings[band].tobytes()) for band in sorted(evidence.embeddings))
    bare = replace(row, chunk=replace(row.chunk, evidence=replace(evidence, embeddings={}, parts=None)))
    return bare, vectors, evidence.parts is not None and (evidence.parts.shape, evidence.parts.tobytes())


def test_a_session_is_read_as_it_was_written(store: SessionStore, domain: str) -> None:
    written = a_session(domain)
    store.put_session(written)
    assert store.session(domain, "session-1") == written
    ended = replace(written, speaker="ann", chunk_count=3, finalized_at=NOW, decision_id="one", bands=(), version=2)
    store.put_session(ended)
    assert store.session(domain, "session-1") == ended


def test_an_unknown_session_is_none_and_has_no_evidence(store: SessionStore, domain: str) -> None:
    assert store.session(domain, "session-1") is None
    assert list(rows(store, a_session(domain))) == []
    assert store.has_evidence(a_session(domain), 0, "a" * 64, "space-1") is False


def test_a_session_follows_only_the_version_before_it(store: SessionStore, domain: str) -> None:
    with pytest.raises(VersionConflict):
        store.put_session(replace(a_session(domain), version=2))
    store.put_session(a_session(domain))
    for version in (1, 3):
        with pytest.raises(VersionConflict):
            store.put_session(replace(a_session(domain), version=version))
    store.put_session(replace(a_session(domain), version=2))


def test_of_writers_at_the_same_time_one_wins_each_version(store: SessionStore, domain: str) -> None:
    together = threading.Barrier(4)

    def write(version: int) -> int:
        together.wait()
        try:
            store.put_session(replace(a_session(domain), version=version))
        except VersionConflict:
            return 0
        return 1

    with ThreadPoolExecutor(4) as threads:
        for version in (1, 2, 3):
            assert sum(threads.map(write, [version] * 4)) == 1


def test_evidence_is_read_to_the_last_bit(store: SessionStore, domain: str) -> None:
    silent = a_row(1)
    silent = replace(silent, chunk=replace(silent.chunk, evidence=replace(silent.chunk.evidence, embeddings={})))
    for row in (a_row(), silent):
        assert store.put_evidence(a_session(domain), row) is True
    assert sorted(map(bits, rows(store, a_session(domain))), key=str) == sorted(map(bits, (a_row(), silent)), key=str)


def test_the_parts_of_a_chunk_are_read_to_the_last_bit(store: SessionStore, domain: str) -> None:
    row = a_row()
    parts = np.random.default_rng(7).standard_normal((3, 192)).astype(np.float16)
    row = replace(row, chunk=replace(row.chunk, evidence=replace(row.chunk.evidence, parts=parts)))
    assert store.put_evidence(a_session(domain), row) is True
    assert [bits(each) for each in rows(store, a_session(domain))] == [bits(row)]


def test_the_parts_of_a_chunk_stand_where_the_release_before_does_not_look() -> None:
    plain, evidence = a_row(), a_row().chunk.evidence
    parts = replace(plain, chunk=replace(plain.chunk, evidence=replace(evidence, parts=np.zeros((2, 192), np.float16))))
    with_parts, without = (evidence_item(a_session("acme"), each) for each in (parts, plain))
    assert {**without, "parts": with_parts["parts"]} == with_parts
    assert read_row(without).chunk.evidence.parts is None


def test_a_row_is_written_once_whatever_comes_after_it(store: SessionStore, domain: str) -> None:
    assert store.put_evidence(a_session(domain), a_row()) is True
    assert store.put_evidence(a_session(domain), a_row(seed=1)) is False
    assert [bits(row) for row in rows(store, a_session(domain))] == [bits(a_row())]


def test_contents_and_spaces_of_one_number_do_not_replace_each_other(store: SessionStore, domain: str) -> None:
    written = [a_row(), a_row(content="b" * 64), a_row(space="space-2"), a_row(number=1)]
    assert [store.put_evidence(a_session(domain), row) for row in written] == [True] * 4
    assert len(rows(store, a_session(domain))) == 4
    assert store.has_evidence(a_session(domain), 0, "b" * 64, "space-1")
    assert not store.has_evidence(a_session(domain), 0, "b" * 64, "space-2")


def test_the_marks_of_a_chunk_in_two_spaces_appear_together(state: State, domain: str) -> None:
    store, session = DynamoSessionStore(state.dynamodb, state.name("Sessions")), a_session(domain)
    seen: list[int] = []
    client = Watched(state.dynamodb, lambda: seen.append(len(store.marks(session))))
    watched: Any = client
    rows_of_one = [a_row(), a_row(space="space-2")]
    assert DynamoSessionStore(watched, state.name("Sessions")).put_evidence(session, *rows_of_one) is True
    assert seen == [0, 0, 0], "before each write"
    assert len(store.marks(session)) == 2
    assert store.put_evidence(session, *rows_of_one) is False


class Watched:
    """A client that tells before each write."""

    def __init__(self, client: Any, tell: Callable[[], object]) -> None:
        self._client, self._tell = client, tell

    def __getattr__(self, name: str) -> Any:
        if name in {"put_item", "update_item"}:
            self._tell()
        return getattr(self._client, name)


def test_of_rows_written_together_one_is_new(store: SessionStore, domain: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        new = list(threads.map(lambda seed: store.put_evidence(a_session(domain), a_row(seed=seed)), range(4)))
    assert sum(new) == 1


def test_accepted_chunks_are_a_set_of_one_session(store: SessionStore, domain: str) -> None:
    session, later = a_session(domain), replace(a_session(domain), started_at=NOW + timedelta(days=3))
    for number, content in ((0, "a"), (1, "a"), (0, "b"), (0, "a"), (7199, "c")):
        store.note_accepted(session, number, content * 64)
    assert set(store.accepted(session)) == {(0, "a" * 16), (1, "a" * 16), (0, "b" * 16), (7199, "c" * 16)}
    assert not store.accepted(later)
    assert not store.marks(session)


def test_sessions_do_not_share_evidence(store: SessionStore, domain: str) -> None:
    store.put_evidence(a_session(domain), a_row())
    assert not store.marks(a_session(domain, "session-2"))
    assert not store.marks(a_session(f"{domain}-2"))


def test_a_session_that_was_started_anew_under_an_old_name_has_none_of_its_evidence(
    store: SessionStore, domain: str
) -> None:
    old, new = a_session(domain), replace(a_session(domain), started_at=NOW + timedelta(days=3))
    store.put_evidence(old, a_row())
    assert not store.marks(new)
    assert not store.has_evidence(new, 0, "a" * 64, "space-1")
    assert store.put_evidence(new, a_row(seed=1)) is True
    assert [bits(row) for row in rows(store, old)] == [bits(a_row())]


def test_only_the_rows_that_are_asked_for_are_read(store: SessionStore, domain: str) -> None:
    session = a_session(domain)
    for number in range(5):
        store.put_evidence(session, a_row(number))
    some = [mark for mark in store.marks(session) if mark.number in (1, 3)]
    assert sorted(row.chunk.number for row in store.evidence(session, some)) == [1, 3]


def test_a_mark_says_what_its_row_says(store: SessionStore, domain: str) -> None:
    session, row = a_session(domain), a_row(7, seed=3)
    store.put_evidence(session, row)
    assert list(store.marks(session)) == [Mark.of(row.chunk, int(row.accepted_at.timestamp()))]


class Stingy:
    """A client whose batches give one row at a time, and in the end none."""

    def __init__(self, client: Any, rows: int) -> None:
        self._client = client
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803, as boto3 names it
        ((table, asked),) = RequestItems.items()
        self._rows -= 1
        given, rest = (asked["Keys"][:1], asked["Keys"][1:]) if self._rows >= 0 else ([], asked["Keys"])
        answer = self._client.batch_get_item(RequestItems={table: asked | {"Keys": given}}) if given else {}
        rows = answer.get("Responses", {table: []})
        return {"Responses": rows, "UnprocessedKeys": {table: {"Keys": rest}} if rest else {}}


def test_rows_that_a_batch_leaves_out_are_asked_for_again(state: State, domain: str) -> None:
    session = a_session(domain)
    for number in range(3):
        DynamoSessionStore(state.dynamodb, state.name("Sessions")).put_evidence(session, a_row(number))
    patient, starved = (
        DynamoSessionStore(Stingy(state.dynamodb, count), state.name("Sessions"))  # type: ignore[arg-type]
        for count in (3, 1)
    )
    assert sorted(row.chunk.number for row in rows(patient, session)) == [0, 1, 2]
    with pytest.raises(StoreUnavailable):
        rows(starved, session)


class Dying:
    """A client of a process that is killed before it marks what it wrote, the first time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.update_item = self._die

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _die(self, **_: Any) -> None:
        self.update_item = self._client.update_item
        raise Killed


def test_a_row_that_was_never_marked_is_marked_as_it_was_written(state: State, domain: str) -> None:
    session = a_session(domain)
    store = DynamoSessionStore(Dying(state.dynamodb), state.name("Sessions"))  # type: ignore[arg-type]
    with pytest.raises(Killed):
        store.put_evidence(session, a_row())
    assert not store.marks(session)
    assert not store.has_evidence(session, 0, "a" * 64, "space-1")
    assert store.put_evidence(session, replace(a_row(seed=1), accepted_at=NOW + SECOND)) is False
    assert list(store.marks(session)) == [Mark.of(a_row().chunk, int(NOW.timestamp()))]
    assert [bits(row) for row in rows(store, session)] == [bits(a_row())]


def test_all_rows_of_a_long_session_are_read(store: SessionStore, domain: str) -> None:
    # Rows of two bands are 2 KB each, a page of a query is 1 MB.
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: store.put_evidence(a_session(domain), a_row(number)), range(600)))
    assert sorted(row.chunk.number for row in rows(store, a_session(domain))) == list(range(600))


def test_sessions_are_due_until_they_have_a_decision(store: SessionStore, domain: str) -> None:
    def due(at: datetime) -> list[str]:
        return [session for found, session in store.due(at) if found == domain]

    first, second = a_session(domain, "first"), replace(a_session(domain, "second"), due_at=NOW - SECOND)
    for record in (first, second):
        store.put_session(record)
    assert due(NOW - 2 * SECOND) == []
    assert due(NOW + 3 * SECOND) == ["second", "first"]
    store.put_session(replace(second, finalized_at=NOW, version=2))
    assert due(NOW) == ["second"]
    store.put_session(replace(second, finalized_at=NOW, decision_id="one", version=3))
    assert due(NOW + 3 * SECOND) == ["first"]


def test_of_many_due_sessions_the_longest_overdue_come_first(store: SessionStore, domain: str) -> None:
    # Longer overdue than whatever other tests leave in the same table.
    past = NOW - timedelta(days=999)
    order = [5, 2, 0, 7, 4, 1, 6, 3]
    for place in order:
        store.put_session(replace(a_session(domain, f"session-{place}"), due_at=past + place * SECOND))
    found = list(islice(store.due(past + 6 * SECOND), 8))
    assert found[:7] == [(domain, f"session-{place}") for place in range(7)]
    assert found[7:] != [(domain, "session-7")]


def test_a_deleted_session_is_gone_and_not_due_any_more(store: SessionStore, domain: str) -> None:
    session = a_session(domain)
    store.put_session(session)
    with pytest.raises(VersionConflict):
        store.delete_session(replace(session, version=2))
    store.delete_session(session)
    assert store.session(domain, "session-1") is None
    assert domain not in {found for found, _ in store.due(NOW + 3 * SECOND)}
    with pytest.raises(VersionConflict):
        store.delete_session(session)


def test_open_sessions_are_spread_over_the_partitions_of_the_index(state: State, domain: str) -> None:
    store = DynamoSessionStore(state.dynamodb, state.name("Sessions"))
    for number in range(40):
        store.put_session(a_session(domain, f"session-{number}"))
    found = [
        {item["session"]["S"] for item in state.dynamodb.query(**_part(state, str(part)))["Items"]}
        for part in range(DUE_PARTS)
    ]
    assert all(any(name.startswith(f"{domain}#") for name in names) for names in found)


def _part(state: State, part: str) -> dict[str, Any]:
    condition = {"KeyConditionExpression": "#open = :part", "ExpressionAttributeNames": {"#open": "open"}}
    values = {":part": {"S": part}}
    return {
        "TableName": state.name("Sessions"),
        "IndexName": "due",
        "ExpressionAttributeValues": values,
        **condition,
    }


def a_domain(domain: str) -> DomainRecord:
    return DomainRecord(domain, Policy(), Retention(30, False), NOW, NOW, version=1)


@pytest.mark.parametrize("kind", ["memory", "aws"])
def test_an_intake_reads_what_was_last_written(request: pytest.FixtureRequest, domain: str, kind: str) -> None:
    domains, sessions, lags, reader = _memory() if kind == "memory" else _aws(request.getfixturevalue("state"))
    assert reader.read(domain, "session-1", domain) == IntakeState(None, None, None)
    domains.put_domain(a_domain(domain))
    sessions.put_session(a_session(domain))
    lags.publish(domain, ShardLag(0.25, BATCH))
    found = IntakeState(a_domain(domain), a_session(domain), ShardLag(0.25, BATCH))
    assert reader.read(domain, "session-1", domain) == found
    ended = replace(a_session(domain), chunk_count=2, version=2)
    sessions.put_session(ended)
    assert reader.read(domain, "session-1", domain).session == ended


def _memory() -> tuple[DomainStore, SessionStore, ShardLagStore, IntakeReader]:
    domains, sessions, lags = MemoryDomainStore(), MemorySessionStore(), MemoryShardLagStore()
    return domains, sessions, lags, MemoryIntakeReader(domains, sessions, lags)


def _aws(state: State) -> tuple[DomainStore, SessionStore, ShardLagStore, IntakeReader]:
    client, domains, sessions = state.dynamodb, state.name("Tenants"), state.name("Sessions")
    stores = (
        DynamoDomainStore(client, domains),
        DynamoSessionStore(client, sessions),
        DynamoShardLagStore(client, sessions),
    )
    return *stores, DynamoIntakeReader(client, domains, sessions)


class LeavesOut:
    """A client whose batches leave out the last key of each table for a while."""

    def __init__(self, client: Any, times: int) -> None:
        self._client = client
        self._times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803, as boto3 names it
        self._times -= 1
        if self._times < 0:
            return self._client.batch_get_item(RequestItems=RequestItems)
        left = {table: asked | {"Keys": asked["Keys"][-1:]} for table, asked in RequestItems.items()}
        return {"Responses": {}, "UnprocessedKeys": RequestItems} if self._times else self._some(RequestItems, left)

    def _some(self, asked: dict[str, Any], left: dict[str, Any]) -> Any:
        given = {table: each | {"Keys": each["Keys"][:-1]} for table, each in asked.items() if each["Keys"][1:]}
        return self._client.batch_get_item(RequestItems=given) | {"UnprocessedKeys": left}


def test_items_that_an_intakes_read_leaves_out_are_asked_for_again(state: State, domain: str) -> None:
    domains, sessions, _, _ = _aws(state)
    domains.put_domain(a_domain(domain))
    sessions.put_session(a_session(domain))
    # The last of the three attempts may go on as long as it reads something.
    for times, known in ((3, True), (4, False)):
        client: Any = LeavesOut(state.dynamodb, times)
        reader = DynamoIntakeReader(client, state.name("Tenants"), state.name("Sessions"))
        if known:
            assert reader.read(domain, "session-1", domain).session == a_session(domain)
        else:
            with pytest.raises(StoreUnavailable):
                reader.read(domain, "session-1", domain)


@pytest.fixture(params=["memory", "aws"])
def lags(request: pytest.FixtureRequest) -> ShardLagStore:
    if request.param == "memory":
        return MemoryShardLagStore()
    state = request.getfixturevalue("state")
    return DynamoShardLagStore(state.dynamodb, state.name("Sessions"))


BATCH = datetime(2026, 1, 2, 3, 4, 5, 500000, UTC)


def test_of_the_lags_of_a_shard_the_highest_counts_for_a_while(lags: ShardLagStore, domain: str) -> None:
    assert lags.lag(domain) is None
    for seconds, after in ((0.125, 0.0), (3.25, 0.25), (0.25, 0.5), (0.5, 2.25)):
        lags.publish(domain, ShardLag(seconds, BATCH + after * SECOND))
    assert lags.lag(domain) == ShardLag(3.25, BATCH + 0.25 * SECOND, later_at=BATCH + 2.25 * SECOND)
    assert lags.lag(f"{domain}-2") is None
    lags.publish(domain, ShardLag(0.5, BATCH + 2.5 * SECOND))
    assert lags.lag(domain) == ShardLag(0.5, BATCH + 2.5 * SECOND)


def test_a_lag_of_no_more_than_the_time_between_two_reads_is_not_held(lags: ShardLagStore, domain: str) -> None:
    for seconds, after in ((1.125, 0.0), (0.25, 0.5)):
        lags.publish(domain, ShardLag(seconds, BATCH + after * SECOND))
    assert lags.lag(domain) == ShardLag(0.25, BATCH + 0.5 * SECOND)


CHUNK = ChunkRecord("acme", "session-1", 0, b"\0\xff{")


def test_the_stream_keeps_the_order_of_a_session(state: State) -> None:
    client, name = state.client("kinesis"), state.name("AudioStream")
    stream = KinesisAudioStream(client, name)
    session = f"session-{uuid.uuid4()}"
    sent = [ChunkRecord("acme", session, number, bytes([number])) for number in range(5)]
    for chunk in sent:
        stream.put(chunk)
    shard = stream.shard("acme", session)
    start = client.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = client.get_records(ShardIterator=start["ShardIterator"])["Records"]
    assert [parse(each["Data"]) for each in found if each["PartitionKey"] == f"acme#{session}"] == sent


def test_the_shard_of_a_session_is_known_before_anything_went_there(state: State) -> None:
    client, name = state.client("kinesis"), state.name("AudioStream")
    stream = KinesisAudioStream(client, name)
    expected = [stream.shard("acme", str(number)) for number in range(20)]
    keys = [f"acme#{number}" for number in range(20)]
    answers = [client.put_record(StreamName=name, PartitionKey=key, Data=b"x") for key in keys]
    assert [answer["ShardId"] for answer in answers] == expected
    assert len(set(expected)) == 2


class Resharded:
    """A stream whose one shard was split after it was first asked."""

    def __init__(self) -> None:
        self.split = False

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[Any]:
        half, end = 2**127, 2**128 - 1
        whole = _shard("old", 0, end) | ({"SequenceNumberRange": {"EndingSequenceNumber": "9"}} if self.split else {})
        return [{"Shards": [whole]}, {"Shards": [_shard("low", 0, half - 1), _shard("high", half, end)]}][
            : 1 + self.split
        ]

    def put_record(self, **_: Any) -> Any:
        return {"ShardId": "high" if self.split else "old"}


def _shard(name: str, start: int, end: int) -> dict[str, Any]:
    keys = {"StartingHashKey": str(start), "EndingHashKey": str(end)}
    return {"ShardId": name, "HashKeyRange": keys, "SequenceNumberRange": {"StartingSequenceNumber": "1"}}


def test_after_a_stream_was_resharded_its_new_shards_are_found() -> None:
    client = Resharded()
    stream = KinesisAudioStream(client, "audio")  # type: ignore[arg-type]
    stream.put(CHUNK)
    assert stream.shard("acme", "session-1") == "old"
    client.split = True
    for _ in range(2):
        stream.put(CHUNK)
    assert {stream.shard("acme", str(number)) for number in range(20)} == {"low", "high"}


def test_what_a_document_leaves_out_is_read_from_the_stream(state: State) -> None:
    client, name = state.client("kinesis"), state.name("AudioStream")
    first, second = (client.put_record(StreamName=name, PartitionKey="a#b", Data=data) for data in (b"one", b"two"))
    places = [f"{each['ShardId']}:{each['SequenceNumber']}" for each in (first, second)]
    assert [read_if_kept(client, name, place) for place in places] == [b"one", b"two"]
    assert read_if_kept(client, name, "shardId-000000000999:1") is None


@pytest.mark.parametrize("kind", ["memory", "aws"])
def test_a_record_that_does_not_fit_into_the_stream_is_refused(request: pytest.FixtureRequest, kind: str) -> None:
    stream: AudioStream = MemoryAudioStream()
    if kind == "aws":
        state = request.getfixturevalue("state")
        stream = KinesisAudioStream(state.client("kinesis"), state.name("AudioStream"))
    with pytest.raises(TooLarge) as refusal:
        stream.put(replace(CHUNK, content=bytes(1024 * 1024)))
    error = refusal.value
    assert (error.code, error.subject, error.limit) == ("chunk_too_large", Subject.AUDIO, 1024 * 1024)


def test_a_stream_that_is_not_there_is_unavailable(state: State) -> None:
    with pytest.raises(StoreUnavailable):
        KinesisAudioStream(state.client("kinesis"), "none").put(CHUNK)


def test_a_failure_is_kept_whole_and_written_again_it_is_the_same(state: State) -> None:
    bucket = state.name("Failures")
    failure = {"reason": {"code": "event_invalid", "field": None}, "data": "AAAA", "partition_key": "acme#session-1"}
    for _ in range(2):
        S3FailureStore(state.s3, bucket).put("shardId-000000000000/42", failure)
    body = state.s3.get_object(Bucket=bucket, Key="shardId-000000000000/42.json")["Body"].read()
    assert json.loads(body) == failure
