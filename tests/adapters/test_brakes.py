"""One contract for stores of brakes: whoever switches when, there is one history, and the state is its end."""

import re
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonafide.adapters.dynamodb.brakes import DynamoBrakeStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import brake_key, read_brake
from bonafide.adapters.memory.brakes import MemoryBrakeStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.contracts.base import IDENTIFIER
from bonafide.errors import Conflict
from bonafide.ports.stores import BrakeStore, DomainStore, VersionConflict
from bonafide.records.brake import BrakeRecord
from bonafide.services.brakes import Brakes
from tests.adapters.test_stores import a_domain, a_speaker

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest) -> tuple[DomainStore, BrakeStore]:
    if request.param == "memory":
        domains = MemoryDomainStore()
        return domains, domains.brakes
    state = request.getfixturevalue("state")
    table = state.name("Tenants")
    return DynamoDomainStore(state.dynamodb, table), DynamoBrakeStore(state.dynamodb, table)


@pytest.fixture
def brakes(stores: tuple[DomainStore, BrakeStore]) -> BrakeStore:
    return stores[1]


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


def switched(record: BrakeRecord, *, on: bool, by: str = "ann") -> BrakeRecord:
    now = NOW + timedelta(seconds=record.version)
    return record.next(now, on=on, reason=f"change {record.version + 1}", changed_by=by)


def test_a_brake_that_nobody_ever_set_is_off(brakes: BrakeStore, name: str) -> None:
    assert brakes.brake(name) == BrakeRecord(name)
    assert brakes.brake_changes(name, 10) == []


def test_a_brake_is_read_as_it_was_written_and_its_changes_newest_first(brakes: BrakeStore, name: str) -> None:
    first = switched(BrakeRecord(name), on=True)
    second = switched(first, on=False)
    for each in (first, second):
        brakes.put_brake(each)
    assert brakes.brake(name) == second
    assert brakes.brake_changes(name, 10) == [second, first]
    assert brakes.brake_changes(name, 1) == [second]


def test_a_brake_follows_only_the_version_before_it_and_a_refused_one_leaves_no_trace(
    brakes: BrakeStore, name: str
) -> None:
    first = switched(BrakeRecord(name), on=True)
    brakes.put_brake(first)
    for version in (1, 3):
        with pytest.raises(VersionConflict):
            brakes.put_brake(replace(first, version=version, on=False))
    assert brakes.brake(name) == first
    assert brakes.brake_changes(name, 10) == [first]


def test_a_domain_is_read_together_with_its_brake_which_outlasts_it(
    stores: tuple[DomainStore, BrakeStore], name: str
) -> None:
    domains, brakes = stores
    domain, brake = a_domain(name), switched(BrakeRecord(name), on=True)
    domains.put_domain(domain)
    domains.put_speaker(domain, a_speaker(name))
    assert domains.find_with_brake(name, "ann") == (domain, a_speaker(name), BrakeRecord(name))
    brakes.put_brake(brake)
    assert domains.find_with_brake(name, "ann") == (domain, a_speaker(name), brake)
    assert [each.speaker for each in domains.list_speakers(name, None, 10).speakers] == ["ann"]
    domains.delete_speaker(a_speaker(name))
    domains.delete_domain(domain)
    domains.put_domain(a_domain(name))
    assert domains.find_with_brake(name, "ann")[2] == brake


def test_brakes_are_in_partitions_that_no_domain_can_have() -> None:
    names = [brake_key(domain)["domain"]["S"] for domain in (None, "acme")]
    assert names == ["brake#", "brake#acme"]
    assert not any(re.match(IDENTIFIER, each) for each in names)


def test_a_brake_that_an_operator_wrote_without_the_api_is_on_and_can_be_released(state: Any, name: str) -> None:
    """The command of docs/operations/brake.md."""
    table = state.name("Tenants")
    state.dynamodb.update_item(
        TableName=table,
        Key={"domain": {"S": f"brake#{name}"}, "item": {"S": "state"}},
        UpdateExpression="SET #on = :yes ADD version :one",
        ExpressionAttributeNames={"#on": "on"},
        ExpressionAttributeValues={":yes": {"BOOL": True}, ":one": {"N": "1"}},
    )
    store = DynamoBrakeStore(state.dynamodb, table)
    found = store.brake(name)
    assert (found.on, found.version, found.reason) == (True, 1, None)
    released = switched(found, on=False)
    store.put_brake(released)
    assert (store.brake(name), store.brake_changes(name, 10)) == (released, [released])


@pytest.mark.parametrize("written", [{}, {"on": {"S": "true"}}, {"on": {"BOOL": True}, "version": {"N": "3"}}])
def test_a_state_that_was_written_by_hand_and_does_not_say_that_it_is_off_is_on(written: dict[str, Any]) -> None:
    assert read_brake(None, {**brake_key(None), **written}).on


OPERATORS = ("ann", "bob")
# What two operators do, in any order: look at the brake, or switch what they saw last.
STEPS = st.lists(st.tuples(st.sampled_from(OPERATORS), st.sampled_from(["look", "set", "release"])), max_size=8)


def play(store: BrakeStore, name: str, steps: Sequence[tuple[str, str]]) -> list[BrakeRecord]:
    """Takes the steps; returns the switches that were taken."""
    seen, taken = dict.fromkeys(OPERATORS, BrakeRecord(name)), list[BrakeRecord]()
    for operator, step in steps:
        if step == "look":
            seen[operator] = store.brake(name)
            continue
        wanted = switched(seen[operator], on=step == "set", by=operator)
        try:
            store.put_brake(wanted)
        except VersionConflict:
            continue
        taken.append(wanted)
    return taken


@pytest.fixture
def dynamodb(state: Any) -> BrakeStore:
    return DynamoBrakeStore(state.dynamodb, state.name("Tenants"))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_two_operators_in_any_order_make_one_history_and_both_stores_the_same(
    dynamodb: BrakeStore, steps: list[tuple[str, str]]
) -> None:
    name = f"domain-{uuid.uuid4()}"
    histories = []
    for store in (MemoryBrakeStore(), dynamodb):
        taken = play(store, name, steps)
        assert store.brake_changes(name, 20) == taken[::-1]
        assert store.brake(name) == (taken[-1] if taken else BrakeRecord(name))
        assert [each.version for each in taken] == list(range(1, len(taken) + 1))
        histories.append(taken)
    assert histories[0] == histories[1]


def test_operators_at_the_same_time_make_one_history(stores: tuple[DomainStore, BrakeStore], name: str) -> None:
    domains, store = stores
    domains.put_domain(a_domain(name))

    def switch(number: int) -> bool:
        brakes = Brakes(store, domains, lambda: NOW + timedelta(seconds=number))
        try:
            brakes.release(name, "over", "bob") if number % 3 == 2 else brakes.set(name, f"reason {number}", "ann")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(switch, range(12)))
    changes = store.brake_changes(name, 20)
    assert [each.version for each in changes] == list(range(len(changes), 0, -1))
    assert store.brake(name) == changes[0]
    # Setting is never refused: only a release can lose against another change.
    assert all(done[number] for number in range(12) if number % 3 != 2)
    assert len({each.reason for each in changes if each.on}) == 8
