"""Restores of tables, with the stores of the product, on the emulator with backups like those of AWS."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.attempts import DynamoAttemptStore
from bonafide.adapters.dynamodb.brakes import DynamoBrakeStore
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.fingerprints import DynamoFingerprintStore
from bonafide.adapters.dynamodb.items import reservation_item, speaker_item, speaker_key, version_item
from bonafide.adapters.erasure.progress import DynamoErasureStore
from bonafide.adapters.memory.erasure import MemoryErasureStore
from bonafide.adapters.s3 import S3AudioStore
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import NotFound
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord, ErasedDecisions, Retention
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.settings.versions import DomainVersion
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.domains import Domains
from bonafide.services.shared.recordings import Recordings
from bonafide.services.speakers import Speakers
from ops.recovery import writeback
from ops.recovery.erasures import Erasures
from ops.recovery.tables import NotRestorableError, copy_name
from ops.recovery.writeback import Outcome
from ops.restore import RestoreReport, RestoreRequest, forget_answers, point_in_time, restore
from tests.decisions import decision_record
from tests.ops.recovery.conftest import DeployedData

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = ("ann", "bob", "cyd", "dan")


def a_voiceprint(seed: int) -> Voiceprint:
    vector = np.random.default_rng(seed).standard_normal(192).astype(np.float32)
    evidence = Evidence(8.0, Channel.WIDEBAND, {Channel.WIDEBAND: vector}, Quality(-20.0, 0.0, None), "space-1")
    return Voiceprint.empty("space-1").add(evidence)


@dataclass(frozen=True, slots=True)
class Stage:
    """What callers wrote into the deployed tables, and how they erase it."""

    deployed: DeployedData
    at: datetime

    @property
    def client(self) -> Any:
        return self.deployed.client("dynamodb")

    @property
    def domains(self) -> DynamoDomainStore:
        return DynamoDomainStore(self.client, self.deployed.names["Tenants"])

    @property
    def attempts(self) -> DynamoAttemptStore:
        return DynamoAttemptStore(self.client, self.deployed.names["Tenants"])

    @property
    def decisions(self) -> DynamoDecisionStore:
        return DynamoDecisionStore(self.client, self.deployed.names["Decisions"])

    @property
    def fingerprints(self) -> DynamoFingerprintStore:
        return DynamoFingerprintStore(self.client, self.deployed.names["Fingerprints"])

    @property
    def audio(self) -> S3AudioStore:
        return S3AudioStore(self.deployed.client("s3"), self.deployed.names["Audio"])

    @property
    def recordings(self) -> Recordings:
        return Recordings(self.audio)

    @property
    def speakers(self) -> Speakers:
        return Speakers(self.domains, self.attempts, self.recordings, self.fingerprints, MemoryErasureStore())

    def speaker(self, name: str, domain: str = "acme") -> SpeakerRecord | None:
        return self.domains.find(domain, name)[1]

    def item(self, name: str) -> Any:
        """Returns a speaker in the stored form, whose voiceprint can be compared."""
        found = self.speaker(name)
        return speaker_item(found) if found else None

    def wipe(self, kind: str, *keys: str) -> None:
        table = self.deployed.names[kind]
        for item in self.client.scan(TableName=table)["Items"]:
            self.client.delete_item(TableName=table, Key={name: item[name] for name in keys})

    def restore(self, **options: Any) -> dict[str, Counter[Outcome]]:
        return dict(self.report(**options).outcomes)

    def report(self, **options: Any) -> RestoreReport:
        request = RestoreRequest("dev", self.at, **{"apply": True, **options})
        return restore(request, self.deployed.connect, poll=0.01)


def enroll(store: DynamoDomainStore, domain: str, name: str) -> SpeakerRecord:
    record = SpeakerRecord(
        domain, name, SpeakerStatus.ENROLLED, CREATED, CREATED, voiceprint=a_voiceprint(len(name)), version=1
    )
    put(store, record)
    return record


def put(store: DynamoDomainStore, record: SpeakerRecord) -> None:
    domain = store.domain(record.domain)
    assert domain is not None
    store.put_speaker(domain, record)


@pytest.fixture(autouse=True)
def segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans a few items in fewer parts than millions, which is quicker."""
    monkeypatch.setattr(writeback, "SEGMENTS", 2)


@pytest.fixture
def stage(deployed: DeployedData) -> Stage:
    """Two domains, four people in one of them, and a decision, remembered by the backups."""
    stage = Stage(deployed, CREATED)
    stage.wipe("Tenants", "domain", "item")
    stage.wipe("Decisions", "domain", "decision_id")
    stage.audio.discard("erasures/")
    for name in ("acme", "other"):
        stage.domains.put_domain(
            DomainRecord(name, Policy(), Retention(30, keep_audio=False), CREATED, CREATED, version=1)
        )
    for name in PEOPLE:
        enroll(stage.domains, "acme", name)
    stage.decisions.append(decision_record(), datetime.now(UTC) + timedelta(days=1))
    return replace(stage, at=deployed.backups.remember())


def test_what_was_wiped_comes_back_as_it_was(stage: Stage) -> None:
    before = {name: stage.item(name) for name in PEOPLE}
    stage.wipe("Tenants", "domain", "item")
    stage.wipe("Decisions", "domain", "decision_id")
    outcomes = stage.restore()
    assert {name: stage.item(name) for name in PEOPLE} == before
    assert stage.domains.domain("acme") is not None
    assert stage.decisions.read("acme", "decision-1") == decision_record()
    assert outcomes == {"Tenants": {Outcome.PUT_BACK: 6}, "Decisions": {Outcome.PUT_BACK: 1}}


def test_nothing_is_written_unless_asked_for_and_the_copies_are_used_again(stage: Stage) -> None:
    stage.wipe("Tenants", "domain", "item")
    assert stage.restore(apply=False)["Tenants"] == {Outcome.PUT_BACK: 6}
    assert stage.speaker("ann") is None
    copy = copy_name(stage.deployed.names["Tenants"], stage.at)
    assert copy in stage.client.list_tables()["TableNames"]
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 6}
    # A copy holds what was erased since, so none remains.
    assert not [name for name in stage.client.list_tables()["TableNames"] if "-at-" in name]


def test_who_was_erased_since_does_not_come_back(stage: Stage) -> None:
    stage.speakers.delete("acme", "ann")
    stage.speakers.opt_out("acme", "bob")
    stage.wipe("Tenants", "domain", "item")
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 5, Outcome.NOT_WANTED: 1}
    bob = stage.speaker("bob")
    assert stage.speaker("ann") is None
    assert bob is not None
    assert (bob.status, bob.voiceprint) == (SpeakerStatus.OPTED_OUT, None)


def test_erasures_long_before_the_point_in_time_are_not_read(stage: Stage) -> None:
    stage.speakers.delete("acme", "ann")
    client, bucket = stage.deployed.client("s3"), stage.deployed.names["Audio"]
    assert len(Erasures.read(client, bucket, None, stage.at)) == 1
    assert len(Erasures.read(client, bucket, None, stage.at + timedelta(hours=2))) == 0


def test_a_domain_that_was_deleted_since_does_not_come_back_until_its_erasure_is_taken_off_the_record(
    stage: Stage,
) -> None:
    parts = stage.domains, stage.attempts, stage.recordings, stage.fingerprints, MemoryErasureStore()
    Domains(*parts).delete("acme", force=True)
    assert stage.restore()["Tenants"] == {Outcome.NOT_WANTED: 5, Outcome.SAME: 1}
    assert stage.domains.domain("acme") is None
    stage.deployed.client("s3").delete_object(Bucket=stage.deployed.names["Audio"], Key="erasures/acme/domain-deleted")
    assert stage.restore()["Tenants"][Outcome.PUT_BACK] == 5
    assert stage.speaker("cyd") is not None


def test_who_enrolled_again_after_an_erasure_stays_enrolled(stage: Stage) -> None:
    stage.speakers.delete("acme", "ann")
    again = enroll_again(stage, "ann")
    assert stage.restore(overwrite=True)["Tenants"][Outcome.NOT_WANTED] == 1
    assert stage.item("ann") == speaker_item(again)


def enroll_again(stage: Stage, name: str) -> SpeakerRecord:
    now = datetime.now(UTC)
    record = SpeakerRecord("acme", name, SpeakerStatus.ENROLLED, now, now, voiceprint=a_voiceprint(9), version=1)
    put(stage.domains, record)
    return record


def spoil(stage: Stage, name: str) -> SpeakerRecord:
    """What a bad release does: the voiceprint of somebody else."""
    found = stage.speaker(name)
    assert found is not None
    spoilt = found.next(datetime.now(UTC), voiceprint=a_voiceprint(99))
    put(stage.domains, spoilt)
    return spoilt


def test_what_changed_since_is_kept_unless_it_is_to_be_overwritten(stage: Stage) -> None:
    before, spoilt = stage.speaker("ann"), spoil(stage, "ann")
    assert before is not None
    assert stage.restore(apply=True)["Tenants"][Outcome.KEPT] == 1
    assert stage.item("ann") == speaker_item(spoilt)
    assert stage.restore(overwrite=True)["Tenants"][Outcome.OVERWRITTEN] == 1
    # The next version, so that whoever read the spoilt record cannot write it back.
    restored = stage.speaker("ann")
    assert restored is not None
    assert speaker_item(replace(restored, version=1)) == speaker_item(before)
    assert restored.version == 3
    with pytest.raises(VersionConflict):
        put(stage.domains, spoilt.next(datetime.now(UTC)))
    assert stage.restore(overwrite=True)["Tenants"] == {Outcome.SAME: 6}


def test_voiceprints_that_come_back_plain_are_counted(stage: Stage) -> None:
    stage.wipe("Tenants", "domain", "item")
    report = stage.report()
    assert report.plain == {"acme": len(PEOPLE)}
    assert "acme: 4 voiceprints in the plain form; run make protect DOMAIN=acme" in str(report)


def test_who_enrolled_since_is_not_touched(stage: Stage) -> None:
    since = enroll(stage.domains, "acme", "eve")
    stage.restore(overwrite=True)
    assert stage.item("eve") == speaker_item(since)


def test_one_domain_can_be_restored_alone(stage: Stage) -> None:
    stage.wipe("Tenants", "domain", "item")
    assert stage.restore(domain="acme")["Tenants"] == {Outcome.PUT_BACK: 5}
    assert stage.domains.domain("other") is None


def test_expired_decisions_do_not_come_back(stage: Stage) -> None:
    stage.decisions.append(decision_record(decision_id="old"), datetime.now(UTC) + timedelta(seconds=-1))
    stage = replace(stage, at=stage.deployed.backups.remember())
    stage.wipe("Decisions", "domain", "decision_id")
    assert stage.restore()["Decisions"] == {Outcome.PUT_BACK: 1, Outcome.NOT_WANTED: 1}


def test_answers_given_since_are_forgotten_and_earlier_ones_are_not(stage: Stage) -> None:
    table, day = stage.deployed.names["Idempotency"], 86400
    for name, given in (("before", -1), ("in the same second", 0), ("after", 60)):
        expires = str(int(stage.at.timestamp()) + day + given)
        stage.client.put_item(TableName=table, Item={"id": {"S": name}, "expiration": {"N": expires}})
    assert forget_answers(stage.client, table, stage.at, apply=False) == 2
    assert forget_answers(stage.client, table, stage.at, apply=True) == 2
    assert [each["id"]["S"] for each in stage.client.scan(TableName=table)["Items"]] == ["before"]


@pytest.mark.parametrize("change", [timedelta(days=-36), timedelta(minutes=1)])
def test_a_time_that_no_backup_has_is_refused_before_anything_is_made(stage: Stage, change: timedelta) -> None:
    with pytest.raises(NotRestorableError, match="can be restored to"):
        replace(stage, at=stage.at + change).restore()
    assert not [name for name in stage.client.list_tables()["TableNames"] if "-at-" in name]


def test_a_table_that_somebody_else_changes_meanwhile_is_not_overwritten(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.wipe("Tenants", "domain", "item")
    enroll_between = enroll_before_the_write(stage, monkeypatch)
    outcomes = stage.restore()
    assert outcomes["Tenants"] == {Outcome.PUT_BACK: 5, Outcome.LOST_RACE: 1}
    assert stage.domains.domain("acme") == enroll_between()


def enroll_before_the_write(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[], DomainRecord]:
    """Lets somebody create the domain between the restore's reading and its writing."""
    created = DomainRecord("acme", Policy(), Retention(7, keep_audio=False), CREATED, CREATED, version=1)
    put = writeback.put

    def late(copy: Any, wanted: Any, current: Any) -> Any:
        if (wanted["domain"]["S"], wanted.get("item", {}).get("S")) == ("acme", "domain"):
            stage.domains.put_domain(created)
        return put(copy, wanted, current)

    monkeypatch.setattr(writeback, "put", late)
    return lambda: created


def test_a_use_of_a_voiceprint_that_was_noted_since_stays_noted(stage: Stage) -> None:
    stage.attempts.use("acme", "ann", CREATED)
    stage = replace(stage, at=stage.deployed.backups.remember())
    stage.attempts.use("acme", "ann", CREATED + timedelta(days=9))
    assert stage.restore(overwrite=True)["Tenants"] == {Outcome.SAME: 6, Outcome.KEPT: 1}
    assert used_at(stage, "ann") == CREATED + timedelta(days=9)
    stage.wipe("Tenants", "domain", "item")
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 7}
    assert used_at(stage, "ann") == CREATED


def used_at(stage: Stage, name: str) -> datetime | None:
    found = stage.domains.find_with_brake("acme", name, ["any"])[1]
    return found.used_at if found else None


@pytest.mark.parametrize("text", ["2026-11-27T03:10:00", "2026-11-27T03:10:00.5Z"])
def test_a_time_without_offset_or_with_fractions_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="whole second"):
        point_in_time(text)


def test_a_time_is_read_with_its_offset() -> None:
    assert point_in_time("2026-11-27T04:10:00+01:00") == datetime(2026, 11, 27, 3, 10, tzinfo=UTC)


def test_who_is_erased_during_the_restore_is_erased_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ann", "bob"):
        stage.client.delete_item(TableName=stage.deployed.names["Tenants"], Key=speaker_key("acme", name))
    put = writeback.put

    def late(copy: Any, wanted: Any, current: Any) -> Any:
        """Answers their requests between the restore's reading of erasures and its writing."""
        name = wanted["item"]["S"].removeprefix("speaker#")
        with suppress(NotFound):
            (stage.speakers.delete if name == "ann" else stage.speakers.opt_out)("acme", name)
        return put(copy, wanted, current)

    monkeypatch.setattr(writeback, "put", late)
    # The record of an opt-out takes the place of who is missing.
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 1, Outcome.LOST_RACE: 1, Outcome.SAME: 4}
    assert stage.speaker("ann") is None
    bob = stage.speaker("bob")
    assert bob is not None
    assert (bob.status, bob.voiceprint) == (SpeakerStatus.OPTED_OUT, None)


def test_a_domain_that_a_restore_put_back_before_it_was_cut_off_is_erased_by_the_next(stage: Stage) -> None:
    table = stage.deployed.names["Tenants"]
    items = stage.client.scan(TableName=table)["Items"]
    parts = stage.domains, stage.attempts, stage.recordings, stage.fingerprints, MemoryErasureStore()
    Domains(*parts).delete("acme", force=True)
    for item in items:
        stage.client.put_item(TableName=table, Item=item)
    stage.restore()
    left = {each["domain"]["S"] for each in stage.client.scan(TableName=table)["Items"]}
    # Of the domain only that its erasure was begun again.
    assert left == {"other", "erasure#acme", "erased#acme", "erasing#"}


def test_a_brake_that_was_set_since_stays_set(stage: Stage) -> None:
    brakes = DynamoBrakeStore(stage.client, stage.deployed.names["Tenants"])
    released = brakes.brake(None).next(CREATED, on=False, reason="never needed", changed_by=None)
    brakes.put_brake(released)
    stage = replace(stage, at=stage.deployed.backups.remember())
    brakes.put_brake(released.next(datetime.now(UTC), on=True, reason="incident", changed_by=None))
    assert stage.restore(overwrite=True)["Tenants"] == {Outcome.SAME: 7, Outcome.KEPT: 1}
    assert brakes.brake(None).on
    stage.wipe("Tenants", "domain", "item")
    stage.restore(overwrite=True)
    assert brakes.brake(None) == released


def reserve(stage: Stage, name: str) -> Any:
    """Somebody's first enrollment, up to the moment when the speaker is about to be written."""
    record = SpeakerRecord("acme", name, SpeakerStatus.ENROLLED, CREATED, CREATED, version=1)
    item = reservation_item(record, "token", datetime.now(UTC))
    stage.client.put_item(TableName=stage.deployed.names["Tenants"], Item=item)
    return item


def test_a_reservation_of_that_time_does_not_come_back(stage: Stage) -> None:
    reserved = reserve(stage, "eve")
    stage = replace(stage, at=stage.deployed.backups.remember())
    stage.wipe("Tenants", "domain", "item")
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 6, Outcome.NOT_WANTED: 1}
    opted_out = Erasures([ErasureRecord(ErasureKind.OPTED_OUT, "acme", "eve", datetime.now(UTC))])
    assert opted_out.restorable(reserved) is None
    assert opted_out.remaining(reserved) == reserved


def test_a_speaker_is_put_back_in_the_place_of_a_reservation(stage: Stage) -> None:
    before = stage.item("ann")
    reserve(stage, "ann")
    assert stage.restore()["Tenants"] == {Outcome.PUT_BACK: 1, Outcome.SAME: 5}
    assert stage.item("ann") == before


def test_who_enrolled_anew_after_an_expiry_was_put_on_record_may_come_back() -> None:
    later = CREATED + timedelta(seconds=1)
    record = SpeakerRecord("acme", "ann", SpeakerStatus.ENROLLED, CREATED, later, voiceprint=a_voiceprint(1), version=2)
    for at, left in ((CREATED, speaker_item(record)), (later, None)):
        assert Erasures([ErasureRecord(ErasureKind.EXPIRED, "acme", "ann", at)]).remaining(speaker_item(record)) == left


def test_an_opt_out_does_not_mean_who_was_made_anew_after_it() -> None:
    later = CREATED + timedelta(seconds=1)
    record = SpeakerRecord("acme", "ann", SpeakerStatus.ENROLLED, later, later, voiceprint=a_voiceprint(1), version=1)
    opted_out = Erasures([ErasureRecord(ErasureKind.OPTED_OUT, "acme", "ann", CREATED)])
    assert opted_out.remaining(speaker_item(record)) == speaker_item(record)


@pytest.mark.parametrize("wanted", ErasedDecisions)
def test_decisions_on_who_was_erased_since_come_back_as_the_domain_says_and_those_on_others_whole(
    stage: Stage, wanted: ErasedDecisions
) -> None:
    owner = stage.domains.domain("acme")
    assert owner
    stage.domains.put_domain(owner.next(retention=replace(owner.retention, erased_decisions=wanted)))
    for name in ("ann", "bob"):
        made = decision_record(decision_id=f"on-{name}", speaker=name, decided_at=datetime.now(UTC), generation=None)
        stage.decisions.append(made, datetime.now(UTC) + timedelta(days=1))
    stage = replace(stage, at=stage.deployed.backups.remember())
    stage.speakers.delete("acme", "ann")
    stage.wipe("Decisions", "domain", "decision_id")
    stage.restore()
    found = {name: stage.decisions.read("acme", f"on-{name}") for name in ("ann", "bob")}
    assert found["bob"]
    assert found["bob"].speaker == "bob"
    if wanted is ErasedDecisions.ERASE:
        assert found["ann"] is None
    else:
        assert found["ann"]
        assert found["ann"].speaker == ("ann" if wanted is ErasedDecisions.KEEP else None)
    # Every store is looked through again: for what was erased while the restore was writing.
    erasures = DynamoErasureStore(stage.client, stage.deployed.names["Tenants"])
    (again,) = erasures.of_domain("acme", 9)
    assert (again.speaker, again.completed_at, again.decisions) == ("ann", None, wanted)
    assert again.due_at > datetime.now(UTC)


def test_decisions_and_rows_of_a_domain_that_was_deleted_since_do_not_come_back(stage: Stage) -> None:
    owner = stage.domains.domain("acme")
    assert owner
    stage.client.put_item(
        TableName=stage.deployed.names["Tenants"], Item=version_item(DomainVersion.of(owner, None, "somebody"))
    )
    stage = replace(stage, at=stage.deployed.backups.remember())
    parts = stage.domains, stage.attempts, stage.recordings, stage.fingerprints, MemoryErasureStore()
    Domains(*parts).delete("acme", force=True)
    stage.wipe("Decisions", "domain", "decision_id")
    outcomes = stage.restore()
    assert outcomes["Decisions"] == {Outcome.NOT_WANTED: 1}
    assert outcomes["Tenants"] == {Outcome.NOT_WANTED: 6, Outcome.SAME: 1}


def test_a_decision_on_a_successor_of_who_was_erased_comes_back_whole() -> None:
    later = CREATED + timedelta(seconds=1)
    generation = f"{CREATED.isoformat()}/{later.isoformat()}/None"
    item = {"document": {"S": json.dumps(decision_record(speaker="ann", generation=generation).to_document())}}
    for kind in (ErasureKind.SPEAKER_DELETED, ErasureKind.EXPIRED, ErasureKind.OPTED_OUT):
        assert Erasures([ErasureRecord(kind, "acme", "ann", CREATED)]).of_decision(item) is item
        assert Erasures([ErasureRecord(kind, "acme", "ann", later)]).of_decision(item) is not item
    again = f"{CREATED.isoformat()}/{CREATED.isoformat()}/{later.isoformat()}"
    item = {"document": {"S": json.dumps(decision_record(speaker="ann", generation=again).to_document())}}
    assert Erasures([ErasureRecord(ErasureKind.OPTED_OUT, "acme", "ann", later)]).of_decision(item) is item
