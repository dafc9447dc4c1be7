"""One contract for counters and histories of calls, in memory and in AWS."""

import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonafide.adapters.risk.dynamodb import DynamoCallStore
from bonafide.adapters.risk.memory import MemoryCallStore
from bonafide.biometrics.case import Signal
from bonafide.biometrics.presentation.attempts import attempt_name
from bonafide.biometrics.risk.facts import CallFacts, CallReference
from bonafide.biometrics.risk.velocity import BLOCK, DAY, MOST_MARKS, MOST_OTHERS, CallCount, CallHistory, CallMark
from bonafide.bootstrap.clients import COUNTERS
from bonafide.ports.risk.calls import CallStore, CallSubject, KnownReference
from bonafide.services.shared.risk.calls import CallRisks
from tests.adapters.conftest import State
from tests.adapters.test_stores import a_domain, a_speaker
from tests.adapters.test_stores_failing import Aws
from tests.decisions import decision_record

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NUMBER, OTHER = "ab" * 16, "cd" * 16
PHONE, APP = (CallReference.NUMBER, NUMBER), (CallReference.DEVICE, OTHER)


@pytest.fixture(params=["memory", "aws"])
def store(request: pytest.FixtureRequest) -> CallStore:
    if request.param == "memory":
        return MemoryCallStore()
    state: State = request.getfixturevalue("state")
    return DynamoCallStore(state.dynamodb, state.name("Calls"))


@pytest.fixture
def ann() -> CallSubject:
    return CallSubject(f"domain-{uuid.uuid4()}", "first", "ann", "born", NUMBER)


def mark(number: int, minutes_ago: float = 1, other: str = "") -> CallMark:
    return CallMark(int((NOW - timedelta(minutes=minutes_ago)).timestamp()), attempt_name(str(number)), other)


def call(store: CallStore, subject: CallSubject, number: int, minutes_ago: float = 1) -> None:
    of_number, of_speaker = (mark(number, minutes_ago, each) for each in ("0a0b0c0d", (subject.number or "")[:8]))
    store.count(subject, of_number, of_speaker)


def test_a_call_is_counted_for_its_number_and_its_speaker(store: CallStore, ann: CallSubject) -> None:
    assert store.history(ann, NOW) == CallHistory()
    call(store, ann, 1)
    expected = CallCount(frozenset({mark(1, other="0a0b0c0d")})), CallCount(frozenset({mark(1, other=NUMBER[:8])}))
    assert store.history(ann, NOW) == CallHistory(*expected)
    assert store.history(replace(ann, number=OTHER), NOW) == CallHistory(of_speaker=expected[1])
    assert store.history(replace(ann, speaker=None), NOW) == CallHistory(of_number=expected[0])
    assert store.history(replace(ann, lifetime="born again"), NOW).of_speaker == CallCount()
    assert store.history(replace(ann, speaker="an"), NOW).of_speaker == CallCount()


def test_calls_of_a_day_are_read_across_blocks_and_older_ones_are_not(store: CallStore, ann: CallSubject) -> None:
    for number, hours in enumerate((0.1, 11, 23, 49)):
        call(store, ann, number, hours * 60)
    found = store.history(ann, NOW).of_number
    assert found.calls(NOW, timedelta(days=1)) == 3


def test_duplicates_at_once_and_in_any_order_count_once(store: CallStore, ann: CallSubject) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: call(store, ann, number % 12), range(48)))
    found = store.history(ann, NOW)
    assert {each.call for each in found.of_number.marks} == {attempt_name(str(number)) for number in range(12)}
    assert len(found.of_speaker.marks) == 12
    samples = store.domain_calls(ann, NOW - timedelta(hours=1), NOW)
    assert sum(map(len, samples.values())) == 12
    assert all(each.rank == rank for (_, rank), marks in samples.items() for each in marks)


@given(st.permutations([number % 4 for number in range(8)]))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_duplicated_calls_leaves_the_same_counters(store: CallStore, order: Sequence[int]) -> None:
    subject = CallSubject(f"domain-{uuid.uuid4()}", "first", "ann", "born", NUMBER)
    for number in order:
        call(store, subject, number, number)
    expected = {mark(number, number, "0a0b0c0d") for number in range(4)}
    assert store.history(subject, NOW).of_number == CallCount(frozenset(expected))


def test_a_full_set_says_so_takes_no_more_and_hides_nobody(store: CallStore, ann: CallSubject) -> None:
    subject = replace(ann, speaker=None)
    for number in range(MOST_MARKS + 3):
        call(store, subject, number)
    others = [f"{each:08x}" for each in range(1, MOST_OTHERS + 3)]
    for number, other in enumerate(others):
        store.count(subject, mark(100 + number, other=other), mark(100 + number))
    found = store.history(ann, NOW).of_number
    block = int(NOW.timestamp() // BLOCK.total_seconds())
    assert (len(found.marks), found.full) == (MOST_MARKS, frozenset({block}))
    assert found.late == {(block, each) for each in ["0a0b0c0d", *others[: MOST_OTHERS - 1]]}
    assert found.others(NOW, DAY, own="0a0b0c0d") == MOST_OTHERS - 1


def test_a_history_keeps_the_last_day_of_each_reference_whatever_the_order(store: CallStore, ann: CallSubject) -> None:
    store.remember(ann, [PHONE, APP], NOW)
    store.remember(ann, [PHONE], NOW - timedelta(days=3))
    store.remember(ann, [PHONE], NOW + timedelta(days=1))
    expected = {PHONE: (NOW + timedelta(days=1)).date(), APP: NOW.date()}
    assert store.history(ann, NOW).known == expected
    assert store.known(ann) == [KnownReference(*each, last) for each, last in expected.items()]
    store.remember(ann, [], NOW, [PHONE, (CallReference.CARRIER, "none")])
    assert store.history(ann, NOW).known == {APP: NOW.date()}
    assert store.history(replace(ann, lifetime="born again"), NOW).known == {}
    store.remember(replace(ann, speaker="bob"), [], NOW, [PHONE])
    assert store.known(replace(ann, speaker="bob")) == []


def test_a_number_is_reported_as_long_as_a_report_stands_and_for_thirty_days(
    store: CallStore, ann: CallSubject
) -> None:
    store.report(ann, "0123456789abcdef", NOW, fraud=True)
    store.report(ann, "fedcba9876543210", NOW, fraud=True)
    store.report(ann, "0123456789abcdef", NOW, fraud=False)
    assert store.history(ann, NOW).fraud
    assert store.history(ann, NOW + timedelta(days=29)).fraud
    assert not store.history(ann, NOW + timedelta(days=31)).fraud
    assert not store.history(replace(ann, number=OTHER), NOW).fraud
    store.report(ann, "fedcba9876543210", NOW, fraud=False)
    assert not store.history(ann, NOW).fraud


def test_a_late_label_shortens_no_report_and_no_history(store: CallStore, ann: CallSubject) -> None:
    for number, days in enumerate((0, -25)):
        store.report(ann, f"{number:016x}", NOW + timedelta(days), fraud=True)
        store.remember(ann, [(PHONE, APP)[number]], NOW + timedelta(days))
    store.report(ann, f"{0:016x}", NOW, fraud=False)
    assert store.history(ann, NOW + timedelta(days=29)).fraud, "the earlier label stands, and counts as long"
    assert store.history(ann, NOW).known == {PHONE: NOW.date(), APP: (NOW - timedelta(25)).date()}


def test_the_sample_of_a_domain_is_that_of_its_own_lifetime_and_window(store: CallStore, ann: CallSubject) -> None:
    call(store, ann, 1, 5)
    call(store, ann, 2, 200)
    hour = NOW - timedelta(minutes=70), NOW
    assert [each.call for marks in store.domain_calls(ann, *hour).values() for each in marks] == [attempt_name("1")]
    assert store.domain_calls(replace(ann, domain_lifetime="second"), *hour) == {}


def test_no_item_holds_a_number_and_all_expire(state: State, ann: CallSubject) -> None:
    store = DynamoCallStore(state.dynamodb, state.name("Calls"))
    call(store, ann, 1)
    store.remember(ann, [PHONE], NOW)
    store.report(ann, "0123456789abcdef", NOW, fraud=True)
    store.remember(ann, [APP], NOW - timedelta(days=9))
    store.report(ann, "fedcba9876543210", NOW - timedelta(days=9), fraud=True)
    store.report(replace(ann, number=OTHER), "0123456789abcdef", NOW, fraud=False)
    items = _items(state, ann.domain)
    assert len(items) == 5
    days = {
        item["item"]["S"].rpartition("#")[2]: (int(item["expires_at"]["N"]) - NOW.timestamp()) / 86400 for item in items
    }
    assert days.pop("known") == pytest.approx(180)
    assert days.pop("fraud") == pytest.approx(30)
    assert all(0 < each <= 1.6 for each in days.values())


@pytest.fixture
def silent() -> Iterator[Aws]:
    running = Aws()
    running.server.start()
    running.answer = None
    yield running
    running.over.set()
    running.server.stop()


def test_a_store_that_does_not_answer_delays_a_decision_by_about_a_second(silent: Aws) -> None:
    risks = CallRisks(DynamoCallStore(silent.client("dynamodb", COUNTERS), "calls"))
    domain, speaker, begin = a_domain("acme"), a_speaker("acme"), time.monotonic()
    said = CallFacts({CallReference.NUMBER: NUMBER})
    found = risks.assess(domain, ("ann", speaker), said, "decision-1")
    risks.count(domain, speaker, decision_record(call=said), found.known)
    assert found.missing == (Signal.CALL_RISK,)
    assert time.monotonic() - begin < 2.5
    assert silent.calls == 2


def _items(state: State, domain: str) -> list[dict[str, Any]]:
    found = state.dynamodb.scan(TableName=state.name("Calls"))["Items"]
    return [each for each in found if each["owner"]["S"].startswith(f"{domain}#")]
