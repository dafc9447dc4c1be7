"""What is archived of a decision tells nothing of the person without the key, and everything with it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings

from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import (
    PERSONAL,
    PLAIN,
    ArchivedDecision,
    StoredDecision,
    day_of,
    personal_part,
    plain_part,
)
from tests.decisions import DECIDED_AT, decision_record, session_decision_record
from tests.records.strategies import AUTHENTICATIONS, EVALUATIONS

UNTIL = DECIDED_AT + timedelta(days=365)


def stored(record: DecisionRecord) -> StoredDecision:
    return StoredDecision(json.loads(json.dumps(record.to_document())), UNTIL)


@settings(max_examples=15)
@given(AUTHENTICATIONS | EVALUATIONS)
def test_a_decision_comes_back_as_it_was_but_for_the_components_of_its_embedding(record: DecisionRecord) -> None:
    entry = ArchivedDecision.of(stored(record), "sealed", DECIDED_AT)
    back = ArchivedDecision.from_bytes(entry.to_bytes())
    assert back == entry
    case = replace(record.case, embedding_norm=None, embedding_directions=())
    assert back.record(personal_part(record.to_document())) == replace(record, case=case)


@pytest.mark.parametrize(
    "record", [decision_record(speaker="zoe", caller="keyed", generation="g1"), session_decision_record(speaker="zoe")]
)
def test_without_the_key_nothing_leads_to_the_person(record: DecisionRecord) -> None:
    content = ArchivedDecision.of(stored(record), None, DECIDED_AT).to_bytes().decode()
    leading = [record.speaker, record.call_id, record.audio, record.request_id, record.principal]
    leading += [record.session.session, record.session.evaluation_id] if record.session else [record.caller]
    assert not [each for each in leading if each and each in content]
    unlinked = ArchivedDecision.from_bytes(content.encode()).record()
    assert (unlinked.judgement, unlinked.policy) == (record.judgement, record.policy)


def test_a_decision_that_is_archived_late_belongs_to_the_day_of_archiving() -> None:
    decided = datetime(2026, 1, 2, 23, 59, tzinfo=UTC)
    assert day_of(decided, datetime(2026, 1, 3, 0, 59, tzinfo=UTC)) == date(2026, 1, 2)
    assert day_of(decided, datetime(2026, 1, 3, 1, 0, tzinfo=UTC)) == date(2026, 1, 3)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"domain": 1}'])
def test_what_is_no_entry_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"archived|JSON|Expecting|line"):
        ArchivedDecision.from_bytes(content)


@pytest.mark.parametrize("record", [decision_record(), session_decision_record()])
def test_it_is_decided_of_every_attribute_whether_it_leads_to_the_person(record: DecisionRecord) -> None:
    assert record.to_document().keys() <= PLAIN | set(PERSONAL)
    assert not PLAIN & set(PERSONAL)


def test_what_another_release_wrote_is_archived_as_it_is_and_what_is_unknown_as_personal() -> None:
    document = {**decision_record().to_document(), "number": "+49", "facts": {"obstacle": None, "later": 1.5}}
    assert plain_part(document)["facts"] == {"obstacle": None, "later": 1.5}
    assert "number" not in plain_part(document)
    assert json.loads(personal_part(document))["number"] == "+49"
