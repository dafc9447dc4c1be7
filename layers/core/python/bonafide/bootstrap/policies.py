"""Services of policies."""

import os

from bonafide.adapters.policies.dynamodb import DynamoStagingStore
from bonafide.bootstrap.clients import dynamodb
from bonafide.bootstrap.stores import decision_store, domain_store
from bonafide.services.policies.comparisons import PolicyComparisons
from bonafide.services.policies.life_cycle import Policies
from bonafide.settings import DomainTable


def staging_store() -> DynamoStagingStore:
    """Returns the store of staged policies, which are in the table of domains."""
    return DynamoStagingStore(dynamodb(), DomainTable.read(os.environ).domain_table)


def policies() -> Policies:
    """Composes the life cycle of policies."""
    return Policies(domain_store(), staging_store())


def policy_comparisons() -> PolicyComparisons:
    """Composes comparisons of decisions with those of another policy."""
    return PolicyComparisons(domain_store(), staging_store(), decision_store())
