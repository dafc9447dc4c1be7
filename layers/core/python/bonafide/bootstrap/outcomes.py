"""Services of outcomes: statements on decisions, error rates, reviews."""

from bonafide.bootstrap.risk import call_store
from bonafide.bootstrap.stores import decision_store, domain_store
from bonafide.services.outcomes import Outcomes
from bonafide.services.shared.risk.outcomes import CallOutcomes


def outcomes() -> Outcomes:
    """Composes the outcomes of decisions."""
    return Outcomes(domain_store(), decision_store(), calls=CallOutcomes(call_store(), domain_store()))
