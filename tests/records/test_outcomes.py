"""Statements on an outcome: whatever the order and the number in which they come, the same one is in force."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_history, outcome_in_force

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Few values, so that times and identifiers are often equal.
MOMENTS = st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours))
STATEMENTS = st.builds(
    OutcomeStatement,
    statement_id=st.sampled_from("abcde"),
    label=st.sampled_from(OutcomeLabel),
    attack=st.none() | st.sampled_from(AttackKind),
    known_at=MOMENTS,
    stated_at=MOMENTS,
    principal=st.none() | st.sampled_from(["role/analyst", "role/center"]),
    source=st.none() | st.sampled_from(["case-1", "case-2"]),
)
GENUINE = OutcomeStatement("b", OutcomeLabel.GENUINE, None, NOON, NOON)
FRAUD = OutcomeStatement("a", OutcomeLabel.FRAUD, AttackKind.SYNTHETIC, NOON + timedelta(hours=1), NOON)


@given(st.lists(STATEMENTS, max_size=8), st.data())
def test_order_and_duplicates_change_nothing(statements: list[OutcomeStatement], data: Any) -> None:
    again = data.draw(st.lists(st.sampled_from(statements), max_size=4)) if statements else []
    shuffled = data.draw(st.permutations([*statements, *again]))
    history = outcome_history(statements)
    assert outcome_history(shuffled) == history == outcome_history(reversed(history))
    assert outcome_in_force(shuffled) == (history[-1] if history else None)
    assert len({each.statement_id for each in history}) == len(history)


@given(st.lists(STATEMENTS, max_size=6), st.lists(STATEMENTS, max_size=6))
def test_statements_may_be_joined_in_any_groups(left: list[OutcomeStatement], right: list[OutcomeStatement]) -> None:
    assert outcome_history([*outcome_history(left), *outcome_history(right)]) == outcome_history([*right, *left])


def test_what_became_known_last_is_in_force_however_late_an_earlier_one_is_stated() -> None:
    late = replace(GENUINE, stated_at=NOON + timedelta(days=3))
    assert outcome_in_force([FRAUD, late]) == FRAUD
    # Of what became known at one time, the one that was stated last.
    contradiction = replace(GENUINE, known_at=FRAUD.known_at, stated_at=NOON + timedelta(days=3))
    assert outcome_in_force([contradiction, FRAUD]) == contradiction


def test_a_statement_is_taken_back_by_unknown() -> None:
    taken_back = OutcomeStatement("c", OutcomeLabel.UNKNOWN, None, NOON + timedelta(days=1), NOON)
    assert outcome_in_force([taken_back, FRAUD, GENUINE]) == taken_back
    assert outcome_in_force([]) is None


@given(STATEMENTS)
def test_a_statement_is_read_as_it_was_stored(statement: OutcomeStatement) -> None:
    document = json.loads(json.dumps(statement.to_document()))
    assert statement.source is None or statement.source not in json.dumps(document)
    assert OutcomeStatement.from_document(document, statement.source) == statement


def test_what_a_later_release_adds_is_no_error() -> None:
    document = {**FRAUD.to_document(), "label": "suspected", "attack": "coerced", "sure": 0.5}
    read = OutcomeStatement.from_document(document)
    assert (read.label, read.attack) == (OutcomeLabel.UNKNOWN, AttackKind.OTHER)
