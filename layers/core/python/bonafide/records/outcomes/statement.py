"""Statements on what a call turned out to be, and the one that is in force."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.records import Stored, StoredForm


@dataclass(frozen=True, slots=True)
class OutcomeStatement:
    """One statement; none is ever changed, and a later one corrects it.

    Attributes:
        statement_id: tells it from every other statement on the decision.
        label: truth about the call.
        attack: kind of a fraud, if it is known.
        known_at: when that became known, as stated; the order of statements is that of these times.
        stated_at: when the statement arrived.
        principal: verified identity of who stated it; None where requests are not signed.
        source: your reference to where it is known from; None once the decision is unlinked.
    """

    statement_id: str
    label: OutcomeLabel
    attack: AttackKind | None
    known_at: datetime
    stated_at: datetime
    principal: str | None = None
    source: str | None = None

    def shown_to(self, principal: str | None) -> Self:
        """Returns the statement without who stated it and its reference, unless it is the principal's own."""
        return self if self.principal == principal else replace(self, principal=None, source=None)

    def to_document(self) -> StoredForm:
        """Returns the stored form without the source, which is stored apart."""
        return {
            "id": self.statement_id,
            "label": str(self.label),
            "attack": self.attack and str(self.attack),
            "known_at": self.known_at.isoformat(),
            "stated_at": self.stated_at.isoformat(),
            "principal": self.principal,
        }

    @classmethod
    def from_document(cls, document: Stored, source: str | None = None) -> Self:
        """Reads a stored form; a label of a later release is unknown to this one."""
        label, attack = document["label"], document["attack"]
        return cls(
            statement_id=document["id"],
            label=OutcomeLabel(label) if label in OutcomeLabel else OutcomeLabel.UNKNOWN,
            attack=None if attack is None else AttackKind(attack) if attack in AttackKind else AttackKind.OTHER,
            known_at=datetime.fromisoformat(document["known_at"]),
            stated_at=datetime.fromisoformat(document["stated_at"]),
            principal=document["principal"],
            source=source,
        )


def outcome_history(statements: Iterable[OutcomeStatement]) -> tuple[OutcomeStatement, ...]:
    """Returns the statements in their order, each once, whatever the order and number in which they came.

    The order is that of the times at which the truth became known; of equal ones, of arrival, then of identifiers. Of
    two statements under one identifier, as a request leaves them that was repeated after a fault, the first stands.
    """
    once: dict[str, OutcomeStatement] = {}
    for each in statements:
        other = once.get(each.statement_id, each)
        # The text decides between equal times, so that the result does not depend on the order.
        once[each.statement_id] = min(each, other, key=lambda one: (one.stated_at, str(one)))
    return tuple(sorted(once.values(), key=lambda each: (each.known_at, each.stated_at, each.statement_id)))


def outcome_in_force(statements: Iterable[OutcomeStatement]) -> OutcomeStatement | None:
    """Returns the last statement of the history; None if there is none."""
    history = outcome_history(statements)
    return history[-1] if history else None


def without_source(statement: OutcomeStatement) -> OutcomeStatement:
    """Returns the statement without what may lead to the person."""
    return replace(statement, source=None)
