"""The archive in the emulator and in memory: only added to, locked, and unreadable once a speaker is erased."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.ledger.archive import S3DecisionArchive, S3SealStore
from bonafide.adapters.ledger.memory import InMemoryArchive, InMemorySeals
from bonafide.adapters.ledger.personal import SpeakerFields
from bonafide.adapters.protection.cipher import new_name
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.items import key_attributes, speaker_key_item
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.ports.ledger import DecisionArchive, SealStore
from bonafide.records.ledger.entry import ArchivedDecision
from bonafide.records.ledger.seal import DaySeal, SealedEntry
from tests.adapters.conftest import State
from tests.adapters.test_protection import Secrets

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
    bucket = state.name("Archive")
    return S3DecisionArchive(client, bucket), S3SealStore(client, bucket)


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
    assert archive.contents(domain, DAY)["d1"] == first.to_bytes()
    assert [archive.has(domain, DAY, name) for name in ("d1", "d", "d2")] == [True, False, False]
    assert archive.contents("nobody", DAY) == {}


def test_a_seal_is_added_once_and_read_as_it_was_added(stores: Stores) -> None:
    _, seals = stores
    domain = f"acme-{uuid.uuid4()}"
    assert seals.newest(domain) is None
    first = DaySeal.make(domain, DAY, None, [SealedEntry.of("d1", entry(domain).to_bytes())])
    second = DaySeal.make(domain, DAY + timedelta(days=1), first, [])
    assert [seals.put(each) for each in (first, replace(first, root="0"), second)] == [True, False, True]
    assert seals.newest(domain) == second
    assert list(seals.seals(domain)) == [first, second]
    assert list(seals.seals(domain, DAY)) == [second]


def test_an_entry_is_locked_until_the_domain_keeps_it_no_longer(state: State, s3: Any) -> None:
    bucket, domain = state.name("Archive"), f"acme-{uuid.uuid4()}"
    day = datetime.now(UTC).date()
    S3DecisionArchive(s3, bucket).put(entry(domain, day=day))
    key = f"decisions/{domain}/{day}/d1"
    assert s3.get_object_retention(Bucket=bucket, Key=key)["Retention"] == {
        "Mode": "GOVERNANCE",
        "RetainUntilDate": UNTIL,
    }
    assert s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] == [{"Key": "days", "Value": "30"}]
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)


@pytest.fixture
def fields(state: State) -> tuple[SpeakerFields, Callable[[str, str], Any]]:
    client = state.dynamodb
    keys = DomainKeys(client, state.name("TemplateKeys"), Secrets(state.client("kms")))
    made = SpeakerFields(client, TemplateProtection(keys, writes=True))

    def enroll(domain: str, speaker: str) -> Any:
        key = keys.current(domain).new_data_key("voiceprint", domain, speaker)
        item = speaker_key_item(domain, speaker)
        client.put_item(TableName=keys.table, Item={**item, **key_attributes(key)})
        return lambda: client.delete_item(TableName=keys.table, Key=item)

    return made, enroll


def test_personal_attributes_open_for_their_decision_only_and_never_after_the_erasure(fields: Any) -> None:
    personal, enroll = fields
    domain = new_name()
    erase = enroll(domain, "ann")
    enroll(domain, "bob")
    sealed = personal.seal(domain, "ann", "d1", b"content")
    assert b"content" not in sealed.encode()
    assert personal.open(domain, "ann", "d1", sealed) == b"content"
    assert personal.open(domain, "ann", "d2", sealed) is None
    assert personal.open(domain, "bob", "d1", sealed) is None
    erase()
    assert personal.open(domain, "ann", "d1", sealed) is None
    enroll(domain, "ann")
    assert personal.open(domain, "ann", "d1", sealed) is None


def test_without_a_key_of_the_speaker_personal_attributes_are_left_out(fields: Any) -> None:
    personal, _ = fields
    assert personal.seal(new_name(), "nobody", "d1", b"content") is None
    assert personal.seal(new_name(), None, "d1", b"content") is None
