"""Statements on what a call turned out to be."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.contracts.base import Answer, RangeLimit, Request
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_history
from bonafide.services.outcomes import StatedOutcome

# Printable, without blanks: a reference.
type Source = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]


class OutcomeRequest(Request):
    """States what a call turned out to be; a later statement corrects it, and `unknown` takes it back."""

    label: OutcomeLabel = Field(description="`unknown` takes back what was stated before.")
    attack: AttackKind | None = Field(
        None,
        description="Kind of the fraud, where it is known: another human's own voice, synthetic or converted "
        "speech, a recording, or anything else.",
    )
    known_at: RangeLimit | None = Field(
        None,
        description="When it became known; not in the future. Of several statements the one with the latest time is in "
        "force, whichever came last. Left out: now.",
    )
    source: Source | None = Field(
        None, description="Your reference to where it is known from, such as a case; never personal data."
    )

    @model_validator(mode="after")
    def _only_fraud_is_an_attack(self) -> Self:
        if self.attack and self.label is not OutcomeLabel.FRAUD:
            raise PydanticCustomError("attack", "an attack needs the label fraud")
        return self

    def to_record(self) -> StatedOutcome:
        """Returns the statement as services take it."""
        return StatedOutcome(self.label, self.attack, self.known_at, self.source)


class OutcomeEntry(Answer):
    """One statement on the outcome of a decision."""

    statement_id: str
    label: OutcomeLabel
    attack: AttackKind | None
    known_at: AwareDatetime = Field(description="When it became known, as stated.")
    stated_at: AwareDatetime = Field(description="When the statement arrived.")
    stated_by: str | None = Field(
        description="Verified identity of who stated it; null where requests are not signed, and of others in the "
        "answer to a statement."
    )
    source: str | None = Field(
        description="As stated; null where the decision was unlinked from its speaker, and of others in the answer to "
        "a statement."
    )


class DecisionOutcome(Answer):
    """The outcome of a decision."""

    domain: str
    decision_id: str
    outcome: OutcomeEntry = Field(description="The statement that is in force.")
    outcome_history: list[OutcomeEntry] = Field(description="All statements, the one in force first.")


def outcome_entry(statement: OutcomeStatement) -> OutcomeEntry:
    """Returns the view of a statement."""
    return OutcomeEntry(
        statement_id=statement.statement_id,
        label=statement.label,
        attack=statement.attack,
        known_at=statement.known_at,
        stated_at=statement.stated_at,
        stated_by=statement.principal,
        source=statement.source,
    )


def outcome_entries(statements: Sequence[OutcomeStatement]) -> list[OutcomeEntry]:
    """Returns the views of statements, the one in force first."""
    return [outcome_entry(each) for each in reversed(outcome_history(statements))]


def outcome_view(domain: str, decision_id: str, statements: Sequence[OutcomeStatement]) -> DecisionOutcome:
    """Returns the view of what is stated on a decision, which is something."""
    entries = outcome_entries(statements)
    return DecisionOutcome(domain=domain, decision_id=decision_id, outcome=entries[0], outcome_history=entries)
