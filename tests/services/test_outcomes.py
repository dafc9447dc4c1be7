"""Outcomes of decisions: stated, corrected, counted, and asked for."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bonafide.biometrics.decision import Decision
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.contracts.decisions import ledger_entry
from bonafide.contracts.outcomes.performance import performance_report
from bonafide.contracts.outcomes.reviews import review_list, review_position
from bonafide.contracts.outcomes.statements import OutcomeRequest
from bonafide.errors import BonafideError
from bonafide.records.decision_page import DecisionFilter
from bonafide.services import outcomes as module
from bonafide.services.outcomes import Outcomes
from tests.decisions import decided, decision_record
from tests.services.parts import MORNING, World, context

DAY = timedelta(days=1)
FRAUD = OutcomeRequest(label=OutcomeLabel.FRAUD, attack=AttackKind.SYNTHETIC)
GENUINE = OutcomeRequest(label=OutcomeLabel.GENUINE)


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain()
    return world


def outcomes(world: World) -> Outcomes:
    return Outcomes(world.store, world.decisions, lambda: world.now)


def decide(world: World, name: str, result: Decision = Decision.ACCEPT, llr: float = 5.0, **changes: Any) -> None:
    record = decided(decision_record(decision_id=name, decided_at=world.now, **changes), result)
    assert record.judgement.speaker
    judgement = replace(record.judgement, speaker=replace(record.judgement.speaker, llr=llr))
    world.decisions.append(replace(record, judgement=judgement), world.now + 30 * DAY)


def state(world: World, name: str, request: OutcomeRequest, key: str | None = None) -> Any:
    _, record = outcomes(world).state("acme", name, request.to_record(), context(request, key))
    return ledger_entry(record)


def test_the_decision_shows_the_outcome_in_force_and_its_history(world: World) -> None:
    decide(world, "d-1")
    assert ledger_entry(decision_record()).outcome is None
    world.now += DAY
    state(world, "d-1", FRAUD.model_copy(update={"known_at": MORNING + DAY / 48, "source": "case-7"}))
    world.now += DAY
    # It came later, but was known before.
    entry = state(world, "d-1", GENUINE.model_copy(update={"known_at": MORNING}))
    assert [each.label for each in entry.outcome_history] == ["fraud", "genuine"]
    assert (entry.outcome.label, entry.outcome.attack, entry.outcome.source) == ("fraud", "synthetic", "case-7")
    assert entry.outcome.stated_by == "arn:aws:iam::123456789012:role/integrator"
    assert state(world, "d-1", GENUINE).outcome.label == "genuine"
    world.now += DAY
    assert state(world, "d-1", OutcomeRequest(label=OutcomeLabel.UNKNOWN)).outcome.label == "unknown"


def test_a_request_that_is_repeated_under_its_key_states_once(world: World) -> None:
    decide(world, "d-1")
    state(world, "d-1", FRAUD, "key-1")
    world.now += DAY / 24
    assert len(state(world, "d-1", FRAUD, "key-1").outcome_history) == 1
    assert len(state(world, "d-1", FRAUD, "key-2").outcome_history) == 2


def refusal(world: World, name: str, request: OutcomeRequest = FRAUD, domain: str = "acme") -> str:
    with pytest.raises(BonafideError) as error:
        outcomes(world).state(domain, name, request.to_record(), context(request, None))
    return error.value.code


def test_an_outcome_needs_its_decision_a_time_that_has_come_and_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(world, "d-1")
    assert refusal(world, "d-2") == "decision_not_found"
    assert refusal(world, "d-1", domain="other") == "domain_not_found"
    assert refusal(world, "d-1", FRAUD.model_copy(update={"known_at": world.now + DAY})) == "outcome_in_future"
    monkeypatch.setattr(module, "MOST_STATEMENTS", 2)
    for key in ("key-1", "key-2"):
        state(world, "d-1", FRAUD, key)
    assert refusal(world, "d-1") == "too_many_outcomes"
    world.decisions.expiries["acme", "d-1"] = MORNING - DAY
    assert refusal(world, "d-1") == "decision_not_found"


def test_a_decision_of_a_predecessor_of_the_domain_takes_no_outcome(world: World) -> None:
    decide(world, "d-1")
    world.domains.delete("acme", force=True)
    world.now += DAY
    world.put_domain()
    assert refusal(world, "d-1") == "decision_not_found"


def test_an_unlinked_decision_keeps_its_outcome_and_takes_no_source(world: World) -> None:
    decide(world, "d-1", speaker=None)
    assert state(world, "d-1", FRAUD.model_copy(update={"source": "case-7"})).outcome.source is None


def test_rates_are_of_what_is_in_force_by_bundle_and_policy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(6):
        world.now += timedelta(minutes=1)
        decide(world, f"d-{place}", policy_version=1 + place // 3)
    labels = {"d-0": FRAUD, "d-1": GENUINE, "d-3": GENUINE, "d-4": OutcomeRequest(label=OutcomeLabel.UNKNOWN)}
    for name, request in labels.items():
        state(world, name, request)
    found = performance_report("acme", outcomes(world).performance("acme", MORNING - DAY, world.now + DAY))
    assert (found.complete, found.labeled, found.unknown) == (True, {Decision.ACCEPT: 3}, 1)
    counted = {
        each.policy_version: {rate.name: (rate.errors, rate.total) for rate in each.rates}
        for each in found.by_bundle_and_policy
    }
    assert counted == {
        2: {"BPCER": (0, 1), "FNMR": (0, 1)},
        1: {"APCER synthetic": (1, 1), "IAPAR synthetic": (1, 1), "BPCER": (0, 1), "FNMR": (0, 1)},
    }
    # With more of them than one request looks at, it says from when on they were counted.
    monkeypatch.setattr(module, "MOST_LABELED", 2)
    monkeypatch.setattr(module, "LABELED_PAGE", 1)
    part = outcomes(world).performance("acme", MORNING - DAY, world.now + DAY)
    assert (part.complete, part.begin, sum(part.labeled.values())) == (False, MORNING + timedelta(minutes=4), 1)
    rest = outcomes(world).performance("acme", MORNING - DAY, part.begin)
    assert (rest.complete, sum(rest.labeled.values())) == (True, 2)


def reviews(world: World, limit: int, cursor: str | None = None, end: datetime | None = None) -> Any:
    after = review_position(cursor)
    end = after[0] if after else end or world.now + DAY
    selection = DecisionFilter(MORNING - DAY, end)
    return review_list(outcomes(world).reviews("acme", selection, after and after[1], limit), end)


def test_reviews_come_by_cost_and_labeled_ones_last_while_an_analyst_labels_and_callers_call(world: World) -> None:
    llrs = {"sure": 9.0, "doubtful": 2.0, "between": 4.0, "known": 1.0}
    for name, llr in llrs.items():
        decide(world, name, llr=llr)
    decide(world, "asked", Decision.STEP_UP, -2.0)
    state(world, "known", GENUINE)
    first = reviews(world, 2)
    assert [each.decision.decision_id for each in first.reviews] == ["doubtful", "between"]
    assert first.reviews[0].expected_cost > first.reviews[1].expected_cost > 0
    assert (first.looked_at, first.begin) == (5, MORNING)
    # What is decided and labeled meanwhile moves no other one to where it is not seen.
    world.now += 2 * DAY
    decide(world, "new", llr=0.5)
    state(world, "doubtful", FRAUD)
    found, cursor = [], first.next_cursor
    while cursor:
        assert len(cursor) <= 128
        page = reviews(world, 2, cursor)
        found += [each.decision.decision_id for each in page.reviews]
        cursor = page.next_cursor
    assert found == ["sure", "asked", "known", "doubtful"]


def test_the_list_looks_at_so_many_of_the_newest_decisions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REVIEWED", 2)
    for name, llr in (("old", 0.5), ("middle", 2.0), ("new", 3.0)):
        world.now += timedelta(minutes=1)
        decide(world, name, llr=llr)
    newest = reviews(world, 10)
    assert [each.decision.decision_id for each in newest.reviews] == ["middle", "new"]
    older = reviews(world, 10, end=newest.begin)
    assert [each.decision.decision_id for each in older.reviews] == ["old"]


@pytest.mark.parametrize("cursor", ["", "!", "YW5u", "MTAwfDJ8MS4wMDAwMDAwMDBlKzAwfDEuMDAwMDAwMDAwZSswMHxh"])
def test_a_cursor_of_another_list_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(BonafideError) as error:
        reviews(world, 1, cursor)
    assert error.value.code == "cursor_invalid"


@pytest.mark.parametrize(
    "fields",
    [{"label": "genuine", "attack": "impostor"}, {"label": "maybe"}, {"label": "fraud", "source": "two words"}],
)
def test_a_statement_that_says_nothing_clear_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        OutcomeRequest.model_validate(fields)
