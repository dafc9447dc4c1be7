"""Risk of calls."""

import os
from functools import cache

from bonafide.adapters.risk.dynamodb import DynamoCallStore
from bonafide.bootstrap.clients import dynamodb
from bonafide.services.shared.risk.calls import CallRisks
from bonafide.settings import CallTable


@cache
def call_store() -> DynamoCallStore:
    """Returns the store of counters and histories of calls."""
    return DynamoCallStore(dynamodb(), CallTable.read(os.environ).call_table)


def call_risks() -> CallRisks:
    """Composes the assessment of calls."""
    return CallRisks(call_store())
