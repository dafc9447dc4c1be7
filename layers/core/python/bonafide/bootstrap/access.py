"""Checks of who sends a request, and the audit trail."""

import os
from datetime import timedelta

from bonafide.access.authorization import AccessRules
from bonafide.adapters.dynamodb.audit import DynamoAuditTrail
from bonafide.bootstrap.clients import dynamodb
from bonafide.bootstrap.stores import domain_store
from bonafide.ports.signatures import CallerHashes
from bonafide.services.access import LONGEST_AGE as PRINCIPALS_KEPT
from bonafide.services.access import DomainAccess
from bonafide.services.audit import Audit
from bonafide.settings import AccessSettings, DomainTable


def access(*, kept: bool = False) -> DomainAccess:
    """Composes the check of senders.

    Args:
        kept: whether principals are used again for a while: for functions whose services read the domain themselves
            before they act.
    """
    return DomainAccess(access_rules(), domain_store(), PRINCIPALS_KEPT if kept else timedelta())


def audit(hashes: CallerHashes | None = None) -> Audit:
    """Composes the audit trail, which is in the table of domains; `hashes` name speakers in it."""
    trail = DynamoAuditTrail(dynamodb(), DomainTable.read(os.environ).domain_table)
    return Audit(trail, domain_store(), access_rules(), hashes=hashes)


def access_rules() -> AccessRules:
    """Returns what the deployment's configuration says of principals."""
    settings = AccessSettings.read(os.environ)
    return AccessRules.parse(settings.access_rules, settings.probe_domain)
