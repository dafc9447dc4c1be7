"""Every decision is archived once, whatever the stream does, and each day is sealed once it is over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, repeat
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.adapters.ledger.memory import InMemoryArchive, InMemoryParts, InMemorySeals
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.policy import Policy
from bonafide.errors import StoreUnavailable
from bonafide.observability import measurements
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.ledger.entry import StoredDecision
from bonafide.records.ledger.seal import DaySeal
from bonafide.records.ledger.verification import Fault, Finding, verify
from bonafide.services.archive.archiving import COMPARED_AT, Archiving, Reconciliation, by_chance
from bonafide.services.archive.sealing import Sealing
from bonafide.services.shared.clock import turns
from bonafide.table_consumer import TableConsumer
from tests.decisions import decision_record

DAY = "2026-03-01"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, 2, tzinfo=UTC)
KEPT = timedelta(days=365)
PROBE = "bonafide-probe"


class Reversed:
    """`PersonalFields` that only reverses, and fails for the speakers that it is told."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def seal(self, decision: StoredDecision, content: bytes) -> str | None:
        if decision.speaker in self.failing:
            raise StoreUnavailable
        return content.decode()[::-1] if decision.speaker else None

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        return sealed[::-1].encode()


class Announced(list[str]):
    """`DecisionEvents` that only keeps names."""

    def announce(self, decisions: Sequence[StoredDecision]) -> None:
        self.extend(each.decision_id for each in decisions)


@dataclass
class Line:
    """The table of decisions, its stream, and what comes behind."""

    now: datetime = NOON
    domains: MemoryDomainStore = field(default_factory=MemoryDomainStore)
    archive: InMemoryArchive = field(default_factory=InMemoryArchive)
    seals: InMemorySeals = field(default_factory=InMemorySeals)
    parts: InMemoryParts = field(default_factory=InMemoryParts)
    personal: Reversed = field(default_factory=Reversed)
    announced: Announced = field(default_factory=Announced)

    def __post_init__(self) -> None:
        self.decisions = MemoryDecisionStore(lambda: self.now)
        self.archiving = Archiving(self.archive, self.personal, PROBE, lambda: self.now)
        self.consumer = TableConsumer(self.archiving, self.announced)
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

    def reconcile(self, seconds: float = 100.0) -> int:
        search = Reconciliation(
            self.domains, self.decisions, self.archive, self.archiving, self.announced, lambda: self.now
        )
        return search.run(lambda: seconds)

    def seal(self, *seconds: float) -> int:
        """Seals what is due; the time that is left is the next of these at each look, and the last one for good."""
        times = chain(seconds[:-1], repeat(seconds[-1] if seconds else 1000.0))
        sealing = Sealing(self.archive, self.seals, self.parts, self.decisions, self.domains, lambda: self.now)
        return len(sealing.run(lambda: next(times)))

    def archived(self) -> list[tuple[str, str]]:
        return sorted((day, name) for _, day, name in self.archive.stored)

    def sealed(self, domain: str = "acme") -> list[DaySeal]:
        return [DaySeal.from_bytes(each.content or b"") for each in self.seals.seals(domain)]

    def verify(self) -> list[Finding]:
        contents = lambda day: {each.name: each for each in self.archive.contents("acme", day)}  # noqa: E731
        return verify(self.sealed(), self.archive.days("acme"), contents, self.now)

    def forge(self, name: str, content: bytes | None, domain: str = "acme", day: str = DAY) -> None:
        self.archive.stored[domain, day, name] = content


@settings(max_examples=30)
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
    assert (line.archived(), line.announced) == ([], [])


def test_what_the_stream_lost_is_archived_by_night_once() -> None:
    line = Line()
    records = [line.decide(f"d{number}") for number in range(4)]
    line.deliver(*records[:2])
    assert line.reconcile() == 0
    line.now = NIGHT
    assert line.reconcile() == 2
    # They are under the day of archiving, since their own is about to be sealed.
    late = NIGHT.date().isoformat()
    assert line.archived() == [(DAY, "d0"), (DAY, "d1"), (late, "d2"), (late, "d3")]
    assert line.reconcile() == 0
    line.now += timedelta(hours=4)
    assert line.deliver(*records) == []
    line.now += timedelta(hours=20)
    assert line.reconcile() == 0
    assert len(line.archived()) == 4


def test_a_decision_that_cannot_be_read_hides_no_other() -> None:
    line = Line()
    for number in range(3):
        line.decide(f"d{number}")
    del line.decisions.documents["acme", "d1"]["decision_id"]
    line.now = NIGHT
    measurements.write()
    assert line.reconcile() == 2
    assert measurements.pending()["DecisionsNotArchived"] == [1]


def test_days_are_sealed_when_nothing_is_added_to_them_any_more_and_only_once() -> None:
    line = Line()
    line.deliver(line.decide("d1"), line.decide("d2"))
    line.now = NIGHT
    assert line.seal() == 0
    line.now = MORNING
    assert (line.seal(), line.seal()) == (1, 0)
    line.deliver(line.decide("d3"))
    line.now += timedelta(days=1)
    assert line.seal() == 1
    first, second = line.sealed()
    assert second.former is not None
    assert (first.former, second.former.root) == (None, first.root)
    assert line.verify() == []
    content = line.archive.stored["acme", DAY, "d1"] or b""
    line.forge("d1", content.replace(b"ACCEPT", b"REJECT"))
    assert line.verify() == [Finding(Fault.CHANGED, date(2026, 3, 1), "d1")]


def test_a_root_is_published_with_its_seal_or_by_the_next_run() -> None:
    line = Line()
    line.deliver(line.decide("d1"))
    line.now = MORNING
    line.seal()
    (seal,) = line.sealed()
    content = seal.published.to_bytes("acme")
    assert line.seals.published == {("acme", DAY): content}
    line.seals.published.clear()
    line.seal()
    assert line.seals.published == {("acme", DAY): content}


def test_one_domain_that_cannot_be_sealed_keeps_no_other_from_it_and_is_counted() -> None:
    line = Line()
    for domain in ("acme", "beta", "gamma"):
        line.domains.put_domain(DomainRecord(domain, Policy(), Retention(), NOON, NOON, version=domain != "acme" or 2))
        line.deliver(line.decide("d1", domain=domain))
    line.seals.stored["beta", "2026-02-01"] = b"no seal"
    line.now = MORNING
    measurements.write()
    assert line.seal() == 2
    assert [len(line.sealed(each)) for each in ("acme", "gamma")] == [1, 1]
    assert sorted(measurements.pending()["DaysUnsealed"]) == [0, 0, 1]


def test_keys_that_are_no_days_hold_up_nothing() -> None:
    line = Line()
    line.deliver(line.decide("d1"))
    line.forge("x", b"", day="notes")
    line.now = MORNING
    assert line.seal() == 1
    assert list(line.archive.strays("acme")) == ["notes/"]


def test_what_was_forged_before_its_day_is_sealed_is_not_sealed_and_counted() -> None:
    line = Line()
    line.deliver(*[line.decide(f"d{number}") for number in range(3)])
    content = line.archive.stored["acme", DAY, "d0"] or b""
    line.forge("d1", (line.archive.stored["acme", DAY, "d1"] or b"").replace(b"ACCEPT", b"REJECT"))
    line.forge("forged", content.replace(b'"d0"', b'"forged"'))
    line.forge("malformed", b"{")
    line.forge("unreadable", None)
    line.now = MORNING
    measurements.write()
    assert line.seal() == 1
    assert measurements.pending()["RecordsNotSealed"] == [1] * 4
    assert [each.decision_id for each in line.sealed()[0].entries] == ["d0", "d2"]
    assert {each.name for each in line.verify()} == {"d1", "forged", "malformed", "unreadable"}


def test_a_seal_is_kept_as_long_as_what_it_refused() -> None:
    line = Line()
    line.forge("forged", b"{")
    line.now = MORNING
    assert line.seal() == 1
    (seal,) = line.sealed()
    assert (seal.entries, seal.until) == ([], datetime(2027, 3, 1, tzinfo=UTC))
    assert line.verify() == [Finding(Fault.INSERTED, date(2026, 3, 1), "forged")]


def test_a_day_of_which_nothing_can_be_read_is_not_sealed() -> None:
    line = Line()
    line.deliver(line.decide("d1"))
    line.forge("d1", None)
    line.now = MORNING
    assert line.seal() == 0


def test_a_day_that_is_too_large_for_one_run_is_sealed_by_later_ones_as_by_one() -> None:
    whole, cut = Line(), Line()
    for line in (whole, cut):
        line.deliver(*[line.decide(f"d{number:03}") for number in range(250)])
        line.now = MORNING
    assert whole.seal() == 1
    # A look before the domain, and one before each hundred.
    assert cut.seal(1000, 1000, 10) == 0
    assert len(cut.parts.begun("acme", date(2026, 3, 1))) == 100
    # A run that comes to nothing leaves nothing, so that the next one can leave what it reads.
    assert cut.seal(1000, 10) == 0
    assert cut.seal(1000, 1000, 10) == 0
    assert len(cut.parts.begun("acme", date(2026, 3, 1))) == 200
    assert cut.seal() == 1
    assert cut.sealed() == whole.sealed()


def test_where_the_time_runs_out_the_next_hour_begins_with_another_domain() -> None:
    names = [f"domain-{number}" for number in range(5)]
    firsts = {turns(names, MORNING + timedelta(hours=hour))[0] for hour in range(5)}
    assert firsts == set(names)
    nights = [NOON + timedelta(days=night, hours=hour) for night in range(20) for hour in COMPARED_AT]
    assert {by_chance(names, night)[0] for night in nights} == set(names)
    assert sorted(turns(names, MORNING)) == names
    assert turns([], MORNING) == []


def test_a_comparison_by_night_ends_in_time_and_does_what_no_failing_store_keeps_it_from() -> None:
    line = Line()
    for number in range(3):
        line.decide(f"d{number}", speaker="bob" if number == 1 else "ann")
    line.now = NIGHT
    assert line.reconcile(seconds=10) == 0
    line.personal.failing = {"bob"}
    with pytest.raises(StoreUnavailable):
        line.reconcile()
    assert [name for _, name in line.archived()] == ["d0", "d2"]
    line.personal.failing = set()
    assert line.reconcile() == 1


def test_a_comparison_by_night_ends_in_time_wherever_it_is_and_no_domain_keeps_another_from_it() -> None:
    line = Line()
    line.domains.put_domain(DomainRecord("beta", Policy(), Retention(), NOON, NOON, version=1))
    line.deliver(*[line.decide(f"d{number}") for number in range(3)])
    line.decide("d3", domain="beta")
    line.now = NIGHT
    left = iter([100.0])
    search = Reconciliation(
        line.domains, line.decisions, line.archive, line.archiving, line.announced, lambda: line.now
    )
    assert search.run(lambda: next(left, 0.0)) == 0
    line.archive.days = {"beta": []}.__getitem__  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreUnavailable):
        line.reconcile()
    assert (NIGHT.date().isoformat(), "d3") in line.archived()


def test_decisions_that_a_long_outage_of_the_stream_lost_are_found_three_days_later() -> None:
    line = Line()
    line.decide("d1")
    line.now = NIGHT + timedelta(days=2)
    assert line.reconcile() == 1


def test_what_is_archived_is_announced_again_when_its_batch_comes_again_and_what_failed_when_it_is_done() -> None:
    line = Line()
    records = [line.decide("d1"), line.decide("d2", "bob")]
    line.personal.failing = {"bob"}
    line.deliver(*records)
    assert line.announced == ["d1"]
    line.personal.failing = set()
    line.deliver(*records)
    assert line.announced == ["d1", "d1", "d2"]
    line.decide("lost")
    line.now = NIGHT
    assert line.reconcile() == 1
    assert line.reconcile() == 0
    assert line.announced[3:] == ["lost"]
