"""Shapes of the service's answers, as JSON. Ignore fields that are not listed: more may be added."""

from __future__ import annotations

from typing import Any, TypedDict

from bonafide_client.calls.risk import CallRiskDocument


class EvidenceDocument(TypedDict):
    """Evidence for the claimed speaker, or for a human voice.

    Attributes:
        llr: calibrated log-likelihood ratio, natural log; `score` is the same on a scale of 0 to 100.
        threshold: LLR from which on the policy accepts.
    """

    llr: float
    score: float
    threshold: float


class LivenessDocument(EvidenceDocument):
    """Evidence of liveness; `state` is bona_fide, uncertain or spoof."""

    state: str


class DomainDocument(TypedDict):
    """A domain and its settings."""

    domain: str
    policy: dict[str, Any]
    policy_version: int
    retention: dict[str, Any]
    principals: dict[str, Any] | None
    quota: dict[str, Any] | None
    created_at: str
    updated_at: str


class AuditEntryDocument(TypedDict):
    """One administrative act; `status` is None if the request was cut short."""

    at: str
    operation: str
    principal: str
    request_id: str
    subject: dict[str, str]
    body_sha256: str
    status: int | None
    code: str | None


class AuditPageDocument(TypedDict):
    """Administrative acts, the newest first; `next_cursor` is None on the last page."""

    entries: list[AuditEntryDocument]
    next_cursor: str | None


class BrakeChangeDocument(TypedDict):
    """One change of a brake."""

    version: int
    on: bool
    reason: str | None
    changed_by: str | None
    changed_at: str | None


class BrakeDocument(TypedDict):
    """A brake, and its newest changes, the newest first; `domain` is None for the brake of the stage."""

    domain: str | None
    on: bool
    since: str | None
    reason: str | None
    changed_by: str | None
    changes: list[BrakeChangeDocument]


class CalibrationDocument(TypedDict):
    """A version of a domain's calibration."""

    version: int
    state: str
    created_by: str | None
    created_at: str
    digest: str
    calibration: dict[str, Any]


class CalibrationChangeDocument(TypedDict):
    """One change of a domain's calibrations."""

    number: int
    action: str
    version: int
    reason: str
    changed_by: str | None
    changed_at: str


class CalibrationsDocument(TypedDict):
    """The calibrations of a domain that are in use, and changes, the newest first."""

    domain: str
    active: CalibrationDocument | None
    canary: CalibrationDocument | None
    canary_share: float
    changes: list[CalibrationChangeDocument]
    next_before: int | None


class SpeakerDocument(TypedDict):
    """A speaker, without anything biometric."""

    domain: str
    speaker: str
    status: str
    total_speech_seconds: float
    missing_speech_seconds: float
    channels: list[str]
    consent: dict[str, Any] | None
    opted_out_at: str | None
    created_at: str
    updated_at: str


class SpeakerPageDocument(TypedDict):
    """One page of a domain's speakers; `next_cursor` is None on the last one."""

    speakers: list[SpeakerDocument]
    next_cursor: str | None


class LedgerEntryDocument(TypedDict):
    """A stored decision with everything that explains it."""

    decision_id: str
    domain: str
    kind: str
    claimed_speaker: str | None
    session_id: str | None
    decision: str
    reasons: list[str]
    speaker: dict[str, Any] | None
    liveness: dict[str, Any] | None
    comparison: dict[str, Any] | None
    thresholds: dict[str, float | None]
    speech_seconds: float
    channel: str | None
    quality: dict[str, Any] | None
    embedding_norm: float | None
    chunks: dict[str, Any] | None
    degraded: list[str]
    call_risk: CallRiskDocument | None
    brakes: list[str]
    policy: dict[str, Any] | None
    policy_version: int
    bundle: str
    calibration: str | None
    audio: str | None
    call_id: str | None
    decided_at: str
    latency_ms: int | None
    timings_ms: dict[str, float]
    request_id: str | None
    principal: str | None
    outcome: dict[str, Any] | None
    outcome_history: list[dict[str, Any]]
    staged: dict[str, Any] | None


class LedgerPageDocument(TypedDict):
    """One page of decisions, the newest first; `next_cursor` is None on the last one."""

    decisions: list[LedgerEntryDocument]
    next_cursor: str | None


class EnrollmentDocument(TypedDict):
    """The contribution of one recording, and the speech that is still missing."""

    enrollment_id: str
    domain: str
    speaker: str
    status: str
    speech_seconds: float
    total_speech_seconds: float
    missing_speech_seconds: float
    channel: str
    quality: dict[str, Any]
    bundle: str
    repeated: bool
    liveness: str | None


class ContributionDocument(TypedDict):
    """One contribution to a voiceprint, with whether it counts."""

    contribution_id: str
    at: str
    speech_seconds: float
    channel: str
    embedding_spaces: list[str]
    liveness: str | None
    repeated: bool
    counts: bool
    taken_back_at: str | None


class ContributionsDocument(TypedDict):
    """Contributions to a voiceprint, the newest first."""

    contributions: list[ContributionDocument]
    other_speech_seconds: float


class DecisionDocument(TypedDict):
    """A decision on the caller, with its reasons."""

    decision_id: str
    domain: str
    claimed_speaker: str
    decision: str
    reasons: list[str]
    speaker: EvidenceDocument | None
    liveness: LivenessDocument | None
    speech_seconds: float
    channel: str
    quality: dict[str, Any]
    degraded: list[str]
    call_risk: CallRiskDocument | None
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: str
    latency_ms: int
    request_id: str | None


class UploadDocument(TypedDict):
    """A URL to PUT a recording to, and the name to use it by."""

    upload: str
    url: str
    expires_in_seconds: int
    max_bytes: int


class SessionDocument(TypedDict):
    """A session."""

    session_id: str
    domain: str
    claimed_speaker: str | None
    status: str
    format: dict[str, Any]
    chunks: int | None
    call_id: str | None
    started_at: str
    expires_at: str
    decision_id: str | None
    request_id: str | None


class ReceiptDocument(TypedDict):
    """A chunk that was accepted, and will be scored."""

    session_id: str
    chunk: int
    accepted_at: str


class EvaluationDocument(TypedDict):
    """An evaluation of a session's audio so far; final once `status` is FINAL and `decision_id` is set."""

    evaluation_id: str
    session_id: str
    domain: str
    claimed_speaker: str | None
    status: str
    decision_id: str | None
    decision: str
    reasons: list[str]
    speaker: EvidenceDocument | None
    liveness: LivenessDocument | None
    speech_seconds: float
    channel: str | None
    quality: dict[str, Any] | None
    chunks: dict[str, Any]
    degraded: list[str]
    call_risk: CallRiskDocument | None
    bundle: str
    policy_version: int
    call_id: str | None
    decided_at: str
    request_id: str | None
