"""Voiceprints and evidence as they are stored: nobody who has the tables alone can match anything."""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.intake import DynamoIntakeReader
from bonafide.adapters.dynamodb.items import speaker_key
from bonafide.adapters.dynamodb.session_items import item_key, row_item
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.kms import KmsDomainSecrets
from bonafide.adapters.protection.cipher import DomainKey
from bonafide.adapters.protection.domain_keys import ASKED_AGAIN, KEPT, KEPT_WITHOUT_ANSWER, MOST_KEPT, DomainKeys
from bonafide.adapters.protection.items import domain_key_item, session_key_item, speaker_key_item
from bonafide.adapters.protection.speakers import ClosedSpeakers, SealedSpeakers
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.audio.fingerprint import BANDS as BANDS_OF_FINGERPRINT
from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, HalfVector, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.session import ChunkEvidence
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import NotFound, StoreUnavailable
from bonafide.ports.keys import KeyRefused
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord, DomainState, Retention
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.voiceprints.renewal import TemplateRenewal, TemplateState
from ops.migration.releases import NotReadyError
from ops.protection.__main__ import arguments, run
from tests.adapters.conftest import State
from tests.decisions import decision_record

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
BANDS = (Channel.NARROWBAND, Channel.WIDEBAND)


class Secrets:
    """`DomainSecrets` of the emulator's KMS, which counts its calls and can be made to fail."""

    def __init__(self, client: Any, stage: str = "dev") -> None:
        key = next(each["KeyArn"] for each in client.list_keys()["Keys"])
        self._real = KmsDomainSecrets(lambda: client, key, stage)
        self.calls = 0
        self.failure: type[Exception] | None = None

    def make(self, domain: str) -> tuple[bytes, bytes]:
        return self._called(lambda: self._real.make(domain))

    def open(self, domain: str, wrapped: bytes) -> bytes:
        return self._called(lambda: self._real.open(domain, wrapped))

    def _called[Answer](self, call: Callable[[], Answer]) -> Answer:
        self.calls += 1
        if self.failure:
            raise self.failure
        return call()


class Stage:
    """Stores of one deployment, in the form that is written now."""

    def __init__(self, state: State, client: Any, kms: Any) -> None:
        self.state = state
        self.client = client
        self.now = NOW
        self.secrets = Secrets(kms)

    def keys(self) -> DomainKeys:
        return DomainKeys(self.client, self.state.name("TemplateKeys"), self.secrets, lambda: self.now)

    def speakers(self, *, writes: bool = True, renews: bool = False) -> DynamoDomainStore:
        protection = TemplateProtection(self.keys(), writes=writes, renews=renews)
        table = self.state.name("Tenants")
        return DynamoDomainStore(self.client, table, SealedSpeakers(self.client, table, protection))

    def closed(self) -> DynamoDomainStore:
        table, client = self.state.name("Tenants"), self.client
        return DynamoDomainStore(client, table, ClosedSpeakers(client, table, self.state.name("TemplateKeys")))

    def former(self) -> DynamoDomainStore:
        """The store of functions that know nothing of keys."""
        return DynamoDomainStore(self.client, self.state.name("Tenants"))

    def sessions(self, *, writes: bool = True) -> DynamoSessionStore:
        protection = TemplateProtection(self.keys(), writes=writes)
        return DynamoSessionStore(self.client, self.state.name("Sessions"), protection)

    def item(self, domain: str, speaker: str) -> Any:
        key = speaker_key(domain, speaker)
        return self.client.get_item(TableName=self.state.name("Tenants"), Key=key)["Item"]

    def has_key(self, key: Any) -> bool:
        return "Item" in self.client.get_item(TableName=self.state.name("TemplateKeys"), Key=key)

    def stolen(self) -> Iterator[Any]:
        """Everything that all tables hold."""
        for table in ("Tenants", "Sessions", "Decisions", "Idempotency", "TemplateKeys"):
            for page in self.client.get_paginator("scan").paginate(TableName=self.state.name(table)):
                yield from page["Items"]


@pytest.fixture(scope="module")
def clients(state: State) -> tuple[Any, Any]:
    """Made once, which takes longer than a dozen calls."""
    return state.dynamodb, state.client("kms")


@pytest.fixture
def stage(state: State, clients: tuple[Any, Any]) -> Stage:
    return Stage(state, *clients)


@pytest.fixture
def domain(stage: Stage) -> DomainRecord:
    return a_domain(stage)


def a_domain(stage: Stage) -> DomainRecord:
    record = DomainRecord(f"domain-{uuid.uuid4()}", Policy(), Retention(30, keep_audio=False), NOW, NOW, version=1)
    stage.former().put_domain(record)
    return record


def a_voice(seed: int) -> FloatVector:
    vector = np.random.default_rng(seed).standard_normal(192).astype(np.float32)
    return vector / np.linalg.norm(vector)


def evidence(seed: int, space: str = "space-1") -> Evidence:
    voices = {band: a_voice(seed + number) for number, band in enumerate(BANDS)}
    parts = np.array([a_voice(seed), a_voice(seed + 1)], np.float16)
    return Evidence(12.0, Channel.WIDEBAND, voices, Quality(-20.0, 0.0, None), space, 1.0, 2.0, (0.1, -0.2), parts)


def a_speaker(domain: DomainRecord, seed: int = 1, speaker: str = "ann") -> SpeakerRecord:
    made = [Voiceprint.of([evidence(seed, "space-0")]), Voiceprint.of([evidence(seed + 9)])]
    with_audio = [replace(each, audio=("a" * 32,)) for each in made]
    record = SpeakerRecord(domain.domain, speaker, SpeakerStatus.ENROLLED, NOW, NOW, applied=("one",))
    return record.with_voiceprints(NOW, with_audio)


def found(store: DynamoDomainStore, domain: DomainRecord, speaker: str = "ann") -> SpeakerRecord:
    _, record = store.find(domain.domain, speaker)
    assert record
    return record


def same(one: SpeakerRecord, other: SpeakerRecord) -> bool:
    """Tells whether records are the same, their embeddings but for rounding."""
    pairs = list(zip(one.voiceprints, other.voiceprints, strict=True))
    totals = [
        (left.templates[band].total, right.templates[band].total) for left, right in pairs for band in left.templates
    ]
    return (
        replace(one, voiceprint=None, newer=()) == replace(other, voiceprint=None, newer=())
        and all(left.closed().to_bytes() == right.closed().to_bytes() for left, right in pairs)
        and all(left.audio == right.audio for left, right in pairs)
        and all(np.allclose(left, right, atol=1e-5) for left, right in totals)
    )


def a_session(domain: DomainRecord, name: str = "one") -> SessionRecord:
    return SessionRecord(
        domain.domain,
        name,
        "ann",
        None,
        RecordingFormat(Encoding.MULAW, 8000),
        BANDS,
        NOW,
        NOW,
        NOW + timedelta(hours=1),
        version=1,
    )


def a_row(number: int, seed: int = 50) -> EvidenceRow:
    chunk = ChunkEvidence(number, f"{number:064x}", evidence(seed + number))
    return EvidenceRow(
        chunk, "bundle", NOW, NOW, fingerprint=Fingerprint(np.full((25, BANDS_OF_FINGERPRINT), number % 3, np.int8))
    )


def vectors(item: Any) -> Iterator[FloatVector]:
    """Every vector that anybody could read out of an item, whatever encloses it."""
    values = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    for value in values:
        if isinstance(value, bytes):
            for form, length in (("<f4", 768), ("<f2", 384)):
                for offset in range(min(len(value) - length + 1, 400)):
                    yield np.frombuffer(value, form, 192, offset).astype(np.float32)
        else:
            yield from vectors(value)


def test_a_voiceprint_is_read_as_it_was_written(stage: Stage, domain: DomainRecord) -> None:
    written = a_speaker(domain)
    stage.speakers().put_speaker(domain, written)
    assert same(found(stage.speakers(), domain), written)
    item = stage.item(domain.domain, "ann")
    assert not {"voiceprint", "newer_voiceprints"} & item.keys()
    assert "a" * 32 not in json.dumps(item, default=str)


def test_both_forms_are_read_and_the_one_that_is_set_is_written(stage: Stage, domain: DomainRecord) -> None:
    plain, protected = stage.speakers(writes=False), stage.speakers()
    written = a_speaker(domain)
    plain.put_speaker(domain, written)
    assert same(found(stage.former(), domain), written)
    for store, is_protected in ((plain, False), (protected, True), (plain, True), (protected, True)):
        following = replace(found(store, domain), version=found(store, domain).version + 1)
        store.put_speaker(domain, following)
        item = stage.item(domain.domain, "ann")
        assert ("protected_voiceprints" in item, "voiceprint" in item) == (is_protected, not is_protected)
        assert all(same(found(each, domain), following) for each in (plain, protected))


def test_stolen_tables_match_nothing(stage: Stage, domain: DomainRecord) -> None:
    """The thief has the voice of everybody, and looks for each voice in every byte of every table."""
    voices = [a_voice(seed) for seed in range(1, 20)]
    plain = a_domain(stage)
    stage.speakers(writes=False).put_speaker(plain, a_speaker(plain, 3))
    assert _best_match(stage, plain.domain, voices) > 0.99
    stage.speakers().put_speaker(domain, a_speaker(domain, 3))
    sessions, session = stage.sessions(), a_session(domain)
    sessions.start_session(session)
    known = sessions.session(domain.domain, "one")
    assert known
    sessions.put_evidence(known, a_row(0, 4))
    assert _best_match(stage, domain.domain, voices) < 0.4


def _best_match(stage: Stage, domain: str, voices: list[FloatVector]) -> float:
    of_domain = [item for item in stage.stolen() if domain in json.dumps(item, default=str)]
    with np.errstate(all="ignore"):
        read = np.array([each for item in of_domain for each in vectors(item)], np.float64)
        usable = read[np.isfinite(read).all(axis=1) & (np.abs(read).max(axis=1) < 1e6)]
        unit = usable / np.linalg.norm(usable, axis=1, keepdims=True)
    return float(np.nanmax(unit @ np.array(voices).T)) if len(unit) else 0.0


def test_decrypted_templates_of_two_domains_are_as_far_apart_as_those_of_strangers(stage: Stage) -> None:
    keys = [DomainKey("one", b"1" * 32), DomainKey("two", b"2" * 32)]
    voices = np.array([a_voice(seed) for seed in range(300)])
    here, there = (voices @ key.rotation("space-1", 192).T for key in keys)
    mated = np.sum(here * there, axis=1)
    others = (here @ there.T)[~np.eye(300, dtype=bool)]
    assert abs(mated.mean() - others.mean()) < 0.02
    assert abs(mated.std() - others.std()) < 0.02
    assert np.allclose(np.sum(here * here, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("attribute", ["sealed", "closed"])
def test_a_voiceprint_that_is_moved_to_another_speaker_or_changed_opens_nowhere(
    stage: Stage, domain: DomainRecord, attribute: str
) -> None:
    store = stage.speakers()
    for seed, speaker in ((1, "ann"), (2, "eve")):
        store.put_speaker(domain, a_speaker(domain, seed, speaker))
    ann, eve = (stage.item(domain.domain, each) for each in ("ann", "eve"))
    ann["protected_voiceprints"]["L"][0]["M"]["sealed"] = eve["protected_voiceprints"]["L"][0]["M"]["sealed"]
    if attribute == "closed":
        ann["protected_voiceprints"], ann["key"] = eve["protected_voiceprints"], eve["key"]
    stage.client.put_item(TableName=stage.state.name("Tenants"), Item=ann)
    assert found(store, domain).voiceprints == ()
    assert found(store, domain).status is SpeakerStatus.PENDING


def test_a_key_that_is_moved_with_its_voiceprint_opens_nothing_for_another_speaker(
    stage: Stage, domain: DomainRecord
) -> None:
    store = stage.speakers()
    store.put_speaker(domain, a_speaker(domain, 1, "ann"))
    keys = stage.state.name("TemplateKeys")
    key = stage.client.get_item(TableName=keys, Key=speaker_key_item(domain.domain, "ann"))["Item"]
    stolen = stage.item(domain.domain, "ann") | speaker_key(domain.domain, "eve")
    stage.client.put_item(TableName=stage.state.name("Tenants"), Item=stolen)
    stage.client.put_item(TableName=keys, Item=key | speaker_key_item(domain.domain, "eve"))
    assert found(store, domain, "eve").voiceprints == ()


def test_an_opt_out_and_a_deletion_take_the_key_with_them(stage: Stage, domain: DomainRecord) -> None:
    own = speaker_key_item(domain.domain, "ann")
    closed = stage.closed()
    stage.speakers().put_speaker(domain, a_speaker(domain))
    assert stage.has_key(own)
    read = found(closed, domain)
    closed.put_speaker(domain, read.with_voiceprints(NOW, (), status=SpeakerStatus.OPTED_OUT))
    assert not stage.has_key(own)
    stage.speakers().put_speaker(domain, replace(a_speaker(domain), version=3))
    assert stage.has_key(own)
    closed.delete_speaker(found(closed, domain))
    assert not stage.has_key(own)


def test_a_batch_that_read_the_key_before_a_write_and_the_speaker_after_it_loses_nobody(
    stage: Stage, domain: DomainRecord
) -> None:
    """Of two tables a batch is no snapshot: the key may be read before the first enrollment, the speaker after it."""
    store, written = stage.speakers(), a_speaker(domain)
    store.put_speaker(domain, written)
    batch = stage.client.batch_get_item

    class Torn:
        def __getattr__(self, name: str) -> Any:
            return getattr(stage.client, name)

        def batch_get_item(self, **request: Any) -> Any:
            answer = batch(**request)
            answer["Responses"].pop(stage.state.name("TemplateKeys"), None)
            return answer

    table = stage.state.name("Tenants")
    client: Any = Torn()
    protection = TemplateProtection(stage.keys(), writes=True)
    torn = DynamoDomainStore(client, table, SealedSpeakers(client, table, protection))
    assert same(found(torn, domain), written)


def test_the_key_goes_with_the_last_contribution_that_is_taken_back(stage: Stage, domain: DomainRecord) -> None:
    own, store = speaker_key_item(domain.domain, "ann"), stage.speakers()
    written = a_speaker(domain)
    named = [Voiceprint.empty("space-1").add(evidence(1), "a" * 64, each) for each in ("one", "two")]
    store.put_speaker(domain, replace(written, version=0).with_voiceprints(NOW, named[:1]))
    known = found(store, domain)
    (made,) = known.voiceprints
    assert np.allclose(made.parts[0].templates[BANDS[0]].total, named[0].parts[0].templates[BANDS[0]].total, atol=1e-5)
    assert made.without("two") == made
    store.put_speaker(domain, known.with_voiceprints(NOW, [], status=SpeakerStatus.PENDING))
    assert not stage.has_key(own)
    assert "voiceprint" not in stage.item(domain.domain, "ann")


def test_an_erasure_that_another_writer_overtakes_leaves_voiceprint_and_key(stage: Stage, domain: DomainRecord) -> None:
    closed = stage.closed()
    stage.speakers().put_speaker(domain, a_speaker(domain))
    read = found(closed, domain)
    stage.speakers().put_speaker(domain, found(stage.speakers(), domain).next(NOW))
    with pytest.raises(VersionConflict):
        closed.delete_speaker(read)
    with pytest.raises(VersionConflict):
        closed.put_speaker(domain, read.with_voiceprints(NOW, ()))
    assert len(found(stage.speakers(), domain).voiceprints) == 2


def test_a_restored_voiceprint_whose_key_was_deleted_is_one_who_never_enrolled(
    stage: Stage, domain: DomainRecord
) -> None:
    store = stage.speakers()
    store.put_speaker(domain, a_speaker(domain))
    backup = stage.item(domain.domain, "ann")
    stage.closed().delete_speaker(found(stage.closed(), domain))
    stage.client.put_item(TableName=stage.state.name("Tenants"), Item=backup)
    for reader in (store, stage.closed()):
        restored = found(reader, domain)
        assert (restored.voiceprints, restored.status, restored.applied) == ((), SpeakerStatus.PENDING, ())
    again = restored.with_voiceprints(NOW, [Voiceprint.of([evidence(7)])])
    store.put_speaker(domain, again)
    assert same(found(store, domain), again)


def test_without_the_key_of_the_domain_nothing_of_it_opens(stage: Stage, domain: DomainRecord) -> None:
    stage.speakers().put_speaker(domain, a_speaker(domain))
    closing = domain.next(state=DomainState.DELETING)
    stage.former().put_domain(closing)
    stage.closed().shred_keys(domain)
    assert stage.has_key(domain_key_item(domain.domain)), "the domain is not as it was read"
    stage.closed().shred_keys(closing)
    assert not stage.has_key(domain_key_item(domain.domain))
    assert found(stage.speakers(), domain).voiceprints == ()


def test_a_function_that_may_not_open_a_voiceprint_reads_how_much_speech_it_has(
    stage: Stage, domain: DomainRecord
) -> None:
    written = a_speaker(domain)
    stage.speakers().put_speaker(domain, written)
    calls = stage.secrets.calls
    for store in (stage.closed(), stage.former()):
        assert found(store, domain).summary == written.summary
        assert all(each.is_closed for each in found(store, domain).voiceprints)
        with pytest.raises(ValueError, match="without its key"):
            store.put_speaker(domain, found(store, domain).next(NOW))
    assert stage.secrets.calls == calls


def test_evidence_is_read_as_it_was_written_and_only_with_the_key_of_its_session(
    stage: Stage, domain: DomainRecord
) -> None:
    store, session = stage.sessions(), a_session(domain)
    store.start_session(session)
    known = store.session(domain.domain, "one")
    assert known == session
    rows = [a_row(0), a_row(1), replace(a_row(2), chunk=replace(a_row(2).chunk, evidence=_silence()))]
    for row in rows:
        assert store.put_evidence(known, row)
    read = {row.chunk.number: row for row in store.evidence(known, store.marks(known))}
    for row in rows:
        expected, actual = row.chunk.evidence, read[row.chunk.number].chunk.evidence
        assert replace(actual, embeddings={}, parts=None) == replace(expected, embeddings={}, parts=None)
        assert _bytes(read[row.chunk.number]) == _bytes(row)
        assert actual.embeddings.keys() == expected.embeddings.keys()
        assert _cosines(actual.parts, expected.parts) > 1 - 1e-4
        assert all(
            np.allclose(actual.embeddings[each], expected.embeddings[each], atol=1e-6) for each in actual.embeddings
        )
    assert _reader(stage).read(domain.domain, "one").session == known
    store.delete_session(known)
    assert not stage.has_key(session_key_item(domain.domain, "one"))
    assert known.key
    assert store.evidence(replace(known, key=replace(known.key, wrapped=b"")), store.marks(known)) == []


def _reader(stage: Stage) -> DynamoIntakeReader:
    return DynamoIntakeReader(
        stage.client, *(stage.state.name(each) for each in ("Tenants", "Sessions", "TemplateKeys"))
    )


def test_who_judges_reads_the_key_with_the_session_and_no_session_without_it(
    stage: Stage, domain: DomainRecord
) -> None:
    store = stage.sessions()
    store.start_session(a_session(domain))
    read = _reader(stage).read(domain.domain, "one").session
    assert read
    assert read.key
    assert read.key.wrapped
    keys = stage.state.name("TemplateKeys")
    stage.client.delete_item(TableName=keys, Key=session_key_item(domain.domain, "one"))
    assert _reader(stage).read(domain.domain, "one").session is None


def test_evidence_of_a_domain_whose_key_is_gone_is_that_of_a_deleted_session(
    stage: Stage, domain: DomainRecord
) -> None:
    store = stage.sessions()
    store.start_session(a_session(domain))
    known = store.session(domain.domain, "one")
    assert known
    stage.closed().shred_keys(domain)
    with pytest.raises(NotFound) as refusal:
        stage.sessions().put_evidence(known, a_row(0))
    assert refusal.value.code == "session_not_found"


def _bytes(row: EvidenceRow) -> bytes:
    assert row.fingerprint
    return row.fingerprint.to_bytes()


def _cosines(one: HalfVector | None, other: HalfVector | None) -> float:
    """Returns the least cosine of parts and the same parts, which are stored in half precision."""
    if one is None or other is None:
        return 1.0 if one is other else -1.0
    left, right = one.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(np.min(np.sum(left * right, axis=1) / norms))


def _silence() -> Evidence:
    return replace(evidence(1), embeddings={}, embedding_directions=(), speech_seconds=0.0, parts=None)


def test_a_row_that_is_moved_to_another_place_or_session_does_not_open(stage: Stage, domain: DomainRecord) -> None:
    store, client, table = stage.sessions(), stage.client, stage.state.name("Sessions")
    known = []
    for name in ("one", "two"):
        store.start_session(a_session(domain, name))
        session = store.session(domain.domain, name)
        assert session
        store.put_evidence(
            session,
            a_row(0),
        )
        store.put_evidence(session, a_row(1))
        known.append(session)
    one, two = known
    stolen = client.get_item(TableName=table, Key=item_key(one, row_item(one, a_row(0).mark)))["Item"]
    client.put_item(TableName=table, Item=stolen | item_key(two, row_item(two, a_row(0).mark)))
    client.put_item(TableName=table, Item=stolen | item_key(one, row_item(one, a_row(1).mark)))
    assert [row.chunk.number for row in store.evidence(two, store.marks(two))] == [1]
    assert [row.chunk.number for row in store.evidence(one, store.marks(one))] == [0]


def test_a_session_goes_on_in_the_form_that_it_began_in(stage: Stage, domain: DomainRecord) -> None:
    plain, protected = stage.sessions(writes=False), stage.sessions()
    for name, began, goes_on in (("one", plain, protected), ("two", protected, plain)):
        began.start_session(a_session(domain, name))
        session = goes_on.session(domain.domain, name)
        assert session
        assert (session.key is None) is (began is plain)
        for number, store in enumerate((began, goes_on)):
            store.put_evidence(session, a_row(number))
        changed = goes_on.session(domain.domain, name)
        assert changed
        # Functions without keys write the session too, and leave its key as it is.
        DynamoSessionStore(stage.client, stage.state.name("Sessions")).put_session(changed.next())
        assert len(goes_on.evidence(session, goes_on.marks(session))) == 2
        again = began.session(domain.domain, name)
        assert again
        assert again.key == session.key


def test_a_session_whose_key_is_gone_is_one_that_was_deleted(stage: Stage, domain: DomainRecord) -> None:
    store = stage.sessions()
    store.start_session(a_session(domain))
    stage.client.delete_item(TableName=stage.state.name("TemplateKeys"), Key=session_key_item(domain.domain, "one"))
    assert store.session(domain.domain, "one") is None


def test_a_session_is_started_once_and_keeps_its_key(stage: Stage, domain: DomainRecord) -> None:
    store = stage.sessions()
    store.start_session(a_session(domain))
    key = store.session(domain.domain, "one")
    with pytest.raises(VersionConflict):
        store.start_session(a_session(domain))
    again = store.session(domain.domain, "one")
    assert key
    assert again
    assert again.key == key.key


def test_a_warm_function_asks_the_key_management_nothing(stage: Stage, domain: DomainRecord) -> None:
    stage.speakers().put_speaker(domain, a_speaker(domain))
    store = stage.speakers()
    before = stage.secrets.calls
    for _ in range(3):
        found(store, domain)
    assert stage.secrets.calls == before + 1
    stage.now += KEPT
    found(store, domain)
    assert stage.secrets.calls == before + 2


def test_while_the_key_management_does_not_answer_opened_keys_go_on_for_an_hour(
    stage: Stage, domain: DomainRecord
) -> None:
    store = stage.speakers()
    store.put_speaker(domain, a_speaker(domain))
    stage.secrets.failure = StoreUnavailable
    stage.now += KEPT
    calls = stage.secrets.calls
    assert found(store, domain).voiceprints
    assert found(store, domain).voiceprints
    assert stage.secrets.calls == calls + 1, "asked once in half a minute"
    stage.now += ASKED_AGAIN
    assert found(store, domain).voiceprints
    stage.now += KEPT_WITHOUT_ANSWER
    for cold in (store, stage.speakers()):
        with pytest.raises(StoreUnavailable) as caught:
            found(cold, domain)
        assert caught.value.retry_after == 1


def test_without_the_key_management_nobody_new_is_half_written(stage: Stage, domain: DomainRecord) -> None:
    stage.secrets.failure = StoreUnavailable
    with pytest.raises(StoreUnavailable):
        stage.speakers().put_speaker(domain, a_speaker(domain))
    with pytest.raises(StoreUnavailable):
        stage.sessions().start_session(a_session(domain))
    assert stage.former().find(domain.domain, "ann")[1] is None
    assert stage.former().stored_speakers(domain.domain, 10) == []
    assert stage.sessions().session(domain.domain, "one") is None
    assert not stage.has_key(domain_key_item(domain.domain))


def test_a_refusal_of_the_key_management_closes_what_was_open(stage: Stage, domain: DomainRecord) -> None:
    store = stage.speakers()
    store.put_speaker(domain, a_speaker(domain))
    stage.secrets.failure = KeyRefused
    stage.now += KEPT
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            found(store, domain)


def test_opened_keys_are_few(stage: Stage) -> None:
    keys = stage.keys()
    names = [keys.current(f"few-{number}-{uuid.uuid4()}").name for number in range(MOST_KEPT + 2)]
    assert len(set(names)) == MOST_KEPT + 2
    assert len(keys._opened) == MOST_KEPT


def test_a_secret_of_one_domain_or_stage_opens_for_no_other(clients: tuple[Any, Any]) -> None:
    own, other_stage = Secrets(clients[1]), Secrets(clients[1], "production")
    _, wrapped = own.make("acme")
    for secrets, domain in ((own, "globex"), (other_stage, "acme")):
        with pytest.raises(KeyRefused):
            secrets.open(domain, wrapped)
    assert len(own.open("acme", wrapped)) == 32


def test_components_of_embeddings_in_decisions_are_read_by_who_watches_for_drift_only(
    stage: Stage, domain: DomainRecord
) -> None:
    keys, table = stage.keys(), stage.state.name("Decisions")
    store = DynamoDecisionStore(stage.client, table, TemplateProtection(keys, writes=True))
    plain = decision_record(domain=domain.domain)
    for number, opened in enumerate((False, True)):
        if opened:
            keys.current(domain.domain)
        case = replace(plain.case, embedding_directions=(0.25, -0.5))
        record = replace(plain, decision_id=str(number), case=case)
        assert store.append(record, datetime.now(UTC) + timedelta(days=1)) == record
        found = store.read(domain.domain, str(number))
        assert found
        assert found.case.embedding_directions == ((0.25, -0.5) if opened else ())
        unopened = DynamoDecisionStore(stage.client, table).read(domain.domain, str(number))
        assert unopened == replace(record, case=replace(case, embedding_directions=()))


class Dying:
    """A client whose process is killed before or after one of its writes."""

    def __init__(self, client: Any, write: int, *, after: bool) -> None:
        self._client, self._left, self._after = client, write, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in {"put_item", "update_item", "transact_write_items"}:
            return real

        def write(**request: Any) -> Any:
            self._left -= 1
            answer = real(**request) if self._left or self._after else None
            if not self._left:
                raise Killed
            return answer

        return write


class Killed(BaseException):
    """The process is no more."""


def enroll_plain(stage: Stage, domain: DomainRecord, speakers: Sequence[str]) -> dict[str, SpeakerRecord]:
    records = {name: a_speaker(domain, number, name) for number, name in enumerate(speakers)}
    for record in records.values():
        stage.speakers(writes=False).put_speaker(domain, record)
    return records


def renew(stage: Stage, domain: DomainRecord, speakers: Iterable[str]) -> list[TemplateState]:
    store = stage.speakers(renews=True)
    current = stage.keys().current(domain.domain).name
    return [TemplateRenewal(store).renew(domain.domain, name, current) for name in speakers]


@pytest.mark.parametrize("after", [False, True])
def test_a_conversion_that_is_killed_at_any_write_and_repeated_leaves_every_voiceprint_readable(
    stage: Stage, domain: DomainRecord, after: bool
) -> None:
    written = enroll_plain(stage, domain, ("ann", "bob"))
    real = stage.client
    for write in range(1, 4):
        stage.client = Dying(real, write, after=after)
        with contextlib.suppress(Killed):
            renew(stage, domain, written)
        stage.client = real
        for name, record in written.items():
            for reader in (stage.speakers(), stage.speakers(writes=False)):
                read = found(reader, domain, name)
                assert same(replace(read, version=record.version), record)
    renew(stage, domain, written)
    assert renew(stage, domain, written) == [TemplateState.CURRENT] * 2
    assert all("voiceprint" not in stage.item(domain.domain, name) for name in written)


def test_a_rotation_makes_other_templates_of_the_same_voices(stage: Stage, domain: DomainRecord) -> None:
    store, keys = stage.speakers(), stage.keys()
    store.put_speaker(domain, a_speaker(domain))
    before, former = found(store, domain), keys.current(domain.domain)
    assert keys.in_use(domain.domain) == {former.name: 1}
    name = keys.add(domain.domain)
    assert renew(stage, domain, ["ann"]) == [TemplateState.RENEWED]
    assert renew(stage, domain, ["ann"]) == [TemplateState.CURRENT]
    assert keys.in_use(domain.domain) == {name: 1}
    after = found(stage.speakers(), domain)
    assert same(after, replace(before, version=2))
    assert after.updated_at == before.updated_at
    rotations = [key.rotation("space-1", 192) for key in (former, keys.current(domain.domain))]
    assert abs(np.trace(rotations[0].T @ rotations[1])) < 6, "as random rotations: 0 on average, deviation 1"
    keys.retire(domain.domain)
    assert stage.keys().named(domain.domain, former.name) is None
    assert same(found(stage.speakers(), domain), after)


def test_an_operator_converts_rotates_and_retires(stage: Stage, domain: DomainRecord) -> None:
    written = enroll_plain(stage, domain, ("ann", "bob"))
    connect = partial(_connected, stage)
    line = ["--stage", "dev", "--domain", domain.domain, "--rate", "1000"]

    def played(action: str, *options: str) -> str:
        return run(arguments([action, *line, *options]), connect)

    assert played("convert").split("\n") == [f"     2 {TemplateState.PROTECTED}"]
    assert "voiceprint" in stage.item(domain.domain, "ann"), "nothing was written"
    played("convert", "--apply")
    assert "voiceprint" not in stage.item(domain.domain, "ann")
    played("rotate", "--apply")
    with pytest.raises(NotReadyError, match="2 speakers and sessions"):
        played("retire", "--apply")
    assert played("convert", "--apply").split("\n") == [f"     2 {TemplateState.RENEWED}"]
    played("retire", "--apply")
    for name, record in written.items():
        assert same(found(stage.speakers(), domain, name), replace(record, version=3))


def _connected(stage: Stage, service: str, **_: Any) -> Any:
    return {"dynamodb": stage.client}.get(service) or stage.state.client(service)


def test_an_opt_out_that_overtakes_a_conversion_wins(stage: Stage, domain: DomainRecord) -> None:
    (record,) = enroll_plain(stage, domain, ["ann"]).values()
    store = stage.speakers(renews=True)
    read = found(store, domain)
    stage.closed().put_speaker(domain, record.with_voiceprints(NOW, (), status=SpeakerStatus.OPTED_OUT))
    with pytest.raises(VersionConflict):
        store.put_speaker(domain, replace(read, version=2))
    assert renew(stage, domain, ["ann"]) == [TemplateState.WITHOUT]
    assert not stage.has_key(speaker_key_item(domain.domain, "ann"))


def test_of_two_writers_of_a_first_domain_key_both_use_the_one_that_is_stored(stage: Stage) -> None:
    domain = f"domain-{uuid.uuid4()}"
    one, two = stage.keys(), stage.keys()
    made = two._made(domain)
    assert one._made(domain)["current"] == made["current"]
    assert one.current(domain).name == two.current(domain).name
