"""Services that need state only."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from botocore.config import Config

from bonafide.adapters.dynamodb import DynamoDecisionLog, DynamoTenantStore
from bonafide.adapters.s3 import S3AudioStore
from bonafide.services.recordings import Recordings
from bonafide.services.speakers import Speakers
from bonafide.services.tenants import Tenants
from bonafide.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The slowest call to a store ends after 3 attempts of 2 s and their pauses, well inside the API's 29 s.
CALLS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    signature_version="v4",
)
UPLOADS = CALLS.merge(Config(signature_version="s3v4", read_timeout=5))


@cache
def settings() -> Settings:
    """The deployment's settings."""
    return Settings.read(os.environ)


@cache
def _dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb", config=CALLS)


@cache
def tenant_store() -> DynamoTenantStore:
    """Domains and speakers."""
    return DynamoTenantStore(_dynamodb(), settings().tenant_table)


@cache
def recordings() -> Recordings:
    """Uploaded and kept audio."""
    return Recordings(S3AudioStore(boto3.client("s3", config=UPLOADS), settings().audio_bucket))


def idempotency() -> DynamoDBPersistenceLayer:
    """Where answers are remembered by Idempotency-Key."""
    client: Any = _dynamodb()
    return DynamoDBPersistenceLayer(table_name=settings().idempotency_table, boto3_client=client)


def tenants() -> Tenants:
    """The service behind the domain routes."""
    return Tenants(tenant_store(), recordings())


def speakers() -> Speakers:
    """The service behind the speaker routes."""
    return Speakers(tenant_store(), recordings())


def decisions() -> DynamoDecisionLog:
    """The ledger of decisions."""
    return DynamoDecisionLog(_dynamodb(), settings().decision_table)
