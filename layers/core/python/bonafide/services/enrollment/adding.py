"""Enrollment: consent and speech, over as many requests as it takes, become a voiceprint."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from bonafide.audio.decode import require_as_labeled
from bonafide.audio.encoding import RecordingFormat
from bonafide.biometrics.enrollment import (
    SpeakerStatus,
    require_bona_fide,
    require_enrollment_quality,
    require_one_voice,
    require_same_voice,
    require_spoken_once,
    status_of,
)
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import SyntheticEnrollment
from bonafide.biometrics.scoring import compare
from bonafide.biometrics.voiceprint import Voiceprint, add_to_each
from bonafide.errors import Conflict, NotFound, Subject
from bonafide.ports.models import SpeechModels
from bonafide.ports.stores import DomainChanged, DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.history.contribution import newest
from bonafide.records.request import RequestContext, SubmittedAudio
from bonafide.records.speaker import Consent, SpeakerRecord
from bonafide.services.enrollment.consent import newer, require_not_opted_out, require_plausible
from bonafide.services.enrollment.contribution import Contribution, EnrollmentResult, require_not_taken_back
from bonafide.services.shared.calibration_book import CalibrationBook
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.extraction import observe_to_enroll
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import domain_not_found, require_open
from bonafide.services.shared.recordings import Recordings, enrollment_audio, to_waveform
from bonafide.services.shared.replays import Replays
from bonafide.services.shared.retries import retry_on_conflict

# Refuses content that is not speech of this format.
type LabelCheck = Callable[[bytes, RecordingFormat], None]

# Enough for a whole team that enrolls one speaker at once; a loser only reads and writes again.
WRITE_ATTEMPTS = 40
REMEMBERED_CONTRIBUTIONS = 32


class EnrollmentService:
    """Adds recordings to voiceprints."""

    def __init__(  # noqa: PLR0913, one parameter for each collaborator
        self,
        store: DomainStore,
        models: SpeechModels[Any],
        recordings: Recordings,
        calibrations: CalibrationBook,
        replays: Replays,
        clock: Clock = utc_now,
        require_label: LabelCheck = require_as_labeled,
    ) -> None:
        self._store = store
        self._models = models
        self._recordings = recordings
        self._calibrations = calibrations
        self._replays = replays
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
        require_plausible(consent, self._clock())
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
        content = self._recordings.content(domain, speaker, audio)
        waveform = to_waveform(content, audio.format)
        recording, fingerprint = observe_to_enroll(self._models, waveform)
        liveness = self._liveness(recording[0])
        contribution = Contribution(name, recording, waveform.digest, consent, fingerprint, liveness)
        require_enrollment_quality(contribution.evidence)
        self._require_label(content, audio.format)
        require_one_voice(contribution.evidence)
        require_spoken_once(repeats_itself=self._replays.repeats_itself(found, contribution.spoken))
        if found.policy.synthetic_enrollment is SyntheticEnrollment.REFUSE:
            require_bona_fide(liveness)
        self._require_same_voice(found, known, contribution)
        if found.retention.keep_audio:
            # Kept before the voiceprint is written, so that an erasure of the speaker afterwards finds it.
            self._recordings.keep(domain, speaker, enrollment_audio(name), content, audio.format)
        self._replays.remember(found, speaker, contribution.spoken)
        result = self._apply(found, speaker, contribution, known)
        if result.repeated:
            self._forget(domain, speaker, name)
        return result

    def _forget_unless_applied(self, domain: str, speaker: str, name: str) -> None:
        """Erases the audio that a refused enrollment kept, but not if it was added all the same.

        After other failures it is unknown what was written: the audio waits for the repeated request, or for the
        deletion of speaker or domain.
        """
        _, record = self._store.find(domain, speaker)
        if record is None or name not in record.applied:
            self._forget(domain, speaker, name)

    def _forget(self, domain: str, speaker: str, name: str) -> None:
        self._recordings.forget(domain, speaker, enrollment_audio(name))
        self._replays.forget(domain, speaker, name)

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
            require_not_taken_back(current, contribution.name)
            if current and contribution.name in current.applied:
                return EnrollmentResult(contribution, found, current, self._models.digest)
            self._require_same_voice(found, current, contribution)
            copied = current is not None and self._replays.is_copy(found, current, contribution.spoken)
            updated = self._updated(found, current, speaker, contribution, copied=copied)
            self._store.put_speaker(found, updated)
            repeated = contribution.name not in updated.applied
            return EnrollmentResult(contribution, found, updated, self._models.digest, repeated)

        try:
            return retry_on_conflict(WRITE_ATTEMPTS, attempt)
        except DomainChanged as error:
            raise domain_not_found(domain.domain) from error

    def _updated(
        self,
        domain: DomainRecord,
        current: SpeakerRecord | None,
        speaker: str,
        contribution: Contribution,
        *,
        copied: bool,
    ) -> SpeakerRecord:
        now = self._clock()
        record = current or SpeakerRecord(domain.domain, speaker, SpeakerStatus.PENDING, created_at=now, updated_at=now)
        known = record.voiceprints
        voiceprints = known if copied else _added(known, contribution)
        # A voiceprint that holds the recording stays the very same object.
        pairs = zip_longest(voiceprints, known)
        added = [each.embedding_space for each, before in pairs if each and each is not before]
        others = [each for each in record.history if each.name != contribution.name]
        status = SpeakerStatus.PENDING if record.status is SpeakerStatus.OPTED_OUT else record.status
        most = max(each.speech_seconds for each in voiceprints)
        return record.with_voiceprints(
            now,
            voiceprints,
            status=status_of(status, most, domain.policy.minimum_enrolment_seconds),
            consent=newer(record.consent, contribution.consent),
            applied=(*record.applied, *([contribution.name] if added else []))[-REMEMBERED_CONTRIBUTIONS:],
            history=newest([*others, contribution.taken(now, added)]),
        )

    def _liveness(self, evidence: Evidence) -> LivenessState | None:
        scale = self._calibrations.base(evidence.embedding_space).liveness
        return scale.state(evidence.liveness) if scale and evidence.liveness is not None else None

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
        require_not_opted_out(current, consent)
        return record


def _added(known: Sequence[Voiceprint], contribution: Contribution) -> Sequence[Voiceprint]:
    return add_to_each(known, contribution.recording, contribution.audio, contribution.name)


def _require_not_deleted(known: SpeakerRecord | None, current: SpeakerRecord | None) -> None:
    """Refuses to recreate a speaker who was deleted while the recording was processed."""
    if known and (current is None or current.created_at != known.created_at):
        raise Conflict(
            "speaker_deleted", "The speaker was deleted while the recording was processed.", subject=Subject.SPEAKER
        )
