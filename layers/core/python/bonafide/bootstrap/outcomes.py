"""Services of outcomes: statements on decisions, error rates, reviews."""

from bonafide.bootstrap.stores import decision_store, domain_store
from bonafide.services.outcomes import Outcomes


def outcomes() -> Outcomes:
    """Composes the outcomes of decisions."""
    return Outcomes(domain_store(), decision_store())
