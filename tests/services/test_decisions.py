"""Decisions as analysts read them."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from bonafide.contracts.decisions import ledger_entry, ledger_page, position
from bonafide.errors import InvalidInput, NotFound
from bonafide.records.decision_page import DecisionFilter, DecisionPage
from bonafide.services.decisions import Decisions
from tests.decisions import DECIDED_AT, decision_record, session_decision_record
from tests.records.first_release import AUTHENTICATION
from tests.services.parts import MORNING, World, speech

DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech("ann", 8))
    return world


def decisions(world: World) -> Decisions:
    return Decisions(world.store, world.decisions)


def page(world: World, cursor: str | None = None, limit: int = 2, begin: timedelta = -DAY) -> DecisionPage:
    selection = DecisionFilter(MORNING + begin, MORNING + DAY)
    return decisions(world).list("acme", selection, position(cursor), limit)


def test_a_decision_is_read_with_all_that_explains_it(world: World) -> None:
    answer = world.authenticate(speech("ann", 8))
    entry = ledger_entry(decisions(world).get("acme", answer.decision_id))
    assert (entry.kind, entry.claimed_speaker, entry.session_id) == ("authentication", "ann", None)
    assert (entry.decision, entry.reasons) == (answer.decision, answer.reasons)
    assert entry.speaker is not None
    assert answer.speaker is not None
    assert round(entry.speaker.llr, 3) == answer.speaker.llr != entry.speaker.llr
    assert entry.comparison is not None
    assert (entry.comparison.tested_seconds, entry.comparison.enrolled_seconds) == (8, 8)
    assert entry.policy is not None
    assert entry.policy.minimum_enrolment_seconds == 6
    assert (entry.request_id, entry.call_id) == ("request-1", "call-7")
    assert entry.principal == "arn:aws:iam::123456789012:role/integrator"


def test_a_decision_on_a_session_shows_its_chunks() -> None:
    entry = ledger_entry(session_decision_record())
    assert (entry.kind, entry.session_id) == ("session", "session-1")
    assert entry.chunks is not None
    assert (entry.chunks.scored, entry.chunks.used, entry.chunks.conflicting) == (4, 3, 1)


def test_a_decision_of_the_first_release_is_shown_without_what_it_did_not_store() -> None:
    from bonafide.records.decision import DecisionRecord  # noqa: PLC0415

    entry = ledger_entry(DecisionRecord.from_document(AUTHENTICATION))
    assert (entry.comparison, entry.policy, entry.calibration, entry.audio) == (None, None, None, None)
    assert entry.thresholds.reject is None
    assert entry.model_dump_json()


@pytest.mark.parametrize(
    ("domain", "decision", "code"), [("acme", "unknown", "decision_not_found"), ("other", "any", "domain_not_found")]
)
def test_an_unknown_decision_or_domain_is_named(world: World, domain: str, decision: str, code: str) -> None:
    with pytest.raises(NotFound) as refusal:
        decisions(world).get(domain, decision)
    assert refusal.value.code == code


def test_decisions_of_a_deleted_domain_are_not_shown(world: World) -> None:
    answer = world.authenticate(speech("ann", 8))
    world.domains.delete("acme", force=True)
    for call in (lambda: decisions(world).get("acme", answer.decision_id), lambda: page(world)):
        with pytest.raises(NotFound) as refusal:
            call()
        assert refusal.value.code == "domain_not_found"


def test_a_new_domain_does_not_show_the_decisions_of_its_predecessor(world: World) -> None:
    old = world.authenticate(speech("ann", 8)).decision_id
    world.domains.delete("acme", force=True)
    world.now += timedelta(seconds=1)
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech("ann", 8))
    world.now += timedelta(seconds=1)
    new = world.authenticate(speech("ann", 8)).decision_id
    assert [record.decision_id for record in page(world, limit=10).decisions] == [new]
    with pytest.raises(NotFound) as refusal:
        decisions(world).get("acme", old)
    assert refusal.value.code == "decision_not_found"


def test_a_range_before_the_domain_was_created_is_empty(world: World) -> None:
    before = DecisionFilter(MORNING - 2 * DAY, MORNING - DAY)
    assert decisions(world).list("acme", before, None, 10) == DecisionPage([], None)


def test_cursors_lead_through_all_pages(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(world.authenticate(speech("ann", 8)).decision_id)
        world.now += timedelta(seconds=1)
    found: list[str] = []
    cursor: str | None = None
    while True:
        shown = ledger_page(page(world, cursor))
        found += [entry.decision_id for entry in shown.decisions]
        cursor = shown.next_cursor
        if cursor is None:
            break
        assert len(cursor) <= 128
    assert found == made[::-1]


def cursor_at(days: int) -> str:
    record = replace(decision_record(), decided_at=MORNING + days * DAY)
    text = f"{record.decided_at.isoformat(timespec='microseconds')}|{'0' * 8}-0000-0000-0000-{'0' * 12}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_a_cursor_before_the_range_ends_the_list(world: World) -> None:
    assert page(world, cursor_at(-2)) == DecisionPage([], None)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "YW5u",
        cursor_at(2),
        base64.urlsafe_b64encode(f"9999-99-99T99:99:99.999999+00:00|{'a' * 36}".encode()).decode(),
        base64.urlsafe_b64encode(f"{DECIDED_AT.isoformat()}|x".encode()).decode(),
    ],
)
def test_a_cursor_of_another_list_or_range_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        page(world, cursor)
    assert refusal.value.code == "cursor_invalid"


def test_an_empty_range_of_time_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        page(world, begin=DAY)
    assert (refusal.value.code, refusal.value.subject) == ("time_range_empty", "begin")
