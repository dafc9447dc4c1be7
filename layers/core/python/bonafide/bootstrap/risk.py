"""Risk of calls."""

import os
from functools import cache

import boto3

from bonafide.adapters.risk.dynamodb import DynamoCallStore
from bonafide.adapters.tracing import traced
from bonafide.bootstrap.clients import COUNTERS
from bonafide.services.shared.risk.calls import CallRisks
from bonafide.settings import CallTable


@cache
def call_store() -> DynamoCallStore:
    """Returns the store of counters and histories of calls."""
    return DynamoCallStore(traced(boto3.client("dynamodb", config=COUNTERS)), CallTable.read(os.environ).call_table)


def call_risks() -> CallRisks:
    """Composes the assessment of calls."""
    return CallRisks(call_store())
