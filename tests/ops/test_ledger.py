"""The commands name what was done to an archive, sealed or not, and replay what it holds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.ledger.memory import InMemoryArchive, InMemoryParts, InMemorySeals
from bonafide.adapters.memory.calibrations import MemoryCalibrationStore
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from bonafide.errors import NotFound
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, ErasedDecisions, Retention
from bonafide.records.ledger.entry import ArchivedDecision
from bonafide.records.outcomes.statement import OutcomeStatement
from bonafide.services.archive.sealing import Sealing
from ops.ledger.comparing import PolicyQuestion
from ops.ledger.replaying import Replay
from ops.ledger.stage import LedgerOfStage
from ops.ledger.verifying import LedgerCheck
from tests.decisions import decision_record
from tests.services.parts import Chords

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = "2026-03-01"
CALIBRATION = Calibration.parse(Chords().calibrations[0])


class Stage:
    """A domain with three archived decisions."""

    def __init__(self) -> None:
        self.now = NOON
        self.archive, self.seals, self.domains = InMemoryArchive(), InMemorySeals(), MemoryDomainStore()
        self.parts = InMemoryParts()
        self.decisions = MemoryDecisionStore(lambda: self.now)
        self.keep(ErasedDecisions.UNLINK)
        for number in range(3):
            self.decide(f"d{number}")
        self.now += timedelta(minutes=5)

    @property
    def ledger(self) -> LedgerOfStage:
        return LedgerOfStage(self.archive, self.seals, MemoryCalibrationStore(), self.decisions, self.domains)

    def keep(self, erased: ErasedDecisions) -> None:
        retention = Retention(365, keep_audio=False, erased_decisions=erased)
        version = (known.version + 1) if (known := self.domains.domain("acme")) else 1
        self.domains.put_domain(DomainRecord("acme", Policy(), retention, NOON, NOON, version=version))

    def decide(self, name: str, **changes: Any) -> DecisionRecord:
        case = decision_record().case
        assert case.comparison
        case = replace(case, comparison=replace(case.comparison, embedding_space=CALIBRATION.embedding_space))
        made = {"case": case, "judgement": judge(case, Policy(), CALIBRATION), "calibration": CALIBRATION.digest}
        record = decision_record(decision_id=name, decided_at=self.now, **{**made, **changes})
        self.decisions.append(record, self.now + timedelta(days=365))
        (stored,) = self.decisions.stored("acme", [name]).values()
        self.archive.put(ArchivedDecision.of(stored, "sealed", self.now))
        return record

    def seal(self) -> str:
        self.now = MORNING
        sealing = Sealing(self.archive, self.seals, self.parts, self.decisions, self.domains, lambda: self.now)
        (seal,) = sealing.run(lambda: 1000.0)
        return seal.root

    def tamper(self) -> None:
        """Removes the first record, changes the second, and inserts another."""
        stored = self.archive.stored
        first, second, *_ = sorted(stored)
        del stored[first]
        document = json.loads(stored[second] or b"")
        document["decision"]["decision"] = "REJECT"
        stored[second] = json.dumps(document).encode()
        stored[(*second[:2], "another")] = stored[second]

    def verify(self, **check: Any) -> Iterator[str]:
        report, ok = LedgerCheck(self.ledger, "acme", self.now).run(**check)
        lines = report.splitlines()
        assert ok == (" compared with " in lines[0])
        return iter([each for each in lines if " compared with " not in each])


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("sealed", [True, False])
def test_what_was_removed_changed_and_inserted_is_named_before_and_after_the_day_is_sealed(
    stage: Stage, *, sealed: bool
) -> None:
    root = [f"newest root: {DAY}={stage.seal()}"] if sealed else []
    assert list(stage.verify()) == root
    stage.tamper()
    assert {*stage.verify()} == {
        f"removed: {DAY} decision d0",
        f"changed: {DAY} decision d1",
        f"inserted: {DAY} decision another",
        *root,
    }


def test_an_erasure_is_no_finding(stage: Stage) -> None:
    key = ("acme", "d0")
    stage.decisions.documents[key] = (
        DecisionRecord.from_document(stage.decisions.documents[key]).unlinked().to_document()
    )
    assert list(stage.verify()) == []
    del stage.decisions.documents[key]
    assert list(stage.verify()) == [f"inserted: {DAY} decision d0"]
    stage.keep(ErasedDecisions.ERASE)
    assert list(stage.verify()) == []


def test_a_decision_that_may_be_on_its_way_is_no_finding(stage: Stage) -> None:
    stage.decide("young")
    del stage.archive.stored["acme", DAY, "young"]
    assert list(stage.verify()) == []
    stage.now += timedelta(minutes=2)
    assert list(stage.verify()) == [f"removed: {DAY} decision young"]


def test_archived_decisions_are_replayed_equal_and_a_changed_one_is_named(stage: Stage) -> None:
    replay = Replay(stage.ledger, "acme", {CALIBRATION.digest: CALIBRATION})
    assert replay.run(None, None, 10) == ("3 decisions are equal to the last bit, 0 within 1e-09", True)
    assert replay.run(None, "d1", 10)[0].startswith("1 decisions are equal")
    stage.decide("other", calibration="0" * 64)
    assert replay.run(None, None, 10)[0].splitlines()[-1].startswith("1 were left out")
    stage.tamper()
    report, ok = replay.run(None, None, 10)
    assert "different: decision d1 by inf" in report
    assert not ok


def test_archived_decisions_are_judged_under_another_policy(stage: Stage) -> None:
    (record,) = [each for each in [stage.decisions.read("acme", "d1")] if each]
    stage.decisions.add_outcome(record, OutcomeStatement("s", OutcomeLabel.FRAUD, None, NOON, NOON), 9)
    before = record.judgement.decision
    report, ok = PolicyQuestion(stage.ledger, "acme", {"minimum_decision_seconds": 30.0}).run(None, None, 10)
    lines = report.splitlines()
    assert ok
    assert lines[:2] == ["3 decisions compared, 0 cannot be", f"{before} -> INCONCLUSIVE: 3 (1 fraud, 2 unknown)"]
    assert sorted(line.split()[0] for line in lines[4:]) == ["d0", "d1", "d2"]
    same, _ = PolicyQuestion(stage.ledger, "acme", {}).run(None, "d1", 10)
    assert same.splitlines()[1] == f"{before} -> {before}: 1 (1 fraud)"
    with pytest.raises(NotFound):
        PolicyQuestion(stage.ledger, "other", {}).run(None, None, 10)


def test_a_changed_seal_a_changed_root_and_stray_keys_are_named(stage: Stage) -> None:
    root = f"newest root: {DAY}={stage.seal()}"
    key = ("acme", DAY)
    kept = dict(stage.seals.published)
    del stage.seals.published[key]
    assert list(stage.verify()) == [f"root_removed: {DAY}", root]
    stage.seals.published[key] = b"[]"
    assert list(stage.verify()) == [f"root_changed: {DAY}", root]
    stage.seals.published = kept
    stage.archive.stored["acme", "notes", "x"] = b""
    stage.seals.stored["acme", "notes"] = b""
    strays = ["stray: decisions/acme/notes/", "stray: seals/acme/notes"]
    assert list(stage.verify()) == [*strays, root]
    stage.seals.stored[key] = b"{"
    assert list(stage.verify()) == [*strays, f"not_sealed: {DAY}", f"seal_changed: {DAY}", f"seal_removed: {DAY}"]


def test_what_cannot_be_read_is_a_finding_of_both_commands(stage: Stage) -> None:
    stage.archive.stored["acme", DAY, "d0"] = None
    stage.archive.stored["acme", DAY, "d1"] = b'{"decision": 1}'
    stage.archive.covered = {("acme", DAY, "d2")}
    named = {f"unreadable: {DAY} decision d0", f"changed: {DAY} decision d1", f"covered: {DAY} decision d2"}
    assert set(stage.verify()) == named
    report, ok = Replay(stage.ledger, "acme", {CALIBRATION.digest: CALIBRATION}).run(None, None, 10)
    assert report.splitlines()[:2] == ["unreadable: decision d0", "unreadable: decision d1"]
    assert not ok


def test_records_of_a_domain_that_was_made_anew_are_no_findings(stage: Stage) -> None:
    stage.decisions.documents.clear()
    stage.domains = MemoryDomainStore()
    stage.domains.put_domain(
        DomainRecord("acme", Policy(), Retention(365, keep_audio=False), stage.now, stage.now, version=1)
    )
    assert list(stage.verify()) == []
