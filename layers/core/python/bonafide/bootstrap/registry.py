"""The registry of model versions."""

import os

import boto3

from bonafide.adapters.dynamodb.models import DynamoModelRegistryStore
from bonafide.adapters.eventbridge import EventBridgePromotionEvents
from bonafide.adapters.model_files import S3ModelFiles
from bonafide.adapters.tracing import traced
from bonafide.bootstrap.clients import CALLS, UPLOADS
from bonafide.bootstrap.stores import stage
from bonafide.services.models.promotions import Promotions
from bonafide.services.models.versions import ModelVersions
from bonafide.settings import ModelRegistryPlaces


def _store() -> DynamoModelRegistryStore:
    client = traced(boto3.client("dynamodb", config=CALLS))
    return DynamoModelRegistryStore(client, ModelRegistryPlaces.read(os.environ).model_table)


def model_versions() -> ModelVersions:
    """Composes registration and reading of model versions."""
    bucket = ModelRegistryPlaces.read(os.environ).model_bucket
    return ModelVersions(_store(), S3ModelFiles(traced(boto3.client("s3", config=UPLOADS)), bucket))


def promotions() -> Promotions:
    """Composes promotions and rollbacks."""
    events = EventBridgePromotionEvents(traced(boto3.client("events", config=CALLS)), stage())
    return Promotions(_store(), events)
