"""Checks of who sends a request, and the audit trail."""

import os
from datetime import timedelta

from bonafide.access.authorization import AccessRules
from bonafide.access.quota import QuotaRules
from bonafide.adapters.dynamodb.audit import DynamoAuditTrail
from bonafide.adapters.quotas.dynamodb import DynamoQuotaStore
from bonafide.bootstrap.clients import dynamodb
from bonafide.bootstrap.stores import domain_store
from bonafide.ports.signatures import CallerHashes
from bonafide.services.access import LONGEST_AGE as PRINCIPALS_KEPT
from bonafide.services.access import DomainAccess
from bonafide.services.audit import Audit
from bonafide.services.shared.quotas import Quotas
from bonafide.settings import AccessSettings, DomainTable, QuotaSettings


def access(*, kept: bool = False, metered: bool = False) -> DomainAccess:
    """Composes the check of senders.

    Args:
        kept: whether principals are used again for a while: for functions whose services read the domain themselves
            before they act.
        metered: whether the function has operations that count for the quota of their domain.
    """
    kept_for = PRINCIPALS_KEPT if kept else timedelta()
    return DomainAccess(access_rules(), domain_store(), kept_for, _quotas() if metered else None)


def _quotas() -> Quotas:
    store = DynamoQuotaStore(dynamodb(), DomainTable.read(os.environ).domain_table)
    return Quotas(store, quota_rules())


def quota_rules() -> QuotaRules:
    """Returns what the deployment's configuration says of quotas."""
    return QuotaRules.parse(QuotaSettings.read(os.environ).quota_rules)


def audit(hashes: CallerHashes | None = None) -> Audit:
    """Composes the audit trail, which is in the table of domains; `hashes` name speakers in it."""
    trail = DynamoAuditTrail(dynamodb(), DomainTable.read(os.environ).domain_table)
    return Audit(trail, domain_store(), access_rules(), hashes=hashes)


def access_rules() -> AccessRules:
    """Returns what the deployment's configuration says of principals."""
    settings = AccessSettings.read(os.environ)
    return AccessRules.parse(settings.access_rules, settings.probe_domain)
