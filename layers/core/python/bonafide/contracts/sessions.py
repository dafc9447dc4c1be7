"""Sessions whose audio arrives in chunks."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, StrictInt

from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.session import SessionStatus
from bonafide.contracts.audio import QualityReport, quality_report
from bonafide.contracts.authentications import (
    CallContext,
    LivenessEvidence,
    SpeakerEvidence,
    disclosable,
    disclosure_of,
    liveness_evidence,
    speaker_evidence,
)
from bonafide.contracts.base import MAX_INLINE_CHARACTERS, Answer, Identifier, Request
from bonafide.contracts.risk.calls import CallDetails
from bonafide.contracts.risk.reports import CallRiskReport, risk_report
from bonafide.records.decision import DecisionRecord
from bonafide.records.session import MAX_CHUNKS, SessionRecord
from bonafide.services.streaming.intake import StatedFormat
from bonafide.services.streaming.sessions import SessionWanted

# A chunk of another encoding would have to be a whole file, or decoded with what the chunk before it left.
type SessionEncoding = Literal[Encoding.WAV, Encoding.FLAC, Encoding.PCM_S16LE, Encoding.ALAW, Encoding.MULAW]


class AudioFormat(Request):
    """Format of every chunk of a session. Raw encodings are mono and need `sample_rate`."""

    encoding: SessionEncoding
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000, description="Samples a second; raw encodings only.")
    channel: StrictInt | None = Field(None, ge=0, le=7, description="Which channel holds the caller; needed above one.")

    def to_record(self) -> RecordingFormat:
        """Returns the format as services take it."""
        return RecordingFormat(self.encoding, self.sample_rate, self.channel)


class SessionRequest(Request):
    """Starts a session whose audio arrives in chunks."""

    speaker: Identifier | None = Field(None, description="Who the caller claims to be; may be set later.")
    format: AudioFormat
    context: CallContext = CallContext()
    call: CallDetails | None = Field(
        None,
        description="What else is known of the call: weighed with the voice.",
        exclude_if=lambda call: call is None,
    )

    def to_record(self) -> SessionWanted:
        """Returns the session as services take it."""
        call = self.call.to_record() if self.call else None
        return SessionWanted(self.speaker, self.format.to_record(), self.context.call_id, self.context.caller, call)


class ClaimRequest(Request):
    """Sets or corrects the claimed speaker."""

    speaker: Identifier


class ChunkRequest(Request):
    """One chunk of a session. The format that it states must be the one that the session was started with."""

    content: str = Field(max_length=MAX_INLINE_CHARACTERS, description="The chunk's bytes in base64.")
    encoding: SessionEncoding | None = None
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000)
    channel: StrictInt | None = Field(None, ge=0, le=7)

    def stated(self) -> StatedFormat:
        """Returns the format that the chunk states."""
        return StatedFormat(self.encoding, self.sample_rate, self.channel)


class ChunkReceipt(Answer):
    """The chunk will be scored."""

    session_id: str
    chunk: int
    accepted_at: AwareDatetime


class EndRequest(Request):
    """Ends a session: no more audio follows."""

    chunks: StrictInt = Field(
        ge=0, le=MAX_CHUNKS, description="Number of chunks of the session: one more than the last number."
    )


class Session(Answer):
    """A session."""

    session_id: str
    domain: str
    claimed_speaker: str | None
    status: SessionStatus
    format: AudioFormat
    chunks: int | None = Field(description="Number of chunks of the session; null until its end is known.")
    call_id: str | None
    started_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="From then on no audio is taken.")
    decision_id: str | None = Field(description="The final decision, once there is one.")
    request_id: str | None = Field(None, description="Of the request that started the session, as in its X-Request-Id.")


class ChunkCounts(Answer):
    """Counts of a session's chunks."""

    expected: int | None = Field(description="Null until the end of the session is known.")
    scored: int = Field(description="Different chunks that were scored.")
    used: int = Field(description="Chunks that the decision rests on: the newest 120 s of speech at most.")
    conflicting: int = Field(description="Chunk numbers that came with different audio.")
    late: int = Field(description="Scored after the decision became final; kept, and without effect.")
    complete: bool | None = Field(
        None,
        description="Whether a final decision knows every chunk that was accepted before the end; false when the wait"
        " for one, or for the end, was over. Null while provisional.",
    )
    digest: str | None = Field(
        None,
        description="Names the set of chunks that were scored: SHA-256 over a line `number:content` for each, sorted by"
        " number and content, which is the first 16 hexadecimal digits of the SHA-256 of the chunk's bytes.",
    )


class SessionEvaluation(Answer):
    """Decision on a session, provisional or final."""

    evaluation_id: str = Field(
        description="The same until audio, speaker, policy, models, calibration, brakes, limits or call risk change."
    )
    session_id: str
    domain: str
    claimed_speaker: str | None
    status: SessionStatus
    decision_id: str | None = Field(description="Set when the decision is final, and never changed from then on.")
    decision: Decision
    reasons: list[Reason] = Field(
        description="The decisive one first, then those that kept the decision from being better."
    )
    speaker: SpeakerEvidence | None = Field(
        description="Null when there was nothing to compare; where the policy does not disclose scores; and on "
        "INCONCLUSIVE decisions where it discloses coarse ones."
    )
    liveness: LivenessEvidence | None = Field(
        None, description="Null when it was not detected, and as `speaker` by the policy."
    )
    speech_seconds: float
    channel: Channel | None
    quality: QualityReport | None
    chunks: ChunkCounts
    degraded: list[str]
    call_risk: CallRiskReport | None = Field(
        None,
        description="What the call itself says, by `call` of the request: with weights where the policy discloses full "
        "scores, without where it discloses coarse ones. Null where it discloses none, or nothing was said.",
    )
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    request_id: str | None = Field(None, description="Of the request that started the session, as in its X-Request-Id.")


def session_view(record: SessionRecord) -> Session:
    """Returns the view of a session."""
    form = record.format
    return Session(
        session_id=record.session,
        domain=record.domain,
        claimed_speaker=record.speaker,
        status=record.status,
        format=AudioFormat(encoding=form.encoding, sample_rate=form.sample_rate, channel=form.channel),
        chunks=record.chunk_count,
        call_id=record.call_id,
        started_at=record.started_at,
        expires_at=record.expires_at,
        decision_id=record.decision_id,
        request_id=record.request_id,
    )


def receipt_view(session: str, chunk: int, accepted_at: datetime) -> ChunkReceipt:
    """Returns the receipt of an accepted chunk."""
    return ChunkReceipt(session_id=session, chunk=chunk, accepted_at=accepted_at)


def evaluation_view(record: DecisionRecord) -> SessionEvaluation:
    """Returns the view of a decision on a session, with as much of the scores as its policy discloses."""
    case, judgement, part = record.case, disclosable(record), record.session
    assert part is not None  # decisions on sessions have this part
    return SessionEvaluation(
        evaluation_id=part.evaluation_id,
        session_id=part.session,
        domain=record.domain,
        claimed_speaker=record.speaker,
        status=part.status,
        decision_id=record.decision_id,
        decision=judgement.decision,
        reasons=list(judgement.reasons),
        speaker=speaker_evidence(judgement),
        liveness=liveness_evidence(judgement),
        speech_seconds=round(case.speech_seconds, 2),
        channel=case.channel,
        quality=quality_report(case.quality) if case.quality else None,
        chunks=ChunkCounts(**asdict(part.chunks)),
        degraded=list(case.degraded),
        call_risk=risk_report(case.risk, disclosure_of(record)),
        bundle=record.bundle,
        policy_version=record.policy_version,
        call_id=record.call_id,
        decided_at=record.decided_at,
        request_id=record.request_id,
    )
