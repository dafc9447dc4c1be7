"""Speakers: read, listed, opted out and deleted."""

import base64
import binascii
import re
from datetime import datetime

from bonafide.biometrics.enrolment import SpeakerStatus
from bonafide.contracts import IDENTIFIER, ConsentReceipt, Speaker, SpeakerList
from bonafide.errors import InvalidInput, NotFound, StoreUnavailable
from bonafide.ports import DomainChanged, DomainRecord, SpeakerRecord, TenantStore, VersionConflict
from bonafide.services.clock import Clock, jittered_pauses, utc_now
from bonafide.services.recordings import Recordings
from bonafide.services.tenants import domain_not_found

WRITE_ATTEMPTS = 10


class Speakers:
    """The life cycle of a speaker after enrolment."""

    def __init__(self, store: TenantStore, recordings: Recordings, clock: Clock = utc_now) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    def get(self, domain: str, speaker: str) -> Speaker:
        """Reads a speaker.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        return view(*find_both(self._store, domain, speaker))

    def list(self, domain: str, cursor: str | None, limit: int) -> SpeakerList:
        """Reads one page of speakers.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: the cursor is not one that was given out.
        """
        record = self._store.domain(domain)
        if record is None or record.deleting:
            raise domain_not_found(domain)
        page = self._store.list_speakers(domain, _decode(cursor) if cursor is not None else None, limit)
        return SpeakerList(
            speakers=[view(record, speaker) for speaker in page.speakers],
            next_cursor=_encode(page.after) if page.after else None,
        )

    def opt_out(self, domain: str, speaker: str) -> Speaker:
        """Erases the voiceprint and refuses enrolment and authentication until consent is given anew.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        for pause in jittered_pauses(WRITE_ATTEMPTS):
            tenant, current = self._find_to_erase(domain, speaker)
            current = _opted_out(current, self._clock())
            try:
                self._store.put_speaker(current)
            except VersionConflict:
                pause()
                continue
            except DomainChanged as error:
                raise domain_not_found(domain) from error
            self._recordings.forget_speaker(domain, speaker)
            return view(tenant, current)
        raise StoreUnavailable

    def delete(self, domain: str, speaker: str) -> None:
        """Deletes a speaker with all that was kept of the voice.

        Raises:
            NotFound: the domain or the speaker is unknown.
        """
        self._find_to_erase(domain, speaker)
        # Before, so that a deletion that is cut short can be repeated; after, for what a call in flight kept meanwhile.
        self._recordings.forget_speaker(domain, speaker)
        self._store.delete_speaker(domain, speaker)
        self._recordings.forget_speaker(domain, speaker)

    def _find_to_erase(self, domain: str, speaker: str) -> tuple[DomainRecord, SpeakerRecord]:
        try:
            return find_both(self._store, domain, speaker)
        except NotFound:
            # A first enrolment that was killed leaves audio of a speaker who is not known yet.
            self._recordings.forget_speaker(domain, speaker)
            raise


def find_both(store: TenantStore, domain: str, speaker: str) -> tuple[DomainRecord, SpeakerRecord]:
    """Reads a standing domain and its speaker.

    Raises:
        NotFound: one of them is unknown.
    """
    tenant, record = store.find(domain, speaker)
    if tenant is None or tenant.deleting:
        raise domain_not_found(domain)
    if record is None:
        raise NotFound("speaker_not_found", "There is no such speaker in the domain.", field="speaker", found=speaker)
    return tenant, record


def _opted_out(record: SpeakerRecord, now: datetime) -> SpeakerRecord:
    """Opting out once more makes void what consent was given in between, even if no enrolment has used it yet."""
    at = max(now, record.opted_out_at or now)
    return record.next(now, status=SpeakerStatus.OPTED_OUT, voiceprint=None, applied=(), opted_out_at=at)


def view(tenant: DomainRecord, record: SpeakerRecord) -> Speaker:
    """Shows a speaker without anything biometric."""
    consent = record.consent
    return Speaker(
        domain=record.domain,
        speaker=record.speaker,
        status=record.status_under(tenant.policy),
        total_speech_seconds=round(record.speech_seconds, 2),
        missing_speech_seconds=round(record.missing_under(tenant.policy), 2),
        channels=record.voiceprint.channels if record.voiceprint else [],
        consent=ConsentReceipt(receipt_id=consent.receipt_id, given_at=consent.given_at) if consent else None,
        opted_out_at=record.opted_out_at,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _encode(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).decode()


def _decode(cursor: str) -> str:
    try:
        after = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        after = ""
    if not re.fullmatch(IDENTIFIER, after):
        raise InvalidInput("cursor_invalid", "The cursor is not one that was given out.", field="cursor")
    return after
