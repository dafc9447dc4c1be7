"""Erasure in every store of the deployed template, composed as the function is."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.attempts import DynamoAttemptStore
from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.fingerprints import DynamoFingerprintStore
from bonafide.adapters.dynamodb.items import speaker_item, speaker_key
from bonafide.adapters.dynamodb.monitoring.drift import DynamoDriftStore
from bonafide.adapters.dynamodb.monitoring.shadow import result_key
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.erasure.progress import DynamoErasureStore
from bonafide.adapters.memory.erasure import MemoryErasureStore
from bonafide.adapters.protection.items import domain_key_item, speaker_key_item
from bonafide.adapters.risk.dynamodb import DynamoCallStore
from bonafide.adapters.s3 import S3AudioStore
from bonafide.audio.fingerprint import BANDS, Fingerprint
from bonafide.biometrics.drift import DriftBaseline
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.presentation.attempts import Failure
from bonafide.biometrics.risk.facts import CallReference
from bonafide.biometrics.risk.velocity import CallMark
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.bootstrap import clients, protection
from bonafide.bootstrap import stores as bootstrap
from bonafide.bootstrap.erasure import erasable_stores
from bonafide.ports.erasure import ErasureStore
from bonafide.ports.fingerprints import HeardRecording, UseKind
from bonafide.ports.risk.calls import CallSubject
from bonafide.ports.stores import VersionConflict
from bonafide.records.calibration import CalibrationAction, CalibrationChange, CalibrationsRecord
from bonafide.records.domain import DomainRecord, ErasedDecisions, Retention, WantedSettings
from bonafide.records.erasure import Erasure, ErasureKind, ErasureRecord
from bonafide.records.history.attempt_reset import AttemptReset
from bonafide.records.outcomes.statement import OutcomeStatement
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord, generation, lifetime, opted_out
from bonafide.services.domains import Domains
from bonafide.services.erasures import ErasureReading, ErasureRuns
from bonafide.services.shared.erasing import begin
from bonafide.services.shared.identifiers import session_decision, speaker_counter
from bonafide.services.shared.recordings import Recordings
from bonafide.services.speakers import Speakers
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from tests.adapters.conftest import State
from tests.adapters.test_sessions import a_row, a_session
from tests.decisions import decision_record

TABLES = ("Tenants", "Decisions", "Idempotency", "Sessions", "Fingerprints", "TemplateKeys", "Calls")
BUCKETS = ("Audio", "Failures")
CACHED = (
    clients.dynamodb,
    bootstrap.domain_store,
    bootstrap.erasure_store,
    bootstrap.attempt_store,
    bootstrap.fingerprint_store,
    protection.template_protection,
    protection.voice_store,
    protection.erasing_store,
    protection.evidence_store,
    protection.judgement_store,
)
LONG = timedelta(hours=1)


@dataclass
class Held:
    """A domain with two speakers of whom every store holds something."""

    state: State
    domain: str
    now: datetime
    sessions: dict[str, SessionRecord] = field(default_factory=dict)

    @property
    def domains(self) -> DynamoDomainStore:
        return protection.voice_store()

    @property
    def session_store(self) -> DynamoSessionStore:
        return protection.evidence_store()

    @property
    def attempts(self) -> DynamoAttemptStore:
        return DynamoAttemptStore(self.dynamodb, self.state.name("Tenants"))

    @property
    def fingerprints(self) -> DynamoFingerprintStore:
        return DynamoFingerprintStore(self.dynamodb, self.state.name("Fingerprints"), self.clock)

    @property
    def erasures(self) -> DynamoErasureStore:
        return DynamoErasureStore(self.dynamodb, self.state.name("Tenants"))

    @property
    def recordings(self) -> Recordings:
        return Recordings(S3AudioStore(self.s3, self.state.name("Audio")))

    @cached_property
    def runs(self) -> ErasureRuns:
        return ErasureRuns(self.erasures, self.domains, erasable_stores(self.clock), self.clock)

    @cached_property
    def dynamodb(self) -> Any:
        return self.state.dynamodb

    @cached_property
    def s3(self) -> Any:
        return self.state.s3

    def clock(self) -> datetime:
        return self.now

    def fill(self, erased_decisions: ErasedDecisions) -> None:
        retention = Retention(30, keep_audio=True, erased_decisions=erased_decisions)
        begun = self.now - LONG
        owner = DomainRecord(self.domain, Policy(), retention, begun, begun, version=1)
        self.domains.put_domain(owner)
        for speaker in ("zoe", "yuri"):
            self._fill(owner, speaker, begun)
        baseline = DriftBaseline("bundle", begun, begun, {})
        DynamoDriftStore(self.dynamodb, self.state.name("Sessions")).put_baseline(self.domain, baseline)
        proposed = CalibrationChange(CalibrationAction.PROPOSED, 1, "why", None, begun)
        self.calibrations.put_calibrations(CalibrationsRecord(self.domain).next(proposed, proposed=1))
        self._objects("Audio", f"uploads/{self.domain}/{'f' * 32}")
        # What a first enrollment left that was killed before there was a speaker.
        self._hear("nobody", UseKind.ENROLLMENT, begun)

    def _hear(self, speaker: str, kind: UseKind, at: datetime, lifetime: str = "") -> None:
        cells = Fingerprint(np.ones((25, BANDS), np.int8))
        expires_at = at + LONG * 99 if kind is UseKind.CALL else None
        audio = hashlib.sha256(speaker.encode()).hexdigest()[:32]
        heard = HeardRecording(self.domain, speaker, kind, str(kind), audio, cells, lifetime, at, expires_at)
        self.fingerprints.put(heard)
        self.fingerprints.claim(heard)

    def _call(self, owner: DomainRecord, record: SpeakerRecord, at: datetime) -> None:
        """A call from a number of the speaker, which somebody has reported."""
        calls = DynamoCallStore(self.dynamodb, self.state.name("Calls"))
        number = hashlib.sha256(record.speaker.encode()).hexdigest()[:32]
        who = CallSubject(self.domain, lifetime(owner), record.speaker, lifetime(owner, record), number)
        mark = CallMark(int(at.timestamp()), number[:16])
        calls.count(who, mark, mark)
        calls.remember(who, [(CallReference.NUMBER, number)], at)
        calls.report(who, number[:16], at, fraud=True)

    def claim(self, *speakers: str) -> SessionRecord:
        """A session in which several speakers were claimed, one after the other."""
        session = replace(
            a_session(self.domain, "session-of-several"), speaker=None, started_at=self.now, expires_at=self.now + LONG
        )
        for version, speaker in enumerate(speakers, 1):
            session = replace(session.claimed(speaker), version=version)
            self.session_store.put_session(session)
        return session

    def _fill(self, owner: DomainRecord, speaker: str, at: datetime) -> None:
        record = SpeakerRecord(self.domain, speaker, SpeakerStatus.ENROLLED, at, at)
        record = record.with_voiceprints(at, [Voiceprint.of([a_row().chunk.evidence])])
        self.domains.put_speaker(owner, record)
        session = replace(
            a_session(self.domain, f"session-{speaker}"),
            speaker=speaker,
            started_at=at,
            expires_at=at + LONG,
            version=1,
        )
        self.session_store.start_session(session)
        started = self.session_store.session(self.domain, session.session)
        assert started
        session = started
        self.session_store.put_evidence(session, a_row())
        self.session_store.note_accepted(session, 0, "a" * 64)
        self.sessions[speaker] = session
        self.attempts.count(self.domain, [speaker_counter(speaker)], Failure.of(at, speaker), at + LONG * 24)
        self._hear(speaker, UseKind.CALL, at)
        self._call(owner, record, at)
        made = decision_record(domain=self.domain, decision_id=str(uuid.uuid4()), speaker=speaker, decided_at=at)
        decisions = DynamoDecisionStore(self.dynamodb, self.state.name("Decisions"))
        decisions.append(made, at + LONG * 99)
        stated = OutcomeStatement("statement-1", OutcomeLabel.GENUINE, None, at, at, "role/analyst", f"of-{speaker}")
        decisions.add_outcome(made, stated, 9)
        result = result_key(self.domain, at, f"#{made.decision_id}")
        self.dynamodb.put_item(TableName=self.state.name("Sessions"), Item=result)
        about = {f"{speaker}#answer-1": generation(owner, record), f"{speaker}#answer-2": generation(owner)}
        for claim, subject in about.items():
            self._answer(claim, subject, at)
        waiting = [str(made.decision_id), f"{session_decision(session)}/0-abc"]
        upload = "ab" * 16 if speaker == "zoe" else "cd" * 16
        used = [f"uploads/{self.domain}/{upload}", f"used/{self.domain}/{speaker}/{upload}"]
        self._objects("Audio", f"kept/{self.domain}/{speaker}/enrollments/1", *used)
        self._objects("Audio", *[f"shadow/{self.domain}/{each}" for each in waiting])
        places = [f"{speaker}/{session.session}", f"~/{session.session}", f"{speaker}/older"]
        self._objects("Failures", *[f"records/{self.domain}/{place}/shard/1.json" for place in places])

    def _answer(self, claim: str, about: str, at: datetime) -> None:
        body = {"status": 200, "body": json.dumps({"claimed_speaker": claim}), "about": about, "lasts": True}
        item: dict[str, Any] = {
            "id": f"{self.domain}{hashlib.sha256(claim.encode()).hexdigest()}",
            "status": "COMPLETED",
            "data": json.dumps(body),
            "domain": self.domain,
            "claim": claim,
        }
        expires = {"expiration": {"N": str(int(at.timestamp()) + 24 * 60 * 60)}}
        item = {name: {"S": value} for name, value in item.items()} | expires
        self.dynamodb.put_item(TableName=self.state.name("Idempotency"), Item=item)

    def _objects(self, bucket: str, *keys: str) -> None:
        for key in keys:
            self.s3.put_object(Bucket=self.state.name(bucket), Key=key, Body=b"audio")

    @property
    def parts(self) -> Any:
        return self.domains, self.attempts, self.recordings, self.fingerprints, self.erasures, self.clock

    def has_key(self, speaker: str) -> bool:
        """Tells whether a speaker has a data key."""
        key = speaker_key_item(self.domain, speaker)
        return "Item" in self.dynamodb.get_item(TableName=self.state.name("TemplateKeys"), Key=key)

    @property
    def calibrations(self) -> DynamoCalibrationStore:
        return DynamoCalibrationStore(self.dynamodb, self.state.name("Tenants"))

    def reset(self, at: datetime) -> None:
        self.attempts.reset(AttemptReset(self.domain, "caller#1", at, "why", None), at + LONG * 24)

    def delete(self, speaker: str | None) -> None:
        if speaker:
            Speakers(*self.parts).delete(self.domain, speaker)
        else:
            Domains(*self.parts).delete(self.domain, force=True)

    def go_on(self) -> Erasure:
        self.runs.go_on(lambda: 60.0)
        (erasure,) = self.erasures.of_domain(self.domain, 10)
        return erasure

    def found(self, name: str) -> list[str]:
        """All that any store has with the domain and a name in it, but the records of erasures themselves."""
        client, s3 = self.dynamodb, self.s3
        texts = [json.dumps(item, default=str) for table in TABLES for item in self._items(client, table)]
        for bucket in BUCKETS:
            listed = s3.list_objects_v2(Bucket=self.state.name(bucket)).get("Contents", [])
            texts += [each["Key"] for each in listed if not each["Key"].startswith("erasures/")]
        reports = ("erasure#", "erased#", "erasing#")
        found = [each for each in texts if not any(own in each for own in reports)]
        return [each for each in found if self.domain in each and name in each]

    def _items(self, client: Any, table: str) -> list[Any]:
        return [
            item
            for page in client.get_paginator("scan").paginate(TableName=self.state.name(table))
            for item in page["Items"]
        ]


@pytest.fixture
def held(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ErasedDecisions], Held]]:
    tables = {
        "DOMAIN": "Tenants",
        "DECISION": "Decisions",
        "IDEMPOTENCY": "Idempotency",
        "SESSION": "Sessions",
        "FINGERPRINT": "Fingerprints",
        "KEY": "TemplateKeys",
        "CALL": "Calls",
    }
    names = {f"BONAFIDE_{name}_TABLE": table for name, table in tables.items()}
    names |= {"BONAFIDE_AUDIO_BUCKET": "Audio", "BONAFIDE_FAILURE_BUCKET": "Failures"}
    account = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": REGION}
    for name, value in {**{name: state.name(each) for name, each in names.items()}, **account}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", state.endpoint)
    key = next(each["KeyArn"] for each in state.client("kms").list_keys()["Keys"])
    for name, value in {"TEMPLATE_KEY": key, "TEMPLATE_FORM": "protected", "STAGE": "dev"}.items():
        monkeypatch.setenv(f"BONAFIDE_{name}", value)
    for each in CACHED:
        each.cache_clear()

    def fill(erased_decisions: ErasedDecisions = ErasedDecisions.UNLINK) -> Held:
        filled = Held(state, f"domain-{uuid.uuid4()}", datetime.now(UTC))
        filled.fill(erased_decisions)
        # The emulator counts times of objects in whole seconds.
        filled.now = datetime.now(UTC) + timedelta(seconds=2)
        return filled

    yield fill
    for each in CACHED:
        each.cache_clear()


@pytest.mark.parametrize("erased_decisions", [ErasedDecisions.KEEP, ErasedDecisions.UNLINK])
def test_after_a_speaker_was_erased_while_a_session_ran_a_scan_of_every_store_finds_nothing(
    held: Callable[[ErasedDecisions], Held], erased_decisions: ErasedDecisions
) -> None:
    filled = held(erased_decisions)
    before = sorted(filled.found("yuri"))
    filled.delete("zoe")
    assert filled.go_on().completed_at is None
    session = filled.sessions["zoe"]
    with pytest.raises(VersionConflict):
        filled.session_store.put_session(replace(session, version=2))
    # What scoring writes that had read the session before it was erased.
    filled.session_store.put_evidence(session, a_row(seed=1))
    filled.now += timedelta(minutes=2)
    assert filled.go_on().completed_at is None
    filled.now += timedelta(minutes=1)
    report = filled.go_on()
    assert report.completed_at
    assert all(each.erased for name, each in report.stores.items() if name in OF_SPEAKER)
    left = filled.found("zoe")
    assert [each for each in left if "decision_id" not in each] == []
    assert bool(left) is (erased_decisions is ErasedDecisions.KEEP)
    assert sorted(filled.found("yuri")) == before
    decisions = [each for each in filled.found("") if '"decision_id": {' in each]
    assert len(decisions) == 2
    # What it turned out to be is told of nobody any more.
    assert all("statement-1" in each for each in decisions)


# The request itself has deleted the record of the speaker and kept audio.
OF_SPEAKER = {"sessions", "uploads", "failed_records", "answers", "calls"}


def test_a_domain_that_is_erased_leaves_nothing_in_any_store(held: Callable[[], Held]) -> None:
    filled = held()
    filled.delete(None)
    # As a request in flight of the release before writes it, without a time.
    claim = {"owner": f"{filled.domain}##a", "item": "b" * 31, "used": "contribution"}
    filled.dynamodb.put_item(
        TableName=filled.state.name("Fingerprints"), Item={name: {"S": value} for name, value in claim.items()}
    )
    # And one that had read the domain before.
    filled.dynamodb.put_item(TableName=filled.state.name("TemplateKeys"), Item=domain_key_item(filled.domain))
    for minutes in (20, 2, 1):
        filled.now += timedelta(minutes=minutes)
        report = filled.go_on()
    assert report.completed_at
    # Keys of emptied answers stay taken; they say nothing.
    left = [json.loads(each) for each in filled.found("")]
    assert [each.keys() for each in left] == [{"id", "expiration", "status", "data"}] * 4
    assert all(json.loads(each["data"]["S"])["about"] == "erased" for each in left)


def test_a_name_that_was_claimed_before_another_one_goes_and_the_session_goes_on(held: Callable[[], Held]) -> None:
    filled = held()
    session = filled.claim("zoe", "yuri", "xena")
    filled.delete("zoe")
    filled.go_on()
    filled.now += timedelta(minutes=2)
    filled.go_on()
    left = filled.session_store.session(filled.domain, session.session)
    assert left
    assert (left.speaker, left.claims) == ("xena", ("", "yuri", "xena"))
    assert not [each for each in filled.found("zoe") if "decision_id" not in each]
    assert filled.session_store.of_speaker(filled.domain, "yuri", 9) == [filled.sessions["yuri"]]


def test_a_domain_that_is_made_again_at_once_inherits_nothing_and_keeps_what_is_its_own(
    held: Callable[[], Held],
) -> None:
    filled = held()
    filled.delete(None)
    filled.now += timedelta(seconds=5)
    Domains(*filled.parts).put(filled.domain, WantedSettings(), None)
    later = filled.now + timedelta(seconds=1)
    filled._hear("wim", UseKind.CALL, later)
    filled.reset(later)
    for minutes in (20, 2, 1):
        filled.now += timedelta(minutes=minutes)
        report = filled.go_on()
    assert report.completed_at
    own = [json.loads(each) for each in filled.found("") if "about" not in each]
    kinds = {each.get("owner", each.get("domain"))["S"].replace(filled.domain, "*") for each in own}
    # The domain, its history, its reset of a counter; a recording with its claim.
    assert kinds == {"*", "history#*", "attempts#*", "*#wim", "*##" + hashlib.sha256(b"wim").hexdigest()[0]}
    assert len(own) == 6
    assert not ErasureReading(filled.erasures, filled.domains).list(filled.domain)


def test_a_key_that_lost_its_voiceprint_goes_and_that_of_a_successor_stays(held: Callable[[], Held]) -> None:
    filled = held()
    table = filled.state.name("Tenants")
    for kind, name in ((ErasureKind.SPEAKER_DELETED, "zoe"), (ErasureKind.OPTED_OUT, "yuri")):
        owner, known = filled.domains.find(filled.domain, name)
        assert owner
        assert known
        begin(filled.erasures, ErasureRecord(kind, filled.domain, name, filled.now), owner, known)
        # As a restore, or a release that knows no keys, does it.
        if kind is ErasureKind.OPTED_OUT:
            filled.dynamodb.put_item(TableName=table, Item=speaker_item(opted_out(known, filled.now)))
        else:
            filled.dynamodb.delete_item(TableName=table, Key=speaker_key(filled.domain, name))
        assert filled.has_key(name)
    filled.runs.go_on(lambda: 60.0)
    assert not filled.has_key("zoe")
    assert not filled.has_key("yuri")
    owner = filled.domains.domain(filled.domain)
    assert owner
    later = filled.now + timedelta(seconds=1)
    record = SpeakerRecord(filled.domain, "zoe", SpeakerStatus.ENROLLED, later, later)
    filled.domains.put_speaker(owner, record.with_voiceprints(later, [Voiceprint.of([a_row().chunk.evidence])]))
    for minutes in (2, 1):
        filled.now += timedelta(minutes=minutes)
        filled.runs.go_on(lambda: 60.0)
    assert all(each.completed_at for each in filled.erasures.of_domain(filled.domain, 9))
    again = filled.domains.find(filled.domain, "zoe")[1]
    assert again
    assert again.voiceprints


def test_calls_of_a_successor_who_took_a_contribution_back_stay(held: Callable[[], Held]) -> None:
    filled = held()
    filled.delete("zoe")
    later = filled.now + timedelta(seconds=1)
    owner, _ = filled.domains.find(filled.domain, "zoe")
    assert owner
    record = SpeakerRecord(filled.domain, "zoe", SpeakerStatus.PENDING, later, later, taken_back_at=later, version=1)
    filled.domains.put_speaker(owner, record)
    filled._hear("zoe", UseKind.CALL, later, lifetime(owner, record))
    filled.now += timedelta(minutes=2)
    filled.go_on()
    assert len(filled.fingerprints.heard(filled.domain, "zoe", 9)) == 1


def test_an_opt_out_that_was_killed_loses_the_fingerprints_too(held: Callable[[], Held]) -> None:
    filled = held()
    owner, known = filled.domains.find(filled.domain, "zoe")
    assert owner
    for name in ("zoe", "zoe2"):
        filled.attempts.use(filled.domain, name, filled.now)
    begin(filled.erasures, ErasureRecord(ErasureKind.OPTED_OUT, filled.domain, "zoe", filled.now), owner, known)
    filled.now += timedelta(seconds=1)
    filled._hear("zoe", UseKind.ENROLLMENT, filled.now)
    report = filled.go_on()
    assert report.of("fingerprints").erased == 2
    assert report.of("attempts").erased == 1
    assert filled.fingerprints.heard(filled.domain, "zoe", 9) == []
    assert len(filled.fingerprints.heard(filled.domain, "yuri", 9)) == 1


@pytest.mark.parametrize("kind", ["memory", "aws"])
def test_an_erasure_is_kept_version_by_version_and_pending_until_it_is_complete(state: State, kind: str) -> None:
    store: ErasureStore = MemoryErasureStore()
    if kind == "aws":
        store = DynamoErasureStore(state.dynamodb, state.name("Tenants"))
    domain, now = f"domain-{uuid.uuid4()}", datetime.now(UTC)
    first = Erasure("one", ErasureKind.SPEAKER_DELETED, domain, "zoe", now, ErasedDecisions.KEEP, now, version=1)
    store.put(first)
    with pytest.raises(VersionConflict):
        store.put(first)
    second = first.stepped("sessions", 3, "there")
    store.put(second)
    assert store.read(domain, "one") == second
    assert list(store.of_domain(domain, 10)) == [second]
    other = replace(first, name="two", at=now - timedelta(minutes=1))
    store.put(other)
    pending = [each for each in store.pending() if each.domain == domain]
    assert pending == [(other.due_at, domain, "two"), (first.due_at, domain, "one")]
    assert [each.name for each in store.of_domain(domain, 10)] == ["one", "two"]
    store.put(replace(second, completed_at=now, version=3))
    assert [each.name for each in store.pending() if each.domain == domain] == ["two"]
    assert [each.name for each in store.of_domain(domain, 1)] == ["one"]
    assert store.read(domain, "three") is None
