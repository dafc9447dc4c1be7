"""Services that listen to audio."""

import os
from functools import cache

from bonafide.adapters.onnx import Bundle
from bonafide.bootstrap.stores import decisions, recordings, tenant_store
from bonafide.services.enrolment import EnrolmentService
from bonafide.services.verification import VerificationService
from bonafide.settings import BundleSettings


@cache
def bundle() -> Bundle:
    """The models, verified."""
    place = BundleSettings.read(os.environ)
    return Bundle.load(place.directory, place.digest, threads=1)


def enrolment() -> EnrolmentService:
    """The service behind enrolment."""
    return EnrolmentService(tenant_store(), bundle(), recordings())


def verification() -> VerificationService:
    """The service behind authentication."""
    return VerificationService(tenant_store(), bundle(), recordings(), decisions())
