"""Services that listen to audio."""

from functools import cache

from bonafide.adapters.onnx import Bundle
from bonafide.bootstrap.stores import bundle_settings, decisions, judge, recordings, session_store, tenant_store
from bonafide.services.chunk_scoring import ChunkScoring
from bonafide.services.enrolment import EnrolmentService
from bonafide.services.verification import VerificationService


@cache
def bundle(*, liveness: bool = True) -> Bundle:
    """The models, verified; that for liveness only if it will be needed."""
    place = bundle_settings()
    return Bundle.load(place.bundle_dir, place.bundle_digest, threads=1, liveness=liveness)


def enrolment() -> EnrolmentService:
    """The service behind enrolment."""
    return EnrolmentService(tenant_store(), bundle(liveness=False), recordings())


def verification() -> VerificationService:
    """The service behind authentication."""
    return VerificationService(tenant_store(), bundle(), recordings(), decisions())


def chunk_scoring() -> ChunkScoring:
    """The service behind the audio stream."""
    return ChunkScoring(session_store(), bundle(), judge())
