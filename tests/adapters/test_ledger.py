"""The archive in the emulator and in memory: only added to, locked, and unreadable once a speaker is erased."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.items import speaker_item, speaker_key
from bonafide.adapters.kms import KmsPartSignatures
from bonafide.adapters.ledger import archive as archives
from bonafide.adapters.ledger.archive import S3DayParts, S3DecisionArchive, S3SealStore
from bonafide.adapters.ledger.memory import InMemoryArchive, InMemoryParts, InMemorySeals
from bonafide.adapters.ledger.objects import GOVERNANCE, AddedObjects
from bonafide.adapters.ledger.personal import SpeakerFields
from bonafide.adapters.protection.cipher import new_name
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.items import key_attributes, speaker_key_item
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.ports.ledger.archive import DayParts, DecisionArchive, SealStore
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, StoredDecision
from bonafide.records.ledger.seal import DaySeal, KnownRoot, SealedEntry
from bonafide.records.speaker import SpeakerRecord
from tests.adapters.conftest import State
from tests.adapters.test_protection import Secrets
from tests.decisions import DECIDED_AT, decision_record

DAY = date(2026, 3, 1)
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)

type Stores = tuple[DecisionArchive, SealStore]


@pytest.fixture(scope="module")
def s3(state: State) -> Any:
    return state.s3


@pytest.fixture(params=["s3", "memory"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return InMemoryArchive(), InMemorySeals()
    client, state = request.getfixturevalue("s3"), request.getfixturevalue("state")
    objects = AddedObjects(client, state.name("Archive"))
    return S3DecisionArchive(objects), S3SealStore(objects, GOVERNANCE)


def entry(domain: str, name: str = "d1", day: date = DAY, **document: Any) -> ArchivedDecision:
    return ArchivedDecision(domain, name, day, UNTIL, document, None)


def test_an_entry_is_added_once_and_read_as_it_was_added(stores: Stores) -> None:
    archive, _ = stores
    domain = f"acme-{uuid.uuid4()}"
    first = entry(domain)
    assert [archive.put(each) for each in (first, entry(domain, other=1), entry(domain, "d10"))] == [True, False, True]
    assert archive.put(entry(domain, day=DAY + timedelta(days=1)))
    assert domain in archive.domains()
    assert archive.days(domain) == [DAY, DAY + timedelta(days=1)]
    assert sorted(archive.names(domain, DAY)) == ["d1", "d10"]
    read = list(archive.contents(domain, DAY))
    assert [each.name for each in read] == ["d1", "d10"]
    assert read[0] == StoredContent("d1", first.to_bytes())
    assert list(archive.contents(domain, DAY, "d1")) == read[1:]
    assert [archive.has(domain, DAY, name) for name in ("d1", "d", "d2")] == [True, False, False]
    assert list(archive.contents("nobody", DAY)) == []
    assert list(archive.strays(domain)) == []


def test_a_seal_and_its_root_are_added_once_and_read_as_they_were_added(stores: Stores) -> None:
    _, seals = stores
    domain = f"acme-{uuid.uuid4()}"
    assert seals.newest(domain) is None
    first = DaySeal.make(domain, DAY, None, [SealedEntry.of("d1", entry(domain).to_bytes())])
    second = DaySeal.make(domain, DAY + timedelta(days=1), first, [])
    assert [seals.put(each) for each in (first, replace(first, root="0"), second)] == [True, False, True]
    assert seals.newest(domain) == second
    assert [DaySeal.from_bytes(each.content or b"") for each in seals.seals(domain)] == [first, second]
    assert [seals.publish(domain, each.published) for each in (first, replace(first, root="0"))] == [True, False]
    published = [KnownRoot.from_bytes(domain, each.content or b"") for each in seals.roots(domain)]
    assert published == [first.published]


@pytest.fixture(params=["s3", "memory"])
def parts(request: pytest.FixtureRequest) -> DayParts:
    if request.param == "memory":
        return InMemoryParts()
    stored: DayParts = request.getfixturevalue("signed")
    return stored


@pytest.fixture
def signed(state: State, s3: Any) -> S3DayParts:
    client = state.client("kms")
    signatures = KmsPartSignatures(lambda: client, client.create_key()["KeyMetadata"]["Arn"])
    return S3DayParts(AddedObjects(s3, state.name("Archive")), signatures)


def test_what_a_run_has_read_of_a_day_is_there_for_the_next(parts: DayParts) -> None:
    domain = f"acme-{uuid.uuid4()}"
    first, second, third = (SealedEntry.of(name, entry(domain, name).to_bytes()) for name in ("d1", "d2", "d3"))
    assert parts.begun(domain, DAY) == []
    assert parts.keep(domain, DAY, 0, [first, second])
    assert not parts.keep(domain, DAY, 0, [first])
    assert parts.keep(domain, DAY, 2, [third])
    assert parts.begun(domain, DAY) == [first, second, third]


def test_behind_a_part_that_is_gone_a_day_is_read_anew(parts: DayParts) -> None:
    domain = f"acme-{uuid.uuid4()}"
    first, second, third = (SealedEntry.of(name, entry(domain, name).to_bytes()) for name in ("d1", "d2", "d3"))
    assert parts.keep(domain, DAY, 1, [second])
    assert parts.keep(domain, DAY, 3, [third])
    assert parts.begun(domain, DAY) == []
    assert parts.keep(domain, DAY, 0, [first])
    assert parts.begun(domain, DAY) == [first, second]


def test_nothing_is_sealed_by_a_part_that_who_seals_did_not_write_there(
    state: State, s3: Any, signed: S3DayParts
) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    signed.keep(domain, DAY, 0, [SealedEntry.of("d1", entry(domain).to_bytes())])
    own = f"parts/{domain}/{DAY}/000000000"
    body = s3.get_object(Bucket=bucket, Key=own)["Body"].read()
    for each in (b"{", b"[]", b"{}", body, body.replace(b"d1", b"d2")):
        other = f"acme-{uuid.uuid4()}"
        s3.put_object(Bucket=bucket, Key=f"parts/{other}/{DAY}/000000000", Body=each)
        with pytest.raises(ValueError, match=r"part|JSON|Expecting"):
            signed.begun(other, DAY)


def test_what_somebody_covers_is_read_as_it_was_added_and_told(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    objects = AddedObjects(s3, bucket)
    archive, seals = S3DecisionArchive(objects), S3SealStore(objects, GOVERNANCE)
    names = ("d1", "d2", "d3")
    for name in names:
        archive.put(entry(domain, name))
    for name in names[:2]:
        s3.delete_object(Bucket=bucket, Key=f"decisions/{domain}/{DAY}/{name}")
    # Over a delete marker even a PUT that only adds writes: another version, which does not count.
    s3.put_object(Bucket=bucket, Key=f"decisions/{domain}/{DAY}/d2", Body=b"other", IfNoneMatch="*")
    found = list(archive.contents(domain, DAY))
    assert [each.covered for each in found] == [True, True, False]
    assert [each.content for each in found] == [entry(domain, name).to_bytes() for name in names]
    assert list(archive.names(domain, DAY)) == list(names)
    seals.put(seal := DaySeal.make(domain, DAY, None, []))
    s3.delete_object(Bucket=bucket, Key=f"seals/{domain}/{DAY}")
    assert seals.newest(domain) == seal


def test_keys_that_are_no_days_are_told_apart(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    archive = S3DecisionArchive(AddedObjects(s3, bucket))
    archive.put(entry(domain))
    for stray in ("notes/x", "2026-3-1/x", "file"):
        s3.put_object(Bucket=bucket, Key=f"decisions/{domain}/{stray}", Body=b"")
    assert archive.days(domain) == [DAY]
    assert list(archive.strays(domain)) == ["2026-3-1/", "file", "notes/"]


def test_objects_that_no_release_writes_are_told_and_keep_no_other_from_being_read(
    state: State, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_ENTRY", 500)
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    archive = S3DecisionArchive(AddedObjects(s3, bucket))
    archive.put(entry(domain))
    for key, size in ((f"{DAY}/", 1), (f"{DAY}/large", 501), ("9999-12-31/x", 1)):
        s3.put_object(Bucket=bucket, Key=f"decisions/{domain}/{key}", Body=b"x" * size)
    found = {each.name: each.content for each in archive.contents(domain, DAY)}
    assert found == {"": b"x", "d1": entry(domain).to_bytes(), "large": b""}
    assert archive.days(domain) == [DAY]
    assert list(archive.strays(domain)) == ["9999-12-31/"]
    decisions = DynamoDecisionStore(state.dynamodb, state.name("Decisions"))
    assert decisions.stored(domain, list(found)) == {}


def test_an_object_that_is_put_late_is_locked_for_a_day_at_least(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    late = replace(entry(domain), until=datetime.now(UTC) - timedelta(days=3))
    assert S3DecisionArchive(AddedObjects(s3, bucket)).put(late)
    retention = s3.get_object_retention(Bucket=bucket, Key=f"decisions/{domain}/{DAY}/d1")["Retention"]
    assert retention["RetainUntilDate"] > datetime.now(UTC) + timedelta(hours=23)


def test_roots_are_locked_as_the_stage_says(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    S3SealStore(AddedObjects(s3, bucket), "COMPLIANCE").publish(domain, KnownRoot(DAY, "0" * 64, UNTIL))
    key = f"roots/{domain}/{DAY}"
    assert s3.get_object_retention(Bucket=bucket, Key=key)["Retention"] == {
        "Mode": "COMPLIANCE",
        "RetainUntilDate": UNTIL,
    }


def test_an_entry_is_locked_until_the_domain_keeps_it_no_longer(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    day = datetime.now(UTC).date()
    S3DecisionArchive(AddedObjects(s3, bucket)).put(entry(domain, day=day))
    key = f"decisions/{domain}/{day}/d1"
    assert s3.get_object_retention(Bucket=bucket, Key=key)["Retention"] == {
        "Mode": "GOVERNANCE",
        "RetainUntilDate": UNTIL,
    }
    assert s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] == [{"Key": "days", "Value": "30"}]
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)


type Enroll = Callable[[str, str, datetime], Callable[[], None]]


@pytest.fixture
def fields(state: State) -> tuple[SpeakerFields, Enroll]:
    client = state.dynamodb
    keys = DomainKeys(client, state.name("TemplateKeys"), Secrets(state.client("kms")))
    speakers = state.name("Tenants")
    made = SpeakerFields(client, TemplateProtection(keys, writes=True), speakers)

    def enroll(domain: str, speaker: str, at: datetime = DECIDED_AT) -> Callable[[], None]:
        key = keys.current(domain).new_data_key("voiceprint", domain, speaker)
        item = speaker_key_item(domain, speaker)
        client.put_item(TableName=keys.table, Item={**item, **key_attributes(key)})
        record = SpeakerRecord(domain, speaker, SpeakerStatus.ENROLLED, created_at=at, updated_at=at)
        client.put_item(TableName=speakers, Item=speaker_item(record))

        def erase() -> None:
            client.delete_item(TableName=keys.table, Key=item)
            client.delete_item(TableName=speakers, Key=speaker_key(domain, speaker))

        return erase

    return made, enroll


def decided(domain: str, speaker: str | None) -> StoredDecision:
    record = decision_record(domain=domain, speaker=speaker, decision_id="d1")
    return StoredDecision(record.to_document(), UNTIL)


def test_personal_attributes_open_for_their_decision_only_and_never_after_the_erasure(fields: Any) -> None:
    personal, enroll = fields
    domain = new_name()
    erase = enroll(domain, "ann")
    enroll(domain, "bob")
    sealed = personal.seal(decided(domain, "ann"), b"content")
    assert b"content" not in sealed.encode()
    assert personal.open(domain, "ann", "d1", sealed) == b"content"
    assert personal.open(domain, "ann", "d2", sealed) is None
    assert personal.open(domain, "bob", "d1", sealed) is None
    erase()
    assert personal.open(domain, "ann", "d1", sealed) is None
    enroll(domain, "ann")
    assert personal.open(domain, "ann", "d1", sealed) is None


def test_the_key_of_a_successor_encrypts_nothing_of_who_had_the_name_before(fields: Any) -> None:
    personal, enroll = fields
    domain = new_name()
    erase = enroll(domain, "ann")
    decision = decided(domain, "ann")
    erase()
    assert personal.seal(decision, b"content") is None
    enroll(domain, "ann", DECIDED_AT + timedelta(seconds=1))
    assert personal.seal(decision, b"content") is None


def test_without_a_key_of_the_speaker_personal_attributes_are_left_out(fields: Any) -> None:
    personal, _ = fields
    assert personal.seal(decided(new_name(), "nobody"), b"content") is None
    assert personal.seal(decided(new_name(), None), b"content") is None
