"""Decisions as analysts read them: everything that explains one, unrounded."""

import math
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from bonafide.biometrics.case import BrakeScope
from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.scoring import Condition
from bonafide.contracts.audio import QualityReport
from bonafide.contracts.base import Answer
from bonafide.contracts.cursors import from_cursor, to_cursor
from bonafide.contracts.domains import PolicySettings
from bonafide.contracts.outcomes.statements import OutcomeEntry, outcome_entries
from bonafide.contracts.risk.reports import CallRiskReport, risk_report
from bonafide.contracts.sessions import ChunkCounts
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionPage, DecisionPosition

# A decision identifier is a UUID.
POSITION = r"[0-9T:.+-]{32}\|[0-9a-f-]{36}"


class VoiceScore(Answer):
    """Score of the voice against the claimed speaker's."""

    llr: float = Field(description="Calibrated natural-log likelihood ratio; above 0 favors the claimed speaker.")
    score: float = Field(description="The LLR on a scale of 0 to 100.")


class StagedDecision(Answer):
    """Decision that a policy that was staged would have made, and no caller was told."""

    staged_version: int = Field(description="Of that policy.")
    decision: Decision
    reasons: list[Reason] = Field(description="The decisive one first.")


class LivenessScore(Answer):
    """Score of the voice as bona fide or synthetic."""

    llr: float = Field(description="Calibrated natural-log likelihood ratio; above 0 favors a human voice.")
    score: float = Field(description="The LLR on a scale of 0 to 100.")
    state: LivenessState = Field(description="Name of the LLR, independent of the policy.")


class ComparisonFacts(Answer):
    """Comparison of the speech with the voiceprint, before calibration."""

    condition: Condition = Field(description="Kind of comparison, by the bands of both sides.")
    cosine: float = Field(description="Of the two embeddings, -1 to 1.")
    enrolled_seconds: float = Field(description="Net speech of the template.")
    tested_seconds: float = Field(description="Net speech of the recording or session.")


class PolicyThresholds(Answer):
    """LLRs at which the policy changes its decision; null where the release that decided did not store one."""

    accept: float | None = Field(description="Speaker LLR from which on a surely human voice is accepted.")
    reject: float | None = Field(description="Speaker LLR below which such a voice is rejected.")
    liveness: float | None = Field(description="Liveness LLR from which on a surely matching voice is accepted.")


class LedgerEntry(Answer):
    """A decision with everything that explains it."""

    decision_id: str
    domain: str
    kind: Literal["authentication", "session"] = Field(description="Whether a recording or a session was judged.")
    claimed_speaker: str | None = Field(description="Null where nobody was claimed, or the speaker was deleted since.")
    session_id: str | None = Field(description="Null for authentications, and where the speaker was deleted since.")
    decision: Decision
    reasons: list[Reason] = Field(description="The decisive one first.")
    speaker: VoiceScore | None = Field(description="Null when there was nothing to compare.")
    liveness: LivenessScore | None = Field(description="Null when it was not detected.")
    comparison: ComparisonFacts | None = Field(description="Null when there was nothing to compare, or not stored.")
    thresholds: PolicyThresholds
    speech_seconds: float
    channel: Channel | None
    quality: QualityReport | None
    embedding_norm: float | None = Field(
        None, description="Length of the speaker network's output, by which drift is watched; null where not measured."
    )
    chunks: ChunkCounts | None = Field(description="Null for authentications.")
    degraded: list[str] = Field(description="Signals that were not available.")
    call_risk: CallRiskReport | None = Field(None, description="What the call itself said; null without `call`.")
    brakes: list[BrakeScope] = Field([], description="Brakes that were on: of the stage, of the domain.")
    policy: PolicySettings | None = Field(description="The policy that decided; null where it was not stored.")
    policy_version: int
    staged: StagedDecision | None = Field(
        None, description="What the policy that was staged would have decided; null where none was."
    )
    bundle: str = Field(description="SHA-256 of the models' manifest.")
    calibration: str | None = Field(description="SHA-256 of the calibration; null where it was not stored.")
    audio: str | None = Field(description="SHA-256 of the recording, or of the names of a session's chunks used.")
    call_id: str | None
    decided_at: AwareDatetime
    latency_ms: int | None = Field(description="From the request's arrival to the decision; null for sessions.")
    timings_ms: dict[str, float] = Field(description="Duration of each stage.")
    request_id: str | None = Field(description="Of the request that was decided on, or that started the session.")
    principal: str | None = Field(description="Verified identity of who sent that request.")
    outcome: OutcomeEntry | None = Field(
        None, description="What the call turned out to be: the statement in force; null where nobody has stated any."
    )
    outcome_history: list[OutcomeEntry] = Field([], description="All statements on it, the one in force first.")


class LedgerPage(Answer):
    """One page of decisions, the newest first."""

    decisions: list[LedgerEntry]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null on the last one. A page before the last may be empty."
    )


def ledger_entry(record: DecisionRecord) -> LedgerEntry:
    """Returns the view of a stored decision."""
    case, judgement, part = record.case, record.judgement, record.session
    outcomes = outcome_entries(record.outcomes)
    return LedgerEntry(
        decision_id=record.decision_id or "",
        domain=record.domain,
        kind="session" if part else "authentication",
        claimed_speaker=record.speaker,
        session_id=(part.session or None) if part else None,
        decision=judgement.decision,
        reasons=list(judgement.reasons),
        speaker=VoiceScore(**asdict(judgement.speaker)) if judgement.speaker else None,
        liveness=LivenessScore(**asdict(judgement.liveness)) if judgement.liveness else None,
        comparison=ComparisonFacts(**asdict(case.comparison)) if case.comparison else None,
        thresholds=_thresholds(judgement.thresholds),
        speech_seconds=case.speech_seconds,
        channel=case.channel,
        quality=QualityReport(**asdict(case.quality)) if case.quality else None,
        embedding_norm=case.embedding_norm,
        chunks=ChunkCounts(**asdict(part.chunks)) if part else None,
        degraded=list(case.degraded),
        call_risk=risk_report(case.risk),
        brakes=list(case.brakes),
        policy=PolicySettings(**asdict(record.policy)) if record.policy else None,
        policy_version=record.policy_version,
        staged=StagedDecision(**asdict(record.staged)) if record.staged else None,
        bundle=record.bundle,
        calibration=record.calibration,
        audio=record.audio,
        call_id=record.call_id,
        decided_at=record.decided_at,
        latency_ms=record.latency_ms,
        timings_ms=dict(record.timings_ms),
        request_id=record.request_id,
        principal=record.principal,
        outcome=outcomes[0] if outcomes else None,
        outcome_history=outcomes,
    )


def ledger_page(page: DecisionPage) -> LedgerPage:
    """Returns the view of one page of decisions."""
    return LedgerPage(
        decisions=[ledger_entry(record) for record in page.decisions],
        next_cursor=decision_cursor(page.after),
    )


def decision_cursor(after: DecisionPosition | None) -> str | None:
    """Returns the cursor of a position; None where there is no next page."""
    return to_cursor(_written(after)) if after else None


def position(cursor: str | None) -> DecisionPosition | None:
    """Returns the position that a cursor stands for; None for the first page.

    Raises:
        InvalidInput: the cursor is not one that was issued.
    """
    after = from_cursor(cursor, _is_position)
    return _read(after) if after else None


def _thresholds(known: Thresholds) -> PolicyThresholds:
    return PolicyThresholds(**{name: None if math.isnan(value) else value for name, value in asdict(known).items()})


def _written(after: DecisionPosition) -> str:
    return f"{after.decided_at.astimezone(UTC).isoformat(timespec='microseconds')}|{after.decision_id}"


def _read(text: str) -> DecisionPosition:
    at, _, decision_id = text.partition("|")
    return DecisionPosition(datetime.fromisoformat(at), decision_id)


def _is_position(text: str) -> bool:
    if not re.fullmatch(POSITION, text):
        return False
    try:
        return _read(text).decided_at.tzinfo is not None
    except ValueError:
        return False
