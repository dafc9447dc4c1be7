"""One recording on its way into a voiceprint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.liveness import LivenessState
from bonafide.errors import Conflict, Subject
from bonafide.records.domain import DomainRecord
from bonafide.records.history.contribution import ContributionRecord
from bonafide.records.speaker import Consent, SpeakerRecord
from bonafide.services.shared.replays import SpokenAudio


@dataclass(frozen=True, slots=True)
class Contribution:
    """One recording that adds to a voiceprint.

    Attributes:
        name: identifier of the enrollment request's effect.
        recording: its evidence in each embedding space that is served, the newest first.
        audio: digest of its samples.
        consent: to use it.
        fingerprint: by which a copy of it is found.
        liveness: name of its liveness; None when it was not detected.
    """

    name: str
    recording: Sequence[Evidence]
    audio: str
    consent: Consent
    fingerprint: Fingerprint
    liveness: LivenessState | None = None

    @property
    def evidence(self) -> Evidence:
        """Evidence in the bundle's own embedding space."""
        return self.recording[0]

    @property
    def spoken(self) -> SpokenAudio:
        """The audio, as it is searched for copies."""
        return SpokenAudio(self.name, self.audio, self.fingerprint)

    def taken(self, at: datetime, spaces: Sequence[str]) -> ContributionRecord:
        """Returns its entry of the history.

        Args:
            at: when it is taken.
            spaces: of the voiceprints that it is added to.
        """
        evidence = self.evidence
        return ContributionRecord(
            name=self.name,
            at=at,
            speech_seconds=evidence.speech_seconds,
            channel=evidence.channel,
            spaces=tuple(spaces),
            liveness=evidence.liveness,
            liveness_state=self.liveness,
        )


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


def require_not_taken_back(current: SpeakerRecord | None, name: str) -> None:
    """Refuses a repeated enrollment request whose contribution was taken back.

    Raises:
        Conflict: says how to add it again.
    """
    known = current and next((each for each in current.history if each.name == name), None)
    if known and known.taken_back_at:
        raise Conflict(
            "contribution_taken_back",
            "This contribution was taken back. To add the recording again, send it with another Idempotency-Key.",
            subject=Subject.AUDIO,
        )
