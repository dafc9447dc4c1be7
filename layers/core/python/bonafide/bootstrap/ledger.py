"""The archive of decisions: who adds to it, and who seals its days."""

import os

import boto3
from botocore.config import Config

from bonafide.adapters.eventbridge import EventBridgeDecisionEvents
from bonafide.adapters.kms import KmsPartSignatures
from bonafide.adapters.ledger.archive import S3DayParts, S3DecisionArchive, S3SealStore
from bonafide.adapters.ledger.objects import READERS, AddedObjects
from bonafide.adapters.ledger.personal import SpeakerFields
from bonafide.adapters.tracing import traced
from bonafide.bootstrap.clients import CALLS, KEYS, UPLOADS, dynamodb
from bonafide.bootstrap.protection import template_protection
from bonafide.bootstrap.stores import decision_store, domain_store, stage
from bonafide.services.archive.archiving import Archiving, Reconciliation
from bonafide.services.archive.sealing import Sealing
from bonafide.settings import ArchiveBucket, CalibrationKey, DomainTable, ProbeDomain, RootLock
from bonafide.table_consumer import TableConsumer

# A connection for each thread that reads or writes.
MANY_AT_ONCE = UPLOADS.merge(Config(max_pool_connections=READERS))


def added_objects() -> AddedObjects:
    """Returns the objects of the archive."""
    return AddedObjects(traced(boto3.client("s3", config=MANY_AT_ONCE)), ArchiveBucket.read(os.environ).archive_bucket)


def archiving() -> Archiving:
    """Composes the archiving of decisions."""
    personal = SpeakerFields(dynamodb(), template_protection(), DomainTable.read(os.environ).domain_table)
    return Archiving(S3DecisionArchive(added_objects()), personal, ProbeDomain.read(os.environ).probe_domain)


def decision_events() -> EventBridgeDecisionEvents:
    """Returns the events of decisions."""
    return EventBridgeDecisionEvents(traced(boto3.client("events", config=CALLS)), stage())


def consumer() -> TableConsumer:
    """Composes the consumer of the stream of the table of decisions."""
    return TableConsumer(archiving(), decision_events())


def reconciliation() -> Reconciliation:
    """Composes the search for decisions that were not archived."""
    archive = S3DecisionArchive(added_objects())
    return Reconciliation(domain_store(), decision_store(), archive, archiving(), decision_events())


def sealing() -> Sealing:
    """Composes the sealing of days."""
    objects = added_objects()
    seals = S3SealStore(objects, RootLock.read(os.environ).root_lock)
    key = CalibrationKey.read(os.environ).calibration_key
    signatures = KmsPartSignatures(lambda: traced(boto3.client("kms", config=KEYS)), key)
    parts = S3DayParts(objects, signatures)
    return Sealing(S3DecisionArchive(objects), seals, parts, decision_store(), domain_store())
