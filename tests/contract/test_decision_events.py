"""Events of decisions are as they are published, say the same when they come again, and lead to nobody."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from bonafide.contracts.published.decisions import DecisionMade, decision_made, schema
from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import PERSONAL, StoredDecision
from local.contracts.schemas import DECISION_MADE
from local.contracts.schemas import decision_made as published
from tests.decisions import DECIDED_AT, decision_record, session_decision_record
from tests.records.strategies import AUTHENTICATIONS, EVALUATIONS

PUBLISHED = Draft202012Validator(
    json.loads(DECISION_MADE.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def stored(record: DecisionRecord) -> StoredDecision:
    return StoredDecision(json.loads(json.dumps(record.to_document())), DECIDED_AT + timedelta(days=1))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert DECISION_MADE.read_text() == published(), "run `make openapi`"
    Draft202012Validator.check_schema(schema())


@settings(max_examples=20)
@given(AUTHENTICATIONS | EVALUATIONS)
def test_the_event_of_any_decision_is_as_published(record: DecisionRecord) -> None:
    if record.decision_id is not None:
        PUBLISHED.validate(json.loads(decision_made("dev", stored(record)).model_dump_json()))


def test_the_event_of_a_decision_has_the_same_name_whenever_it_is_sent_and_no_other_has_it() -> None:
    first, again = (decision_made("dev", stored(decision_record())) for _ in range(2))
    assert first == again
    others = [
        decision_made("production", stored(decision_record())),
        decision_made("dev", stored(decision_record(decision_id="other"))),
        decision_made("dev", stored(decision_record(domain="other"))),
    ]
    assert len({each.id for each in (first, *others)}) == 4


@pytest.mark.parametrize(
    ("record", "kind"),
    [(decision_record(speaker="zoe", caller="keyed"), "authentication"), (session_decision_record(), "session")],
)
def test_an_event_leads_to_nobody(record: DecisionRecord, kind: str) -> None:
    event = decision_made("dev", stored(record))
    assert event.kind == kind
    assert not DecisionMade.model_fields.keys() & set(PERSONAL)
    personal = [each for name in PERSONAL if isinstance(each := record.to_document().get(name), str)]
    assert personal
    assert not [each for each in personal if each in event.model_dump_json()]
