"""Models that the first release reads stored decisions into, as they were: they never change."""

from pydantic import AwareDatetime, BaseModel, Field


class FirstSpeakerEvidence(BaseModel):
    llr: float
    score: float = Field(ge=0, le=100)
    threshold: float


class FirstLivenessEvidence(FirstSpeakerEvidence):
    state: str


class FirstQualityReport(BaseModel):
    level_dbfs: float
    clipped: float
    snr_db: float | None


class FirstChunkCounts(BaseModel):
    expected: int | None
    scored: int
    used: int
    conflicting: int
    late: int


class FirstAuthenticationDecision(BaseModel):
    decision_id: str
    domain: str
    claimed_speaker: str
    decision: str
    reasons: list[str]
    speaker: FirstSpeakerEvidence | None
    liveness: FirstLivenessEvidence | None = None
    speech_seconds: float
    channel: str
    quality: FirstQualityReport
    degraded: list[str]
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    latency_ms: int
    request_id: str | None = None


class FirstSessionEvaluation(BaseModel):
    evaluation_id: str
    session_id: str
    domain: str
    claimed_speaker: str | None
    status: str
    decision_id: str | None
    decision: str
    reasons: list[str]
    speaker: FirstSpeakerEvidence | None
    liveness: FirstLivenessEvidence | None = None
    speech_seconds: float
    channel: str | None
    quality: FirstQualityReport | None
    chunks: FirstChunkCounts
    degraded: list[str]
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    request_id: str | None = None
