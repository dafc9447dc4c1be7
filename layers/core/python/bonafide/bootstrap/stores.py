"""Services that need state only."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

import boto3

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.caller_hashes import StoredCallerHashes
from bonafide.adapters.dynamodb.attempts import DynamoAttemptStore
from bonafide.adapters.dynamodb.brakes import DynamoBrakeStore
from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.fingerprints import DynamoFingerprintStore
from bonafide.adapters.dynamodb.intake import DynamoIntakeReader
from bonafide.adapters.dynamodb.lags import DynamoShardLagStore
from bonafide.adapters.dynamodb.monitoring.drift import DynamoDriftStore
from bonafide.adapters.dynamodb.monitoring.shadow import DynamoShadowResults
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.erasure.answers import ClaimedAnswers
from bonafide.adapters.erasure.claims import AnswerCounts
from bonafide.adapters.erasure.progress import DynamoErasureStore
from bonafide.adapters.kinesis import KinesisAudioStream
from bonafide.adapters.kms import KmsSignatures, KmsWrapping
from bonafide.adapters.s3 import S3AudioStore, S3FailureStore
from bonafide.adapters.shadow_audio import S3ShadowAudio
from bonafide.adapters.tracing import traced
from bonafide.biometrics.scoring import SpaceCalibrations
from bonafide.bootstrap.clients import CALLS, KEYS, UPLOADS, dynamodb
from bonafide.bootstrap.protection import erasing_store, evidence_store, judgement_store, voice_store
from bonafide.bootstrap.risk import call_risks, call_store
from bonafide.services.attempts import AttemptResets
from bonafide.services.brakes import Brakes
from bonafide.services.calibrations import Calibrations
from bonafide.services.decisions import Decisions
from bonafide.services.domains import Domains
from bonafide.services.drift import DriftReading, DriftWatch
from bonafide.services.enrollment.taking_back import Contributions
from bonafide.services.erasures import ErasureReading
from bonafide.services.export import Export
from bonafide.services.shadow import ShadowReading, ShadowSweep
from bonafide.services.shared.braked_domains import BrakedDomains
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.recordings import Recordings
from bonafide.services.shared.replays import Replays
from bonafide.services.speakers import Speakers
from bonafide.services.streaming.closing import SessionClosing
from bonafide.services.streaming.failed_records import FailedRecords
from bonafide.services.streaming.intake import AudioIntake
from bonafide.services.streaming.judging import SessionJudge
from bonafide.services.streaming.sessions import Sessions
from bonafide.settings import (
    AudioBucket,
    BrakeSettings,
    BundleSettings,
    CalibrationKey,
    ChunkStream,
    DecisionTable,
    DomainTable,
    FailureBucket,
    FingerprintTable,
    IdempotencyTable,
    KeyTable,
    ProbeDomain,
    SessionTable,
    StageName,
)


def stage() -> str:
    """Returns the name of the deployment stage."""
    return StageName.read(os.environ).stage


@cache
def domain_store() -> DynamoDomainStore:
    """Returns the store of domains and speakers for those who need no voiceprints."""
    return DynamoDomainStore(dynamodb(), DomainTable.read(os.environ).domain_table)


@cache
def brake_store() -> DynamoBrakeStore:
    """Returns the store of brakes, which are in the table of domains."""
    return DynamoBrakeStore(dynamodb(), DomainTable.read(os.environ).domain_table)


@cache
def attempt_store() -> DynamoAttemptStore:
    """Returns the store of counters of failed attempts, which are in the table of domains."""
    return DynamoAttemptStore(dynamodb(), DomainTable.read(os.environ).domain_table)


@cache
def caller_hashes() -> StoredCallerHashes:
    """Returns the keyed hashes of references to callers."""
    key = CalibrationKey.read(os.environ).calibration_key
    wrapping = KmsWrapping(lambda: traced(boto3.client("kms", config=KEYS)), key)
    return StoredCallerHashes(dynamodb(), DomainTable.read(os.environ).domain_table, wrapping)


@cache
def braked_domains() -> BrakedDomains:
    """Returns domains and brakes as decisions need them; one for each environment, since it keeps the stage's brake."""
    kept = timedelta(seconds=float(BrakeSettings.read(os.environ).brake_kept_seconds))
    return BrakedDomains(voice_store(), brake_store(), kept)


@cache
def calibration_store() -> DynamoCalibrationStore:
    """Returns the store of calibrations of domains, which are in the table of domains."""
    return DynamoCalibrationStore(dynamodb(), DomainTable.read(os.environ).domain_table)


@cache
def signatures() -> KmsSignatures:
    """Returns the signatures of calibrations."""
    # Most environments never meet a domain with a calibration of its own, and a client takes a while to make.
    return KmsSignatures(
        lambda: traced(boto3.client("kms", config=KEYS)), CalibrationKey.read(os.environ).calibration_key
    )


def calibration_book(bases: SpaceCalibrations) -> CalibrationBook:
    """Composes the choice of calibrations, from those of the bundle."""
    return CalibrationBook(bases, signatures())


@cache
def decision_store() -> DynamoDecisionStore:
    """Returns the store of decisions for those who read them."""
    return DynamoDecisionStore(dynamodb(), DecisionTable.read(os.environ).decision_table)


@cache
def session_store() -> DynamoSessionStore:
    """Returns the store of sessions for those who have nothing to do with their evidence."""
    return DynamoSessionStore(dynamodb(), SessionTable.read(os.environ).session_table)


@cache
def fingerprint_store() -> DynamoFingerprintStore:
    """Returns the store of fingerprints of recordings."""
    return DynamoFingerprintStore(dynamodb(), FingerprintTable.read(os.environ).fingerprint_table)


def replays() -> Replays:
    """Composes the search for replayed audio."""
    return Replays(fingerprint_store(), ProbeDomain.read(os.environ).probe_domain)


@cache
def shard_lag_store() -> DynamoShardLagStore:
    """Returns the store of shard lags."""
    return DynamoShardLagStore(dynamodb(), SessionTable.read(os.environ).session_table)


@cache
def drift_store() -> DynamoDriftStore:
    """Returns the store of drift, which is in the table of sessions."""
    return DynamoDriftStore(dynamodb(), SessionTable.read(os.environ).session_table)


@cache
def recordings() -> Recordings:
    """Returns uploaded and kept audio."""
    bucket = AudioBucket.read(os.environ).audio_bucket
    return Recordings(S3AudioStore(traced(boto3.client("s3", config=UPLOADS)), bucket))


@cache
def erasure_store() -> DynamoErasureStore:
    """Returns the store of erasures, which is in the table of domains."""
    return DynamoErasureStore(dynamodb(), DomainTable.read(os.environ).domain_table)


def idempotency() -> ClaimedAnswers:
    """Returns the store of answers by Idempotency-Key."""
    client: Any = dynamodb()
    table = IdempotencyTable.read(os.environ).idempotency_table
    return ClaimedAnswers(table_name=table, boto3_client=client)


def domains() -> Domains:
    """Composes the life cycle of domains."""
    return Domains(erasing_store(), attempt_store(), recordings(), fingerprint_store(), erasure_store())


def brakes() -> Brakes:
    """Composes the setting and releasing of brakes."""
    return Brakes(brake_store(), domain_store())


def calibrations() -> Calibrations:
    """Composes the life cycle of calibrations of domains."""
    return Calibrations(calibration_store(), domain_store(), signatures())


def decisions() -> Decisions:
    """Composes the reading of decisions."""
    return Decisions(domain_store(), decision_store())


def contributions() -> Contributions:
    """Composes the taking back of contributions."""
    return Contributions(voice_store(), recordings(), replays())


def export() -> Export:
    """Composes the export of what is held on a speaker."""
    stores = domain_store(), recordings(), session_store(), decision_store(), fingerprint_store(), attempt_store()
    return Export(
        *stores, call_store(), AnswerCounts(dynamodb(), IdempotencyTable.read(os.environ).idempotency_table).of_speaker
    )


def erasure_reading() -> ErasureReading:
    """Composes the reading of reports of erasures."""
    return ErasureReading(erasure_store(), domain_store())


def drift_watch() -> DriftWatch:
    """Composes the watch for drift."""
    probe_domain = ProbeDomain.read(os.environ).probe_domain
    return DriftWatch(domain_store(), judgement_store(), drift_store(), probe_domain)


def drift_reading() -> DriftReading:
    """Composes the reading of drift."""
    return DriftReading(domain_store(), drift_store())


def speakers() -> Speakers:
    """Composes the life cycle of speakers."""
    return Speakers(erasing_store(), attempt_store(), recordings(), fingerprint_store(), erasure_store())


def attempt_resets() -> AttemptResets:
    """Composes the reading and resetting of failed attempts."""
    return AttemptResets(attempt_store(), domain_store(), caller_hashes())


def session_judge() -> SessionJudge:
    """Composes the judgement of sessions, which needs the bundle's calibrations only."""
    place = BundleSettings.read(os.environ)
    files = BundleFiles.open(place.bundle_dir, place.bundle_digest)
    book = calibration_book(SpaceCalibrations.parse(files.calibrations()))
    stores = evidence_store(), braked_domains(), judgement_store(), attempt_store()
    return SessionJudge(*stores, book, replays(), call_risks(), files.digest)


def sessions() -> Sessions:
    """Composes the life cycle of sessions."""
    reader = intake_reader(KeyTable.read(os.environ).key_table)
    return Sessions(evidence_store(), domain_store(), caller_hashes(), reader, session_judge())


def intake_reader(keys: str | None = None) -> DynamoIntakeReader:
    """Returns what reads a session together with its domain, and with its key out of a table if that is given."""
    domain_table, session_table = DomainTable.read(os.environ), SessionTable.read(os.environ)
    return DynamoIntakeReader(dynamodb(), domain_table.domain_table, session_table.session_table, keys)


def intake() -> AudioIntake:
    """Composes the intake of the audio stream."""
    client = traced(boto3.client("kinesis", config=CALLS))
    place = ChunkStream.read(os.environ)
    stream = KinesisAudioStream(client, place.audio_stream, int(place.stream_version))
    return AudioIntake(session_store(), domain_store(), intake_reader(), stream)


def closing() -> SessionClosing:
    """Composes the closing of overdue sessions."""
    return SessionClosing(evidence_store(), domain_store(), session_judge())


def shadow_sweep() -> ShadowSweep:
    """Composes the deletion of audio that waited for the shadow for too long."""
    bucket = AudioBucket.read(os.environ).audio_bucket
    return ShadowSweep(S3ShadowAudio(traced(boto3.client("s3", config=UPLOADS)), bucket))


def shadow_reading() -> ShadowReading:
    """Composes the reading of what the shadow found."""
    return ShadowReading(domain_store(), shadow_results())


def shadow_results() -> DynamoShadowResults:
    """Returns the store of the shadow's results, which is in the table of sessions."""
    return DynamoShadowResults(dynamodb(), SessionTable.read(os.environ).session_table)


def failed_records() -> FailedRecords:
    """Composes the keeping of stream records that can never be scored."""
    bucket = FailureBucket.read(os.environ).failure_bucket
    failures = S3FailureStore(traced(boto3.client("s3", config=CALLS)), bucket)
    return FailedRecords(failures, domain_store(), session_store())
