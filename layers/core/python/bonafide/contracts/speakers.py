"""Enrollment and speakers."""

import hashlib

from pydantic import AwareDatetime, Field

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Disclosure
from bonafide.contracts.audio import AudioInput, QualityReport, quality_report
from bonafide.contracts.base import Answer, Identifier, Moment, RangeLimit, Request
from bonafide.contracts.cursors import to_cursor
from bonafide.records.domain import DomainRecord
from bonafide.records.history.contribution import ContributionRecord
from bonafide.records.speaker import Consent, SpeakerPage, SpeakerRecord, SpeakerSummary
from bonafide.services.enrollment.contribution import EnrollmentResult


class ConsentReceipt(Request):
    """Proof that the speaker agreed to be enrolled."""

    receipt_id: Identifier = Field(description="Your reference to the recorded consent.")
    given_at: Moment = Field(description="When consent was given; not in the future, and at most 3,650 days ago.")
    purpose: Identifier | None = Field(None, description="Your name of the purpose that it was given for.")
    notice_version: Identifier | None = Field(None, description="Version of the notice that the speaker was shown.")
    expires_at: RangeLimit | None = Field(
        None, description="From then on the voiceprint is not used; null for consent until it is withdrawn."
    )

    def to_record(self) -> Consent:
        """Returns the receipt as services take it."""
        return Consent(self.receipt_id, self.given_at, self.purpose, self.notice_version, self.expires_at)


def consent_view(consent: Consent) -> ConsentReceipt:
    """Returns the view of a receipt."""
    return ConsentReceipt(
        receipt_id=consent.receipt_id,
        given_at=consent.given_at,
        purpose=consent.purpose,
        notice_version=consent.notice,
        expires_at=consent.expires_at,
    )


class EnrollmentRequest(Request):
    """Speech of one person, with the consent to make a voiceprint of it."""

    consent: ConsentReceipt
    audio: AudioInput

    def digest(self) -> str:
        """Returns the SHA-256 in canonical form, hex: without what a receipt of the release before did not state."""
        stated = {name for name in self.consent.model_fields_set if getattr(self.consent, name) is not None}
        unstated = {"purpose", "notice_version", "expires_at"} - stated
        return hashlib.sha256(self.model_dump_json(exclude={"consent": unstated}).encode()).hexdigest()


class Enrollment(Answer):
    """Speech that an enrollment request added, and speech that is still missing."""

    enrollment_id: str
    domain: str
    speaker: str
    status: SpeakerStatus
    speech_seconds: float = Field(description="Net speech in this request's recording.")
    total_speech_seconds: float = Field(description="Net speech in the voiceprint now.")
    missing_speech_seconds: float = Field(description="Net speech still needed; 0 when enrolled.")
    channel: Channel
    quality: QualityReport
    bundle: str
    repeated: bool = Field(description="Whether the voiceprint held this very recording before; then it added nothing.")
    liveness: LivenessState | None = Field(
        None,
        description="Name of the recording's liveness; never `spoof` where the policy's `synthetic_enrollment` is "
        "`refuse`. Null where it was not detected, or where the policy discloses nothing.",
    )


class Speaker(Answer):
    """An enrolled person, without anything biometric."""

    domain: str
    speaker: str
    status: SpeakerStatus
    total_speech_seconds: float
    missing_speech_seconds: float
    channels: list[Channel] = Field(description="Channels that the voiceprint was recorded on.")
    consent: ConsentReceipt | None
    opted_out_at: AwareDatetime | None = Field(description="The last opt-out; consent given before it is void.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ContributionEntry(Answer):
    """One recording that was sent to be added to a voiceprint, and was not refused; nothing biometric."""

    contribution_id: str = Field(description="The `enrollment_id` of the answer to its request.")
    at: AwareDatetime
    speech_seconds: float = Field(description="Net speech in the recording.")
    channel: Channel
    embedding_spaces: list[str] = Field(description="Networks whose voiceprints it was added to.")
    liveness: LivenessState | None = Field(description="As it was named then; null where it was not detected.")
    repeated: bool = Field(description="Whether the voiceprint held the recording before, so that it added nothing.")
    counts: bool = Field(description="Whether it is part of the voiceprint.")
    taken_back_at: AwareDatetime | None


class ContributionList(Answer):
    """Contributions to a voiceprint, the newest first: 32 that count and 32 others at most."""

    contributions: list[ContributionEntry]
    other_speech_seconds: float = Field(
        description="Net speech in the voiceprint of contributions that are not listed, and cannot be taken back: "
        "older ones, and those that an earlier release added."
    )


class SpeakerList(Answer):
    """One page of speakers, in order of their identifiers."""

    speakers: list[Speaker]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


def enrollment_view(result: EnrollmentResult) -> Enrollment:
    """Returns the view of an enrollment request's result."""
    speaker, policy, evidence = result.speaker, result.domain.policy, result.contribution.evidence
    return Enrollment(
        enrollment_id=result.contribution.name,
        domain=speaker.domain,
        speaker=speaker.speaker,
        status=speaker.status_under(policy),
        speech_seconds=round(evidence.speech_seconds, 2),
        total_speech_seconds=round(speaker.speech_seconds, 2),
        missing_speech_seconds=round(speaker.summary.missing_under(policy), 2),
        channel=evidence.channel,
        quality=quality_report(evidence.quality),
        bundle=result.bundle,
        repeated=result.repeated,
        liveness=None if policy.disclosure is Disclosure.NONE else result.contribution.liveness,
    )


def speaker_view(domain: DomainRecord, record: SpeakerSummary) -> Speaker:
    """Returns the view of a speaker, without anything biometric."""
    consent = record.consent
    return Speaker(
        domain=record.domain,
        speaker=record.speaker,
        status=record.status_under(domain.policy),
        total_speech_seconds=round(record.speech_seconds, 2),
        missing_speech_seconds=round(record.missing_under(domain.policy), 2),
        channels=list(record.channels),
        consent=consent_view(consent) if consent else None,
        opted_out_at=record.opted_out_at,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def contribution_list(record: SpeakerRecord) -> ContributionList:
    """Returns the view of a speaker's contributions."""
    listed = sum(each.speech_seconds for each in record.history if each.counts)
    return ContributionList(
        contributions=[_contribution(each) for each in reversed(record.history)],
        other_speech_seconds=round(max(0.0, record.speech_seconds - listed), 2),
    )


def _contribution(entry: ContributionRecord) -> ContributionEntry:
    return ContributionEntry(
        contribution_id=entry.name,
        at=entry.at,
        speech_seconds=round(entry.speech_seconds, 2),
        channel=entry.channel,
        embedding_spaces=list(entry.spaces),
        liveness=entry.liveness_state,
        repeated=entry.is_repeated,
        counts=entry.counts,
        taken_back_at=entry.taken_back_at,
    )


def speaker_list(domain: DomainRecord, page: SpeakerPage) -> SpeakerList:
    """Returns the view of one page of speakers."""
    return SpeakerList(
        speakers=[speaker_view(domain, speaker) for speaker in page.speakers],
        next_cursor=to_cursor(page.after) if page.after else None,
    )
