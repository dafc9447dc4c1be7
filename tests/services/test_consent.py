"""Receipts of consent: what they say is kept, and one that has expired is not relied on."""

import hashlib
from datetime import timedelta

import pytest

from bonafide.contracts.speakers import ConsentReceipt, EnrollmentRequest
from bonafide.errors import BonafideError
from tests.services.parts import MORNING, World, speech

YEAR = timedelta(days=365)


def world() -> World:
    found = World()
    found.put_domain(minimum_enrolment_seconds=5.0)
    return found


def refused(world: World, **receipt: object) -> str:
    with pytest.raises(BonafideError) as refusal:
        world.enroll(speech("ann", level=0.1), **receipt)  # type: ignore[arg-type]
    return refusal.value.code


def test_a_receipt_says_purpose_notice_and_expiry_and_they_are_kept_and_shown() -> None:
    here = world()
    here.enroll(speech("ann"), purpose="fraud-prevention", notice_version="2026-03", expires_at=MORNING + YEAR)
    shown = here.speakers.get("acme", "ann").consent
    assert shown
    assert (shown.purpose, shown.notice_version, shown.expires_at) == ("fraud-prevention", "2026-03", MORNING + YEAR)


def test_a_receipt_of_the_former_form_enrolls_and_its_request_has_the_name_that_it_had() -> None:
    here = world()
    here.enroll(speech("ann"))
    shown = here.speakers.get("acme", "ann").consent
    assert shown
    assert (shown.purpose, shown.notice_version, shown.expires_at) == (None, None, None)

    receipt = ConsentReceipt(receipt_id="receipt", given_at=MORNING)
    request = EnrollmentRequest(consent=receipt, audio=speech("ann"))
    former = request.model_dump_json(exclude={"consent": {"purpose", "notice_version", "expires_at"}})
    assert '"consent":{"receipt_id":"receipt","given_at":"2026-03-01T08:00:00Z"}' in former
    assert request.digest() == hashlib.sha256(former.encode()).hexdigest()
    stating = EnrollmentRequest(consent=receipt.model_copy(update={"purpose": "other"}), audio=request.audio)
    assert request.digest() != stating.digest()


def test_expired_consent_enrolls_nobody() -> None:
    here = world()
    assert refused(here, expires_at=here.now) == "consent_expired"
    assert refused(here, expires_at=here.now - YEAR) == "consent_expired"


def test_from_its_expiry_on_a_voiceprint_is_not_used_until_there_is_new_consent() -> None:
    here = world()
    here.enroll(speech("ann"), expires_at=here.now + YEAR)
    assert here.authenticate(speech("ann")).decision == "ACCEPT"
    here.now += YEAR
    with pytest.raises(BonafideError) as refusal:
        here.authenticate(speech("ann"))
    assert refusal.value.code == "consent_expired"
    here.enroll(speech("ann", level=0.1), expires_at=here.now + YEAR)
    assert here.authenticate(speech("ann")).decision == "ACCEPT"
