"""Services of outcomes: statements on decisions, error rates, reviews."""

from bonafide.bootstrap.risk import call_store
from bonafide.bootstrap.stores import decision_store, domain_store
from bonafide.services.outcomes import Outcomes
from bonafide.services.shared.risk.outcomes import CallOutcomes


def outcomes() -> Outcomes:
    """Composes what outcomes tell of decisions."""
    return Outcomes(domain_store(), decision_store())


def outcome_statements() -> Outcomes:
    """Composes the taking of statements, which also teach whence people call."""
    return Outcomes(domain_store(), decision_store(), calls=CallOutcomes(call_store(), domain_store()))
