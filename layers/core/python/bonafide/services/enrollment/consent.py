"""Consent to an enrollment: which receipts are taken, and which of two counts."""

from datetime import datetime, timedelta

from bonafide.errors import Conflict, InvalidInput, Subject
from bonafide.records.speaker import Consent, SpeakerRecord

# No record is kept for longer (`decision_days`), so nothing could show what an older consent was given to.
OLDEST_CONSENT = timedelta(days=3650)


def require_plausible(consent: Consent, now: datetime) -> None:
    """Refuses consent that has not been given yet, that is over, or that nothing could show any more.

    Raises:
        InvalidInput: says which.
    """
    found, oldest = consent.given_at.isoformat(), now - OLDEST_CONSENT
    if consent.given_at > now:
        raise InvalidInput(
            "consent_in_future",
            "Consent cannot be given in the future.",
            subject=Subject.CONSENT_TIME,
            limit=now.isoformat(),
            found=found,
        )
    if consent.is_over(now):
        raise InvalidInput(
            "consent_expired",
            "The consent has expired.",
            subject=Subject.CONSENT_END,
            limit=f"after {now.isoformat()}",
            found=str(consent.expires_at),
        )
    if consent.given_at < oldest:
        raise InvalidInput(
            "consent_too_old",
            "Consent this old cannot be relied on.",
            subject=Subject.CONSENT_TIME,
            limit=oldest.isoformat(),
            found=found,
        )


def require_not_opted_out(current: SpeakerRecord | None, consent: Consent) -> None:
    """Refuses consent that an opt-out of the speaker made void.

    Raises:
        Conflict: newer consent is needed.
    """
    if current and current.opted_out_at and consent.given_at <= current.opted_out_at:
        raise Conflict(
            "speaker_opted_out",
            "The speaker opted out after this consent was given.",
            subject=Subject.CONSENT_TIME,
            limit=f"after {current.opted_out_at.isoformat()}",
            found=consent.given_at.isoformat(),
        )


def newer(known: Consent | None, given: Consent) -> Consent:
    """Returns the newer of two: enrollments may arrive in another order than their consents were given in."""
    return known if known and known.given_at > given.given_at else given
