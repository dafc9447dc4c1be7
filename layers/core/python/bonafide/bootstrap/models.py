"""Services that extract evidence from audio."""

import os
from functools import cache

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.scoring import SpaceCalibrations
from bonafide.bootstrap.protection import evidence_store, judgement_store, voice_store
from bonafide.bootstrap.risk import call_risks
from bonafide.bootstrap.shadow import chunk_offers, shadow_offers
from bonafide.bootstrap.stores import (
    attempt_store,
    braked_domains,
    calibration_book,
    caller_hashes,
    recordings,
    replays,
    session_judge,
    shard_lag_store,
)
from bonafide.services.authentication import AuthenticationService
from bonafide.services.enrollment.adding import EnrollmentService
from bonafide.services.streaming.scoring import ChunkScoring
from bonafide.settings import BundleSettings


@cache
def bundle() -> Bundle:
    """Returns the verified models."""
    place = BundleSettings.read(os.environ)
    return Bundle.load(place.bundle_dir, place.bundle_digest, threads=1)


def enrollment() -> EnrollmentService:
    """Composes enrollment."""
    models = bundle()
    book = calibration_book(SpaceCalibrations.parse(models.calibrations))
    return EnrollmentService(voice_store(), models, recordings(), book, replays())


def authentication() -> AuthenticationService:
    """Composes authentication."""
    models = bundle()
    book = calibration_book(SpaceCalibrations.parse(models.calibrations))
    stores = braked_domains(), models, recordings(), judgement_store(), attempt_store(), caller_hashes()
    return AuthenticationService(*stores, book, replays(), call_risks(), shadow=shadow_offers())


def chunk_scoring() -> ChunkScoring:
    """Composes the scoring of the audio stream."""
    return ChunkScoring(evidence_store(), shard_lag_store(), bundle(), session_judge(), shadow=chunk_offers())
