"""Services that need state only."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from botocore.config import Config

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb import DynamoDecisionLog, DynamoTenantStore
from bonafide.adapters.kinesis import KinesisAudioStream
from bonafide.adapters.s3 import S3AudioStore, S3FailureStore
from bonafide.adapters.sessions import DynamoSessionStore
from bonafide.adapters.tracing import traced
from bonafide.biometrics.scoring import Calibration
from bonafide.services.closing import SessionClosing
from bonafide.services.evaluation import SessionJudge
from bonafide.services.intake import AudioIntake
from bonafide.services.recordings import Recordings
from bonafide.services.sessions import Sessions
from bonafide.services.setting_aside import SettingAside
from bonafide.services.speakers import Speakers
from bonafide.services.tenants import Tenants
from bonafide.settings import (
    AudioBucket,
    BundleSettings,
    ChunkStream,
    DecisionTable,
    DomainTable,
    FailureBucket,
    IdempotencyTable,
    SessionTable,
    StageName,
)

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


def stage() -> str:
    """Returns the name of the deployment stage."""
    return StageName.read(os.environ).stage


@cache
def _dynamodb() -> "DynamoDBClient":
    return traced(boto3.client("dynamodb", config=CALLS))


@cache
def tenant_store() -> DynamoTenantStore:
    """Domains and speakers."""
    return DynamoTenantStore(_dynamodb(), DomainTable.read(os.environ).domain_table)


@cache
def recordings() -> Recordings:
    """Uploaded and kept audio."""
    bucket = AudioBucket.read(os.environ).audio_bucket
    return Recordings(S3AudioStore(traced(boto3.client("s3", config=UPLOADS)), bucket))


def idempotency() -> DynamoDBPersistenceLayer:
    """Where answers are remembered by Idempotency-Key."""
    client: Any = _dynamodb()
    table = IdempotencyTable.read(os.environ).idempotency_table
    return DynamoDBPersistenceLayer(table_name=table, boto3_client=client)


def tenants() -> Tenants:
    """The service behind the domain routes."""
    return Tenants(tenant_store(), recordings())


def speakers() -> Speakers:
    """The service behind the speaker routes."""
    return Speakers(tenant_store(), recordings())


def decisions() -> DynamoDecisionLog:
    """The ledger of decisions."""
    return DynamoDecisionLog(_dynamodb(), DecisionTable.read(os.environ).decision_table)


@cache
def bundle_settings() -> BundleSettings:
    """Where the models are."""
    return BundleSettings.read(os.environ)


@cache
def session_store() -> DynamoSessionStore:
    """Calls and their evidence."""
    return DynamoSessionStore(_dynamodb(), SessionTable.read(os.environ).session_table)


def judge() -> SessionJudge:
    """Judges calls; it needs the bundle's calibration only."""
    files = BundleFiles.open(bundle_settings().bundle_dir, bundle_settings().bundle_digest)
    calibration = Calibration.parse(files.calibration())
    return SessionJudge(session_store(), tenant_store(), decisions(), calibration, files.digest)


def sessions() -> Sessions:
    """The service behind the session routes."""
    return Sessions(session_store(), tenant_store(), judge())


def intake() -> AudioIntake:
    """The service behind the chunk routes."""
    client = traced(boto3.client("kinesis", config=CALLS))
    stream = KinesisAudioStream(client, ChunkStream.read(os.environ).audio_stream)
    return AudioIntake(session_store(), tenant_store(), stream)


def closing() -> SessionClosing:
    """The service that settles forgotten calls."""
    return SessionClosing(session_store(), tenant_store(), judge())


def setting_aside() -> SettingAside:
    """Where events go that can never be scored."""
    bucket = FailureBucket.read(os.environ).failure_bucket
    failures = S3FailureStore(traced(boto3.client("s3", config=CALLS)), bucket)
    return SettingAside(failures, tenant_store())
