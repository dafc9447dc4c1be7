"""Enrolment: consent and speech, over as many calls as it takes, become a voiceprint."""

from dataclasses import dataclass
from typing import Any

from bonafide.biometrics.enrolment import (
    SpeakerStatus,
    require_enrolment_quality,
    status_of,
)
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts import ConsentReceipt, Enrollment, EnrollmentRequest, QualityReport
from bonafide.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from bonafide.ports import (
    Consent,
    DomainChanged,
    DomainRecord,
    SpeakerRecord,
    SpeechModels,
    TenantStore,
    VersionConflict,
)
from bonafide.services.clock import Clock, jittered_pauses, request_identifier, utc_now
from bonafide.services.recordings import Recordings
from bonafide.services.tenants import domain_not_found

# Enough for a whole team enrolling one speaker at once; a loser only reads and writes again.
WRITE_ATTEMPTS = 40
REMEMBERED_ENROLMENTS = 32


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one enrolment call brings: its name, the speech, and the consent to use it."""

    name: str
    evidence: Evidence
    consent: ConsentReceipt


class EnrolmentService:
    """Adds recordings to voiceprints."""

    def __init__(
        self, store: TenantStore, models: SpeechModels[Any], recordings: Recordings, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._models = models
        self._recordings = recordings
        self._clock = clock

    def enroll(self, domain: str, speaker: str, request: EnrollmentRequest, key: str | None) -> Enrollment:
        """Adds one recording.

        Args:
            domain: the tenant.
            speaker: the person who speaks; created by the first enrolment.
            request: consent and audio.
            key: Idempotency-Key, by which a repeated enrolment is recognised even when its first answer was lost.

        Raises:
            NotFound: the domain, or the upload, is unknown.
            InvalidInput: consent or audio cannot be used; says what is wrong.
            Conflict: the speaker opted out after this consent, was deleted meanwhile, or has a voiceprint of another
                embedding space.
        """
        self._require_consent_in_the_past(request.consent)
        name = request_identifier(key, request, domain, speaker, "enrollment")
        try:
            return self._enroll(domain, speaker, name, request)
        except (Conflict, NotFound):
            self._forget_unless_applied(domain, speaker, name)
            raise

    def _enroll(self, domain: str, speaker: str, name: str, request: EnrollmentRequest) -> Enrollment:
        tenant, known = self._store.find(domain, speaker)
        tenant = self._admit(tenant, known, domain=domain, consent=request.consent)
        content, waveform = self._recordings.read(domain, request.audio)
        evidence = self._models.observe(waveform, [Channel.NARROWBAND])
        require_enrolment_quality(evidence)
        if tenant.retention.keep_audio:
            # Kept before the voiceprint is written, so that whoever erases the speaker afterwards finds it.
            self._recordings.keep(domain, speaker, f"enrollments/{name}", content)
        tenant, record = self._apply(domain, speaker, Contribution(name, evidence, request.consent), known)
        return self._view(name, tenant, record, evidence)

    def _forget_unless_applied(self, domain: str, speaker: str, name: str) -> None:
        """Erases what a refused enrolment kept, now or before it was cut off, but not if it was added all the same.

        After other failures nobody knows what was written: the audio waits for the repeated request, or for the
        deletion of speaker or domain.
        """
        _, record = self._store.find(domain, speaker)
        if record is None or name not in record.applied:
            self._recordings.forget(domain, speaker, f"enrollments/{name}")

    def _apply(
        self, domain: str, speaker: str, contribution: Contribution, known: SpeakerRecord | None
    ) -> tuple[DomainRecord, SpeakerRecord]:
        """Folds the evidence into whatever the voiceprint is by now; the loser of a race does it again."""
        for pause in jittered_pauses(WRITE_ATTEMPTS):
            tenant, current = self._store.find(domain, speaker)
            tenant = self._admit(tenant, current, domain=domain, consent=contribution.consent)
            _require_not_deleted(known, current)
            if current and contribution.name in current.applied:
                return tenant, current
            updated = self._updated(tenant, current, speaker, contribution)
            try:
                self._store.put_speaker(updated)
            except VersionConflict:
                pause()
                continue
            except DomainChanged as error:
                raise domain_not_found(domain) from error
            return tenant, updated
        raise StoreUnavailable

    def _updated(
        self,
        tenant: DomainRecord,
        current: SpeakerRecord | None,
        speaker: str,
        contribution: Contribution,
    ) -> SpeakerRecord:
        now = self._clock()
        record = current or SpeakerRecord(tenant.domain, speaker, SpeakerStatus.PENDING, created_at=now, updated_at=now)
        voiceprint = (record.voiceprint or Voiceprint.empty(self._models.embedding_space)).add(contribution.evidence)
        known = SpeakerStatus.PENDING if record.status is SpeakerStatus.OPTED_OUT else record.status
        return record.next(
            now,
            status=status_of(known, voiceprint.speech_seconds, tenant.policy.minimum_enrolment_seconds),
            voiceprint=voiceprint,
            consent=_newest(record.consent, contribution.consent),
            applied=(*record.applied, contribution.name)[-REMEMBERED_ENROLMENTS:],
        )

    def _admit(
        self, tenant: DomainRecord | None, current: SpeakerRecord | None, *, domain: str, consent: ConsentReceipt
    ) -> DomainRecord:
        if tenant is None or tenant.deleting:
            raise domain_not_found(domain)
        if current and current.opted_out_at and consent.given_at <= current.opted_out_at:
            raise Conflict(
                "speaker_opted_out",
                "The speaker opted out after this consent was given.",
                field="consent.given_at",
                limit=f"after {current.opted_out_at.isoformat()}",
                found=consent.given_at.isoformat(),
            )
        if current and current.voiceprint:
            require_space(current.voiceprint, self._models.embedding_space)
        return tenant

    def _require_consent_in_the_past(self, consent: ConsentReceipt) -> None:
        now = self._clock()
        if consent.given_at > now:
            raise InvalidInput(
                "consent_in_future",
                "Consent cannot be given in the future.",
                field="consent.given_at",
                limit=now.isoformat(),
                found=consent.given_at.isoformat(),
            )

    def _view(self, name: str, tenant: DomainRecord, record: SpeakerRecord, evidence: Evidence) -> Enrollment:
        return Enrollment(
            enrollment_id=name,
            domain=record.domain,
            speaker=record.speaker,
            status=record.status_under(tenant.policy),
            speech_seconds=round(evidence.speech_seconds, 2),
            total_speech_seconds=round(record.speech_seconds, 2),
            missing_speech_seconds=round(record.missing_under(tenant.policy), 2),
            channel=evidence.channel,
            quality=quality_report(evidence),
            bundle=self._models.digest,
        )


def _require_not_deleted(known: SpeakerRecord | None, current: SpeakerRecord | None) -> None:
    """Refuses to bring a speaker back who was deleted while the recording was listened to."""
    if known and (current is None or current.created_at != known.created_at):
        raise Conflict(
            "speaker_deleted", "The speaker was deleted while the recording was listened to.", field="speaker"
        )


def _newest(known: Consent | None, given: ConsentReceipt) -> Consent:
    """Enrolments may arrive in another order than their consents were given in."""
    consent = Consent(given.receipt_id, given.given_at)
    return known if known and known.given_at > consent.given_at else consent


def require_space(voiceprint: Voiceprint, embedding_space: str) -> None:
    """Refuses to mix embedding spaces.

    Raises:
        Conflict: the voiceprint was made by models of another space.
    """
    if voiceprint.embedding_space != embedding_space:
        raise Conflict("voiceprint_outdated", "The voiceprint was made by other models; enrol the speaker again.")


def quality_report(evidence: Evidence) -> QualityReport:
    """Shows what was measured on a recording."""
    quality = evidence.quality
    return QualityReport(
        level_dbfs=round(quality.level_dbfs, 1),
        clipped=round(quality.clipped, 4),
        snr_db=None if quality.snr_db is None else round(quality.snr_db, 1),
    )
