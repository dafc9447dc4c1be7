"""Stores of watchlists, and their search."""

import os
from functools import cache

import boto3

from bonafide.adapters.tracing import traced
from bonafide.adapters.watchlists.doubles import DynamoDoubleEnrollmentStore
from bonafide.adapters.watchlists.dynamodb import DynamoWatchlistStore
from bonafide.adapters.watchlists.packs import VoicePacks
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.bootstrap.clients import UPLOADS, dynamodb
from bonafide.bootstrap.protection import template_protection
from bonafide.services.shared.watchlists.searching import WatchlistSearch
from bonafide.settings import AudioBucket, DomainTable


@cache
def watchlist_store() -> DynamoWatchlistStore:
    """Returns the store of watchlists."""
    sealing = VoiceSealing(template_protection().keys)
    packs = VoicePacks(traced(boto3.client("s3", config=UPLOADS)), AudioBucket.read(os.environ).audio_bucket, sealing)
    return DynamoWatchlistStore(dynamodb(), DomainTable.read(os.environ).domain_table, sealing, packs)


@cache
def watchlist_search() -> WatchlistSearch:
    """Returns the search; one for each environment, since it keeps voices."""
    return WatchlistSearch(watchlist_store())


@cache
def double_enrollment_store() -> DynamoDoubleEnrollmentStore:
    """Returns the store of reports on voices that are enrolled twice."""
    return DynamoDoubleEnrollmentStore(dynamodb(), DomainTable.read(os.environ).domain_table)
