"""The archive of decisions: who adds to it, and who seals its days."""

import os

import boto3

from bonafide.adapters.ledger.archive import S3DecisionArchive, S3SealStore
from bonafide.adapters.ledger.personal import SpeakerFields
from bonafide.adapters.tracing import traced
from bonafide.bootstrap.clients import UPLOADS, dynamodb
from bonafide.bootstrap.protection import template_protection
from bonafide.bootstrap.stores import decision_store, domain_store
from bonafide.services.archive.archiving import Archiving, Reconciliation
from bonafide.services.archive.sealing import Sealing
from bonafide.settings import ArchiveBucket, ProbeDomain


def decision_archive() -> S3DecisionArchive:
    """Returns the archive."""
    bucket = ArchiveBucket.read(os.environ).archive_bucket
    return S3DecisionArchive(traced(boto3.client("s3", config=UPLOADS)), bucket)


def archiving() -> Archiving:
    """Composes the archiving of decisions."""
    personal = SpeakerFields(dynamodb(), template_protection())
    return Archiving(decision_archive(), personal, ProbeDomain.read(os.environ).probe_domain)


def reconciliation() -> Reconciliation:
    """Composes the search for decisions that were not archived."""
    return Reconciliation(domain_store(), decision_store(), decision_archive(), archiving())


def sealing() -> Sealing:
    """Composes the sealing of days."""
    bucket = ArchiveBucket.read(os.environ).archive_bucket
    return Sealing(decision_archive(), S3SealStore(traced(boto3.client("s3", config=UPLOADS)), bucket))
