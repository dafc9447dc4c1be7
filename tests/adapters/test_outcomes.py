"""Statements beside a decision: one contract, kept by DynamoDB and by the twin in memory alike."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore, unlinked_item
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.ports.stores import DecisionStore, VersionConflict
from bonafide.records.decision import DecisionRecord
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_history
from tests.adapters.conftest import State
from tests.decisions import decision_record

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEPT_UNTIL, EXPIRED = datetime(2999, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
MOST = 40


@pytest.fixture(params=["memory", "aws"])
def decisions(request: pytest.FixtureRequest) -> DecisionStore:
    if request.param == "memory":
        return MemoryDecisionStore()
    state = request.getfixturevalue("state")
    return DynamoDecisionStore(state.dynamodb, state.name("Decisions"))


@pytest.fixture
def made(decisions: DecisionStore) -> DecisionRecord:
    """A decision in a domain that no other test uses."""
    return decisions.append(decision_record(domain=f"domain-{uuid.uuid4()}", decided_at=NOW), KEPT_UNTIL)


def statement(name: str, hours: int = 0, source: str | None = None) -> OutcomeStatement:
    known_at = NOW + timedelta(hours=hours)
    return OutcomeStatement(name, OutcomeLabel.FRAUD, AttackKind.REPLAYED, known_at, NOW, "role/analyst", source)


def outcomes(decisions: DecisionStore, record: DecisionRecord) -> tuple[OutcomeStatement, ...]:
    stored = decisions.read(record.domain, record.decision_id or "")
    assert stored == record
    return stored.outcomes


@pytest.mark.parametrize("seed", range(3))
def test_statements_of_any_order_and_number_leave_one_history(
    decisions: DecisionStore, made: DecisionRecord, seed: int
) -> None:
    stated = [statement(f"s-{place}", place % 3, f"case-{place}" if place % 2 else None) for place in range(6)]
    # What a repeated request leaves whose first answer was lost: the same name, stated later.
    stated.append(replace(stated[0], stated_at=NOW + timedelta(minutes=1)))
    mixed = [*stated, *stated]
    random.Random(seed).shuffle(mixed)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: decisions.add_outcome(made, each, MOST), mixed))
    assert outcomes(decisions, made) == outcome_history(stated)


def test_a_decision_takes_so_many_statements_and_one_that_is_gone_none(
    decisions: DecisionStore, made: DecisionRecord
) -> None:
    for name in ("s-1", "s-2"):
        decisions.add_outcome(made, statement(name), 2)
    with pytest.raises(VersionConflict):
        decisions.add_outcome(made, statement("s-3"), 2)
    gone = replace(made, decision_id="gone")
    with pytest.raises(VersionConflict):
        decisions.add_outcome(gone, statement("s-1"), MOST)
    assert decisions.read(made.domain, "gone") is None
    assert [each.statement_id for each in outcomes(decisions, made)] == ["s-1", "s-2"]


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_labeled_decisions_are_listed_by_the_time_of_the_decision(decisions: DecisionStore, limit: int) -> None:
    domain = f"domain-{uuid.uuid4()}"
    for place in range(6):
        at = NOW + timedelta(minutes=place)
        record = decision_record(domain=domain, decision_id=f"d-{place}", decided_at=at)
        decisions.append(record, EXPIRED if place == 2 else KEPT_UNTIL)
        if place != 3:
            decisions.add_outcome(record, statement("s-1"), MOST)
    found: list[str | None] = []
    after = None
    while True:
        page = decisions.labeled(domain, NOW, NOW + timedelta(minutes=5), after, limit)
        assert len(page.decisions) <= limit
        assert all(each.outcomes for each in page.decisions)
        found += [each.decision_id for each in page.decisions]
        after = page.after
        if after is None:
            break
    assert found == ["d-4", "d-1", "d-0"]


def test_who_read_a_decision_before_it_was_unlinked_cannot_lead_back_to_the_person(state: State) -> None:
    table = state.name("Decisions")
    store = DynamoDecisionStore(state.dynamodb, table)
    made = store.append(decision_record(domain=f"domain-{uuid.uuid4()}", decided_at=NOW), KEPT_UNTIL)
    store.add_outcome(made, statement("s-1", source="case-1"), MOST)
    key = {"domain": {"S": made.domain}, "decision_id": {"S": made.decision_id}}
    item = unlinked_item(state.dynamodb.get_item(TableName=table, Key=key)["Item"])
    state.dynamodb.put_item(TableName=table, Item=item)
    with pytest.raises(VersionConflict):
        store.add_outcome(made, statement("s-2", source="case-2"), MOST)
    unlinked = store.read(made.domain, made.decision_id or "")
    assert unlinked is not None
    assert not unlinked.is_linked
    assert [(each.statement_id, each.source) for each in unlinked.outcomes] == [("s-1", None)]
    store.add_outcome(unlinked, statement("s-2"), MOST)
    assert len(outcomes(store, unlinked)) == 2
