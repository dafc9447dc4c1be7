"""Every decision is archived once, whatever the stream does, and each day is sealed once it is over."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.ledger.memory import InMemoryArchive, InMemorySeals
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.policy import Policy
from bonafide.errors import StoreUnavailable
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.ledger.verification import Fault, Finding, verify
from bonafide.services.archive.archiving import Archiving, Reconciliation
from bonafide.services.archive.sealing import Sealing
from bonafide.table_consumer import TableConsumer
from tests.decisions import decision_record

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
KEPT = timedelta(days=365)
PROBE = "bonafide-probe"


class Reversed:
    """`PersonalFields` that only reverses, and fails for the speakers that it is told."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def seal(self, domain: str, speaker: str | None, decision_id: str, content: bytes) -> str | None:
        if speaker in self.failing:
            raise StoreUnavailable
        return content.decode()[::-1] if speaker else None

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        return sealed[::-1].encode()


@dataclass
class Line:
    """The table of decisions, its stream, and what comes behind."""

    now: datetime = NOON
    domains: MemoryDomainStore = field(default_factory=MemoryDomainStore)
    archive: InMemoryArchive = field(default_factory=InMemoryArchive)
    seals: InMemorySeals = field(default_factory=InMemorySeals)
    personal: Reversed = field(default_factory=Reversed)

    def __post_init__(self) -> None:
        self.decisions = MemoryDecisionStore(lambda: self.now)
        self.archiving = Archiving(self.archive, self.personal, PROBE, lambda: self.now)
        self.consumer = TableConsumer(self.archiving)
        kept = Retention(365, keep_audio=False)
        self.domains.put_domain(DomainRecord("acme", Policy(), kept, NOON, NOON, version=1))

    def decide(self, name: str, speaker: str = "ann", **changes: Any) -> dict[str, Any]:
        """Stores a decision; returns its record of the stream."""
        record = decision_record(decision_id=name, speaker=speaker, **{"decided_at": self.now, **changes})
        self.decisions.append(record, self.now + KEPT)
        image = {
            "document": {"S": json.dumps(record.to_document())},
            "expires_at": {"N": str(int((self.now + KEPT).timestamp()))},
        }
        return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": name, "NewImage": image}}

    def deliver(self, *records: dict[str, Any]) -> list[str]:
        answer = self.consumer.take({"Records": list(records)}, LambdaContext())
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def reconcile(self) -> int:
        return Reconciliation(self.domains, self.decisions, self.archive, self.archiving, lambda: self.now).run(
            lambda: 100.0
        )

    def seal(self) -> int:
        return len(Sealing(self.archive, self.seals, lambda: self.now).run(lambda: 1000.0))

    def archived(self) -> list[tuple[date, str]]:
        return sorted((day, name) for _, day, name in self.archive.stored)

    def verify(self) -> list[Finding]:
        contents = lambda day: self.archive.contents("acme", day)  # noqa: E731
        return verify(list(self.seals.seals("acme")), self.archive.days("acme"), contents, self.now)


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), max_size=6))
def test_any_deliveries_of_a_stream_archive_each_decision_once_and_never_change_it(batches: list[list[int]]) -> None:
    line = Line()
    records = [line.decide(f"d{number}") for number in range(6)]
    line.deliver(*records[:3])
    before = dict(line.archive.stored)
    for batch in batches:
        assert line.deliver(*[records[number] for number in batch]) == []
    delivered = {0, 1, 2}.union(*batches)
    assert line.archived() == [(DAY, f"d{number}") for number in sorted(delivered)]
    assert before.items() <= line.archive.stored.items()


def test_a_record_that_fails_is_reported_and_its_neighbors_are_archived() -> None:
    line = Line()
    records = [line.decide("d1"), line.decide("d2", "bob"), line.decide("d3")]
    line.personal.failing = {"bob"}
    poison = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "p", "NewImage": {"document": {"S": "{"}}}}
    assert line.deliver(*records, poison) == ["d2", "p"]
    assert line.archived() == [(DAY, "d1"), (DAY, "d3")]
    line.personal.failing = set()
    assert line.deliver(*records) == []
    assert line.archived() == [(DAY, "d1"), (DAY, "d2"), (DAY, "d3")]


def test_changes_deletions_and_golden_calls_are_not_archived() -> None:
    line = Line()
    change, probe = line.decide("d1"), line.decide("d2", domain="bonafide-probe-1")
    removed = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "r", "Keys": {}}}
    assert line.deliver({**change, "eventName": "MODIFY"}, probe, removed) == []
    assert line.archived() == []


def test_what_the_stream_lost_is_archived_by_night_once() -> None:
    line = Line()
    records = [line.decide(f"d{number}") for number in range(4)]
    line.deliver(*records[:2])
    assert line.reconcile() == 0
    line.now = NIGHT
    assert line.reconcile() == 2
    # They are under the day of archiving, since their own is about to be sealed.
    late = NIGHT.date()
    assert line.archived() == [(DAY, "d0"), (DAY, "d1"), (late, "d2"), (late, "d3")]
    assert line.reconcile() == 0
    line.now += timedelta(hours=4)
    assert line.deliver(*records) == []
    line.now += timedelta(hours=20)
    assert line.reconcile() == 0
    assert len(line.archived()) == 4


def test_a_decision_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    for number in range(3):
        line.decide(f"d{number}")
    line.decisions.documents["acme", "d1"]["policy_version"] = None
    del line.decisions.documents["acme", "d1"]["bundle"]
    line.now = NIGHT
    assert line.reconcile() == 2


def test_days_are_sealed_when_nothing_is_added_to_them_any_more_and_only_once() -> None:
    line = Line()
    line.deliver(line.decide("d1"), line.decide("d2"))
    line.now = NIGHT
    assert line.seal() == 0
    line.now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    assert (line.seal(), line.seal()) == (1, 0)
    line.deliver(line.decide("d3"))
    line.now += timedelta(days=1)
    assert line.seal() == 1
    first, second = line.seals.seals("acme")
    assert second.former is not None
    assert (first.former, second.former.root) == (None, first.root)
    assert line.verify() == []
    key = ("acme", DAY, "d1")
    line.archive.stored[key] = line.archive.stored[key].replace(b"ACCEPT", b"REJECT")
    assert line.verify() == [Finding(Fault.CHANGED, DAY, "d1")]
