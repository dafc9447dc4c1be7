"""Erasure, through every store that holds something about people."""

import os
from collections.abc import Sequence
from datetime import datetime

import boto3

from bonafide.adapters.dynamodb.items import (
    ATTEMPT_PARTITION,
    CALIBRATION_PARTITION,
    HISTORY_PARTITION,
    POLICY_PARTITION,
    USED_PREFIX,
    WATCHLIST_PARTITION,
)
from bonafide.adapters.dynamodb.monitoring.drift import drift_partition
from bonafide.adapters.dynamodb.monitoring.shadow import result_key, shadow_partition
from bonafide.adapters.erasure.answers import AnswerErasing
from bonafide.adapters.erasure.decisions import DecisionErasing
from bonafide.adapters.erasure.fingerprints import FingerprintErasing
from bonafide.adapters.erasure.keys import KeyErasing
from bonafide.adapters.erasure.objects import DatedObjects, ObjectErasing, UploadErasing
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.adapters.erasure.rows import (
    AttemptErasing,
    RowsOfDomain,
    attempts_at,
    calibrations_at,
    drift_at,
    in_key,
    staging_at,
)
from bonafide.adapters.erasure.sessions import SessionErasing
from bonafide.adapters.risk.erasing import CallErasing
from bonafide.adapters.tracing import traced
from bonafide.adapters.watchlists.doubles import DoubleEnrollmentErasing, DynamoDoubleEnrollmentStore
from bonafide.adapters.watchlists.items import written_at
from bonafide.bootstrap.clients import UPLOADS, dynamodb
from bonafide.bootstrap.protection import erasing_store, evidence_store
from bonafide.bootstrap.stores import attempt_store, domain_store, erasure_store, recordings
from bonafide.ports.erasure import ErasableStore
from bonafide.records.session import SessionRecord
from bonafide.services.erasures import DomainErasing, ErasureRuns, SpeakerErasing
from bonafide.services.privacy.expiry import VoiceprintExpiry
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import session_decision, speaker_counter
from bonafide.services.streaming.failed_records import NOBODY, RECORDS
from bonafide.settings import (
    AudioBucket,
    CallTable,
    DecisionTable,
    DomainTable,
    FailureBucket,
    FingerprintTable,
    IdempotencyTable,
    KeyTable,
    SessionTable,
)


def erasure_runs() -> ErasureRuns:
    """Composes the erasures that requests have begun."""
    return ErasureRuns(erasure_store(), domain_store(), erasable_stores())


def voiceprint_expiry() -> VoiceprintExpiry:
    """Composes the expiry of voiceprints."""
    return VoiceprintExpiry(erasing_store(), recordings(), erasure_store())


def erasable_stores(clock: Clock = utc_now) -> Sequence[ErasableStore]:
    """Returns every store that holds something about people, in the order of their erasure; add another one here."""
    s3, audio = traced(boto3.client("s3", config=UPLOADS)), AudioBucket.read(os.environ).audio_bucket
    failures = FailureBucket.read(os.environ).failure_bucket
    domains, sessions = DomainTable.read(os.environ).domain_table, SessionTable.read(os.environ).session_table
    of_domains, of_sessions = Partitions(dynamodb(), domains), Partitions(dynamodb(), sessions, "session", "item")
    attempts = RowsOfDomain("attempts", of_domains, ATTEMPT_PARTITION.__add__, attempts_at)
    waiting, set_aside = DatedObjects(s3, audio), DatedObjects(s3, failures)

    def forget_session(record: SessionRecord) -> None:
        waiting.delete_below(f"shadow/{record.domain}/{session_decision(record)}")
        # Those that were set aside before the session had a claim, or another one.
        for speaker in {record.speaker or NOBODY, NOBODY}:
            set_aside.delete_below(f"{RECORDS}{record.domain}/{speaker}/{record.session}/")

    def forget_decision(domain: str, decision_id: str, decided_at: datetime) -> None:
        waiting.delete_below(f"shadow/{domain}/{decision_id}")
        of_sessions.delete_items([result_key(domain, decided_at, f"#{decision_id}")])

    return [
        SpeakerErasing(erasing_store()),
        ObjectErasing("kept_audio", s3, audio, "kept/"),
        SessionErasing(dynamodb(), sessions, evidence_store().delete_session, forget_session, clock),
        UploadErasing(s3, audio),
        ObjectErasing("uploads_of_domain", s3, audio, "uploads/", of_speakers=False),
        ObjectErasing("shadow_audio", s3, audio, "shadow/", of_speakers=False),
        ObjectErasing("failed_records", s3, failures, RECORDS),
        AnswerErasing(dynamodb(), IdempotencyTable.read(os.environ).idempotency_table),
        DecisionErasing(dynamodb(), DecisionTable.read(os.environ).decision_table, forget_decision),
        RowsOfDomain("shadow_results", of_sessions, shadow_partition, in_key(1)),
        RowsOfDomain("drift", of_sessions, drift_partition, drift_at),
        AttemptErasing(attempts, _forget_attempts, _forget_use),
        FingerprintErasing(dynamodb(), FingerprintTable.read(os.environ).fingerprint_table),
        *_settings(of_domains),
        CallErasing(dynamodb(), CallTable.read(os.environ).call_table),
        DoubleEnrollmentErasing(DynamoDoubleEnrollmentStore(dynamodb(), domains)),
        RowsOfDomain("watchlists", of_domains, WATCHLIST_PARTITION.__add__, written_at),
        ObjectErasing("watchlist_voices", s3, audio, "watchlists/", of_speakers=False),
        KeyErasing(dynamodb(), domains, KeyTable.read(os.environ).key_table),
        DomainErasing(erasing_store()),
    ]


def _settings(rows: Partitions) -> Sequence[ErasableStore]:
    return [
        RowsOfDomain("staged_policies", rows, POLICY_PARTITION.__add__, staging_at),
        RowsOfDomain("versions", rows, HISTORY_PARTITION.__add__, in_key(0)),
        RowsOfDomain("calibrations", rows, CALIBRATION_PARTITION.__add__, calibrations_at),
    ]


def _forget_attempts(domain: str, speaker: str) -> int:
    return attempt_store().forget(domain, speaker_counter(speaker))


def _forget_use(domain: str, speaker: str) -> int:
    rows, name = Partitions(dynamodb(), DomainTable.read(os.environ).domain_table), USED_PREFIX + speaker
    items, _ = rows.page(ATTEMPT_PARTITION + domain, name)
    return rows.delete_items([each for each in items if each["item"]["S"] == name])
