"""The public contract: requests and responses of the REST API, version 1. It evolves by adding."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.enrolment import SpeakerStatus
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.session import SessionStatus

IDEMPOTENCY_KEY = "Idempotency-Key"
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MAX_AUDIO_BYTES = 12 * 1024 * 1024  # 60 s of two channels at 48 kHz in PCM-16, and its header
MAX_INLINE_CHARACTERS = 5 * 1024 * 1024  # a function takes 6 MB in all, escaped
UPLOAD_SECONDS = 900
MAX_CHUNKS = 7200


def _moment(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", value)):
        return value
    raise PydanticCustomError("moment", "a date and time with its offset is needed, as text of ISO 8601")


# Requests are taken by JSON's own types: a number in quotes, or true for 1, is more likely a mistake than a wish.
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
type Probability = Annotated[StrictFloat, Field(gt=0, lt=0.5)]
type Cost = Annotated[StrictFloat, Field(gt=0, le=1_000_000)]


class Request(BaseModel):
    """What it does not know it refuses, so that a misspelt field is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """Clients ignore what they do not know, for more may be added."""

    model_config = ConfigDict(frozen=True)


class PolicySettings(Request):
    """What errors cost this tenant, how often they are tried, and how much speech is asked for."""

    impostor_prior: Probability = Field(
        0.02, description="Share of calls in which somebody else claims to be the speaker."
    )
    spoof_prior: Probability = Field(
        0.001, description="Share of calls in which a machine speaks with the speaker's voice."
    )
    false_accept_cost: Cost = Field(250.0, description="Cost of accepting an impostor.")
    spoof_accept_cost: Cost = Field(
        250.0, description="Cost of accepting a machine; that of accepting an impostor if only that one is given."
    )
    false_reject_cost: Cost = Field(5.0, description="Cost of rejecting the genuine speaker.")
    step_up_cost: Cost = Field(1.0, description="Cost of asking a genuine speaker for another proof.")
    minimum_enrolment_seconds: StrictFloat = Field(
        20.0, ge=5, le=120, description="Net speech that completes an enrolment."
    )
    minimum_decision_seconds: StrictFloat = Field(
        3.0, ge=1, le=30, description="Net speech below which nothing is decided."
    )

    @model_validator(mode="after")
    def _machines_cost_what_impostors_do(self) -> Self:
        if self.model_fields_set & {"false_accept_cost", "spoof_accept_cost"} != {"false_accept_cost"}:
            return self
        return self.model_copy(update={"spoof_accept_cost": self.false_accept_cost})


class RetentionSettings(Request):
    """What is kept, and for how long."""

    decision_days: StrictInt = Field(365, ge=1, le=3650, description="Decisions are deleted after this many days.")
    keep_audio: StrictBool = Field(False, description="Keep the audio of enrolments and authentications.")


class DomainSettings(Request):
    """A tenant, as its owner writes it; what is left out takes its default."""

    policy: PolicySettings = PolicySettings()
    retention: RetentionSettings = RetentionSettings()


class Domain(Answer):
    """A tenant, as it stands."""

    domain: str
    policy: PolicySettings
    policy_version: int = Field(description="Counts the changes of `policy`; every decision names the one it used.")
    retention: RetentionSettings
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Encoding(StrEnum):
    """How the bytes of a recording are to be read."""

    WAV = "wav"
    FLAC = "flac"
    PCM_S16LE = "pcm_s16le"
    ALAW = "alaw"
    MULAW = "mulaw"


class AudioInput(Request):
    """A recording of 0.5 to 60 seconds: inline, or uploaded before. Raw encodings need `sample_rate`."""

    content: str | None = Field(
        None, max_length=MAX_INLINE_CHARACTERS, description="The recording's bytes in base64; longer ones are uploaded."
    )
    upload: str | None = Field(None, max_length=256, description="The `upload` of POST .../uploads, after the PUT.")
    encoding: Encoding = Encoding.WAV
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000, description="Samples a second; raw encodings only.")
    channel: StrictInt | None = Field(None, ge=0, le=7, description="Which channel holds the caller; needed above one.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.upload is None):
            raise ValueError("exactly one of content and upload is needed")
        return self


class UploadRequest(Request):
    """What will be uploaded."""

    content_length: StrictInt | None = Field(
        None,
        ge=1,
        le=MAX_AUDIO_BYTES,
        description="The recording's bytes: the URL takes this many, no more and no fewer. Without it the URL takes "
        "any number, and more than `max_bytes` are refused only when the recording is used.",
    )


class Upload(Answer):
    """Where to PUT a recording, and how to name it afterwards."""

    upload: str = Field(description="Name of the upload, for `audio.upload`.")
    url: str = Field(description="Takes one PUT of the recording's bytes.")
    expires_in_seconds: int
    max_bytes: int


class ConsentReceipt(Request):
    """Proof that the speaker agreed to be enrolled."""

    receipt_id: Identifier = Field(description="Your reference to the recorded consent.")
    given_at: Moment = Field(description="When consent was given; not in the future.")


class EnrollmentRequest(Request):
    """Speech of one person, with the consent to make a voiceprint of it."""

    consent: ConsentReceipt
    audio: AudioInput


class QualityReport(Answer):
    """What was measured on the recording."""

    level_dbfs: float = Field(description="RMS level of the speech, dB relative to full scale.")
    clipped: float = Field(description="Fraction of clipped samples.")
    snr_db: float | None = Field(description="Speech over background, dB.")


class Enrollment(Answer):
    """What an enrolment call added, and what is still missing."""

    enrollment_id: str
    domain: str
    speaker: str
    status: SpeakerStatus
    speech_seconds: float = Field(description="Net speech in this call's recording.")
    total_speech_seconds: float = Field(description="Net speech in the voiceprint now.")
    missing_speech_seconds: float = Field(description="Net speech still needed; 0 when enrolled.")
    channel: Channel
    quality: QualityReport
    bundle: str


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


class SpeakerList(Answer):
    """One page of speakers, in order of their identifiers."""

    speakers: list[Speaker]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class CallContext(Request):
    """What the contact centre knows of the call. Holds references, never personal data."""

    call_id: Identifier | None = Field(None, description="Your reference to the call; stored with the decision.")


class AuthenticationRequest(Request):
    """A caller's speech, to be held against the claimed speaker's voiceprint."""

    audio: AudioInput
    context: CallContext = CallContext()


class SpeakerEvidence(Answer):
    """How much the voice speaks for the claimed speaker."""

    llr: float = Field(description="Calibrated natural-log likelihood ratio; above 0 favours the claimed speaker.")
    score: float = Field(ge=0, le=100, description="The LLR on a scale of 0 to 100.")
    threshold: float = Field(description="LLR from which on this policy accepts a voice that is surely human.")


class LivenessEvidence(Answer):
    """How much the voice speaks for a human rather than a machine."""

    llr: float = Field(description="Calibrated natural-log likelihood ratio; above 0 favours a human.")
    score: float = Field(ge=0, le=100, description="The LLR on a scale of 0 to 100.")
    threshold: float = Field(description="LLR from which on this policy accepts a voice that surely is the speaker's.")
    state: LivenessState = Field(description="What the voice sounds like, whatever the policy makes of it.")


class AuthenticationDecision(Answer):
    """What to do with the call, and why. It never changes once it is answered."""

    decision_id: str
    domain: str
    claimed_speaker: str
    decision: Decision
    reasons: list[Reason] = Field(description="The decisive one first, then what else kept the call from more.")
    speaker: SpeakerEvidence | None = Field(description="Null when there was no speech to score.")
    liveness: LivenessEvidence | None = Field(None, description="Null when nothing could be heard of it.")
    speech_seconds: float
    channel: Channel
    quality: QualityReport
    degraded: list[str] = Field(description="Optional signals that were not available.")
    bundle: str = Field(description="SHA-256 of the models' manifest.")
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    latency_ms: int = Field(description="Time from the request's arrival in the function to the decision.")
    request_id: str | None = Field(None, description="Of the request that was decided on, as its X-Request-Id said.")


class AudioFormat(Request):
    """How every chunk of a call is encoded. Raw encodings are mono and need `sample_rate`."""

    encoding: Encoding
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000, description="Samples a second; raw encodings only.")
    channel: StrictInt | None = Field(None, ge=0, le=7, description="Which channel holds the caller; needed above one.")


class SessionRequest(Request):
    """Starts a call whose audio arrives in chunks."""

    speaker: Identifier | None = Field(None, description="Who the caller claims to be; may be set later.")
    format: AudioFormat
    context: CallContext = CallContext()


class ClaimRequest(Request):
    """Says, or corrects, who the caller claims to be."""

    speaker: Identifier


class ChunkRequest(Request):
    """One chunk of a call. What it says of its format must be what the session was started with."""

    content: str = Field(max_length=MAX_INLINE_CHARACTERS, description="The chunk's bytes in base64.")
    encoding: Encoding | None = None
    sample_rate: StrictInt | None = Field(None, ge=8000, le=48000)
    channel: StrictInt | None = Field(None, ge=0, le=7)


class ChunkReceipt(Answer):
    """The chunk will be scored."""

    session_id: str
    chunk: int
    accepted_at: AwareDatetime


class EndRequest(Request):
    """Says that no more audio follows."""

    chunks: StrictInt = Field(
        ge=0, le=MAX_CHUNKS, description="How many chunks the call has: one more than its last number."
    )


class Session(Answer):
    """A call."""

    session_id: str
    domain: str
    claimed_speaker: str | None
    status: SessionStatus
    format: AudioFormat
    chunks: int | None = Field(description="How many chunks the call has; null until its end is known.")
    call_id: str | None
    started_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="From then on no audio is taken.")
    decision_id: str | None = Field(description="The final decision, once there is one.")
    request_id: str | None = Field(None, description="Of the request that started the call, as its X-Request-Id said.")


class ChunkCounts(Answer):
    """What has arrived of a call."""

    expected: int | None = Field(description="Null until the end of the call is known.")
    scored: int = Field(description="Different chunks that were scored.")
    used: int = Field(description="Chunks that the decision stands on: the newest 120 s of speech at most.")
    conflicting: int = Field(description="Chunk numbers that came with different audio.")
    late: int = Field(description="Scored after the decision became final; kept, and without effect.")


class SessionEvaluation(Answer):
    """What the call's audio says so far, or finally."""

    evaluation_id: str = Field(description="The same until audio, speaker, policy or models change.")
    session_id: str
    domain: str
    claimed_speaker: str | None
    status: SessionStatus
    decision_id: str | None = Field(description="Set when the decision is final, and never changed from then on.")
    decision: Decision
    reasons: list[Reason] = Field(description="The decisive one first, then what else kept the call from more.")
    speaker: SpeakerEvidence | None
    liveness: LivenessEvidence | None = Field(None, description="Null when nothing could be heard of it.")
    speech_seconds: float
    channel: Channel | None
    quality: QualityReport | None
    chunks: ChunkCounts
    degraded: list[str]
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    request_id: str | None = Field(None, description="Of the request that started the call, as its X-Request-Id said.")


class Health(Answer):
    """The service answers."""

    status: Literal["ok"] = "ok"
    version: str
    stage: str


class ProblemDetail(Answer):
    """One thing that is wrong."""

    field: str
    limit: str | None = None
    found: str | None = None


class Problem(Answer):
    """RFC 9457 problem document. `code` is stable; branch on it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemDetail] = []
    request_id: str | None = Field(None, description="To be quoted to whoever runs the service; also in X-Request-Id.")
