"""Enrollment: consent and speech, over as many requests as it takes, become a voiceprint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from bonafide.audio.decode import require_as_labeled
from bonafide.audio.encoding import RecordingFormat
from bonafide.biometrics.enrollment import (
    SpeakerStatus,
    require_enrollment_quality,
    require_one_voice,
    require_same_voice,
    status_of,
)
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.scoring import compare
from bonafide.biometrics.voiceprint import add_to_each
from bonafide.errors import Conflict, InvalidInput, NotFound, Subject
from bonafide.ports.models import SpeechModels
from bonafide.ports.stores import DomainChanged, DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.request import RequestContext, SubmittedAudio
from bonafide.records.speaker import Consent, SpeakerRecord
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.extraction import observe_to_enroll
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import domain_not_found, require_open
from bonafide.services.shared.recordings import Recordings, enrollment_audio, to_waveform
from bonafide.services.shared.retries import retry_on_conflict

# Refuses content that is not speech of this format.
type LabelCheck = Callable[[bytes, RecordingFormat], None]

# Enough for a whole team that enrolls one speaker at once; a loser only reads and writes again.
WRITE_ATTEMPTS = 40
REMEMBERED_CONTRIBUTIONS = 32
# No record is kept for longer (`decision_days`), so nothing could show what an older consent was given to.
OLDEST_CONSENT = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One recording that adds to a voiceprint.

    Attributes:
        name: identifier of the enrollment request's effect.
        recording: its evidence in each embedding space that is served, the newest first.
        audio: digest of its samples.
        consent: to use it.
    """

    name: str
    recording: Sequence[Evidence]
    audio: str
    consent: Consent

    @property
    def evidence(self) -> Evidence:
        """Evidence in the bundle's own embedding space."""
        return self.recording[0]


@dataclass(frozen=True, slots=True)
class EnrollmentResult:
    """Result of one enrollment request.

    Attributes:
        contribution: the recording's.
        domain: whose policy says when the speaker is enrolled.
        speaker: after the contribution.
        bundle: digest of the model bundle.
        repeated: whether the voiceprint held the recording before, so that it added nothing.
    """

    contribution: Contribution
    domain: DomainRecord
    speaker: SpeakerRecord
    bundle: str
    repeated: bool = False


class EnrollmentService:
    """Adds recordings to voiceprints."""

    def __init__(
        self,
        store: DomainStore,
        models: SpeechModels[Any],
        recordings: Recordings,
        calibrations: CalibrationBook,
        clock: Clock = utc_now,
        require_label: LabelCheck = require_as_labeled,
    ) -> None:
        self._store = store
        self._models = models
        self._recordings = recordings
        self._calibrations = calibrations
        self._clock = clock
        self._require_label = require_label

    def enroll(
        self, domain: str, speaker: str, audio: SubmittedAudio, consent: Consent, context: RequestContext
    ) -> EnrollmentResult:
        """Adds one recording.

        Args:
            domain: of the speaker.
            speaker: the person who speaks; created by the first enrollment.
            audio: the recording.
            consent: of the speaker.
            context: by whose key a repeated enrollment is recognized even when its first answer was lost.

        Raises:
            NotFound: the domain, or the upload, is unknown.
            InvalidInput: consent or audio cannot be used; says what is wrong.
            Conflict: the speaker opted out after this consent, or was deleted meanwhile, or it is somebody else who
                speaks than in the recordings before.
        """
        _require_plausible(consent, self._clock())
        name = request_identifier(context, domain, speaker, "enrollment")
        try:
            return self._enroll(domain, speaker, name, audio, consent)
        except (Conflict, NotFound):
            self._forget_unless_applied(domain, speaker, name)
            raise

    def _enroll(
        self, domain: str, speaker: str, name: str, audio: SubmittedAudio, consent: Consent
    ) -> EnrollmentResult:
        found, known, _ = self._store.find_with_brake(domain, speaker)
        found = self._admit(found, known, domain=domain, consent=consent)
        content = self._recordings.content(domain, audio)
        waveform = to_waveform(content, audio.format)
        contribution = Contribution(name, observe_to_enroll(self._models, waveform), waveform.digest, consent)
        require_enrollment_quality(contribution.evidence)
        self._require_label(content, audio.format)
        require_one_voice(contribution.evidence)
        self._require_same_voice(found, known, contribution)
        if found.retention.keep_audio:
            # Kept before the voiceprint is written, so that an erasure of the speaker afterwards finds it.
            self._recordings.keep(domain, speaker, enrollment_audio(name), content, audio.format)
        result = self._apply(found, speaker, contribution, known)
        if result.repeated:
            self._recordings.forget(domain, speaker, enrollment_audio(name))
        return result

    def _forget_unless_applied(self, domain: str, speaker: str, name: str) -> None:
        """Erases the audio that a refused enrollment kept, but not if it was added all the same.

        After other failures it is unknown what was written: the audio waits for the repeated request, or for the
        deletion of speaker or domain.
        """
        _, record = self._store.find(domain, speaker)
        if record is None or name not in record.applied:
            self._recordings.forget(domain, speaker, enrollment_audio(name))

    def _apply(
        self, domain: DomainRecord, speaker: str, contribution: Contribution, known: SpeakerRecord | None
    ) -> EnrollmentResult:
        """Adds the evidence to the voiceprints as currently stored; judged and added again after a conflict."""

        def attempt() -> EnrollmentResult:
            found, current, _ = self._store.find_with_brake(domain.domain, speaker)
            found = self._admit(found, current, domain=domain.domain, consent=contribution.consent)
            if found.created_at != domain.created_at:
                raise domain_not_found(domain.domain)
            _require_not_deleted(known, current)
            if current and contribution.name in current.applied:
                return EnrollmentResult(contribution, found, current, self._models.digest)
            self._require_same_voice(found, current, contribution)
            updated = self._updated(found, current, speaker, contribution)
            self._store.put_speaker(found, updated)
            repeated = contribution.name not in updated.applied
            return EnrollmentResult(contribution, found, updated, self._models.digest, repeated)

        try:
            return retry_on_conflict(WRITE_ATTEMPTS, attempt)
        except DomainChanged as error:
            raise domain_not_found(domain.domain) from error

    def _updated(
        self, domain: DomainRecord, current: SpeakerRecord | None, speaker: str, contribution: Contribution
    ) -> SpeakerRecord:
        now = self._clock()
        record = current or SpeakerRecord(domain.domain, speaker, SpeakerStatus.PENDING, created_at=now, updated_at=now)
        voiceprints = add_to_each(record.voiceprints, contribution.recording, contribution.audio)
        # A voiceprint that holds the recording stays the very same object.
        added = any(each is not known for each, known in zip_longest(voiceprints, record.voiceprints))
        status = SpeakerStatus.PENDING if record.status is SpeakerStatus.OPTED_OUT else record.status
        most = max(each.speech_seconds for each in voiceprints)
        return record.with_voiceprints(
            now,
            voiceprints,
            status=status_of(status, most, domain.policy.minimum_enrolment_seconds),
            consent=_newest(record.consent, contribution.consent),
            applied=(*record.applied, *([contribution.name] if added else []))[-REMEMBERED_CONTRIBUTIONS:],
        )

    def _require_same_voice(
        self, domain: DomainRecord, current: SpeakerRecord | None, contribution: Contribution
    ) -> None:
        """Judges the recording as a call, against the voiceprint so far; the first recording makes the voiceprint.

        Raises:
            Conflict: it is somebody else who speaks, or may well be.
        """
        if current is None or contribution.name in current.applied:
            return
        reference = current.reference(self._models.spaces, domain.policy)
        if reference is None:
            return
        space = reference.embedding_space
        evidence = next(each for each in contribution.recording if each.embedding_space == space)
        judging = self._calibrations.of(domain, current.speaker, space)
        require_same_voice(judging.calibration.score(compare(reference, evidence)))

    def _admit(
        self, record: DomainRecord | None, current: SpeakerRecord | None, *, domain: str, consent: Consent
    ) -> DomainRecord:
        record = require_open(record, domain)
        if current and current.opted_out_at and consent.given_at <= current.opted_out_at:
            raise Conflict(
                "speaker_opted_out",
                "The speaker opted out after this consent was given.",
                subject=Subject.CONSENT_TIME,
                limit=f"after {current.opted_out_at.isoformat()}",
                found=consent.given_at.isoformat(),
            )
        return record


def _require_plausible(consent: Consent, now: datetime) -> None:
    found, oldest = consent.given_at.isoformat(), now - OLDEST_CONSENT
    if consent.given_at > now:
        raise InvalidInput(
            "consent_in_future",
            "Consent cannot be given in the future.",
            subject=Subject.CONSENT_TIME,
            limit=now.isoformat(),
            found=found,
        )
    if consent.given_at < oldest:
        raise InvalidInput(
            "consent_too_old",
            "Consent this old cannot be relied on.",
            subject=Subject.CONSENT_TIME,
            limit=oldest.isoformat(),
            found=found,
        )


def _require_not_deleted(known: SpeakerRecord | None, current: SpeakerRecord | None) -> None:
    """Refuses to recreate a speaker who was deleted while the recording was processed."""
    if known and (current is None or current.created_at != known.created_at):
        raise Conflict(
            "speaker_deleted", "The speaker was deleted while the recording was processed.", subject=Subject.SPEAKER
        )


def _newest(known: Consent | None, given: Consent) -> Consent:
    """Enrollments may arrive in another order than their consents were given in."""
    return known if known and known.given_at > given.given_at else given
