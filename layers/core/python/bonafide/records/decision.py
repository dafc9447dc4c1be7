"""Decisions: everything that an answer, an audit and a replay need, unrounded and immutable."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from bonafide.biometrics.case import BrakeScope, Case, Signal
from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.risk.facts import CallFacts
from bonafide.biometrics.scoring import Comparison, Condition
from bonafide.biometrics.session import SessionStatus
from bonafide.records import Stored, StoredForm, known
from bonafide.records.outcomes.statement import OutcomeStatement, without_source
from bonafide.records.policies.staged import StagedJudgement
from bonafide.records.policies.stored import read_policy, written_policy
from bonafide.records.risk.call import read_call, read_risk, written_call, written_risk

# Schema 1 was the REST answer: rounded, without comparison, thresholds, policy, calibration, audio, and principal.
SCHEMA = 2


@dataclass(frozen=True, slots=True)
class ChunkTally:
    """Counts of a session's chunks.

    Attributes:
        expected: None until the end of the session is known.
        scored: different chunk numbers with evidence.
        used: chunks that the judgement rests on.
        conflicting: chunk numbers that came with different audio.
        late: chunks scored after the decision became final, which have no effect.
        complete: whether a final decision knows every chunk that was accepted before the end; False if the wait for
            one, or for the end, was over. None of provisional ones, and of those of releases that did not tell.
        digest: names the set of chunks that were scored, as `set_digest` does; None of releases that did not.
    """

    expected: int | None
    scored: int
    used: int
    conflicting: int
    late: int = 0
    complete: bool | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class SessionPart:
    """Attributes that only decisions on sessions have.

    Attributes:
        session: identifier of the session.
        evaluation_id: name of all that the judgement depends on.
        status: of the session when it was judged.
        chunks: counts.
    """

    session: str
    evaluation_id: str
    status: SessionStatus
    chunks: ChunkTally


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One judgement with its circumstances.

    Attributes:
        decision_id: None while a session's judgement is provisional.
        speaker: claimed speaker, if any.
        case: facts that were judged.
        policy: None in records of schema 1.
        policy_version: of the domain.
        bundle: digest of the model bundle.
        calibration: digest of the calibration; None in records of schema 1.
        audio: SHA-256 of the recording, or of the names of the chunks used; None in records of schema 1.
        latency_ms: from the request's arrival to the decision; None for sessions.
        timings_ms: by stage.
        staged: what a policy that was staged would have decided; None if none was. No answer to a caller tells it.
        request_id: of the request that was decided on, or that started the session.
        principal: verified identity of who sent that request.
        session: None for one-shot authentications.
        caller: keyed hash of the reference to the caller, if one was given.
        call: facts of the call, if any were given.
        generation: of the speaker who was claimed; None for sessions, and in records of releases that wrote none.
        schema: of the stored form that it was read from.
        outcomes: statements on what the call turned out to be, as they were read with the decision; stored beside it.
    """

    domain: str
    decision_id: str | None
    speaker: str | None
    case: Case
    judgement: Judgement
    policy: Policy | None
    policy_version: int
    bundle: str
    calibration: str | None
    audio: str | None
    call_id: str | None
    decided_at: datetime
    latency_ms: int | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    staged: StagedJudgement | None = None
    request_id: str | None = None
    principal: str | None = None
    session: SessionPart | None = None
    caller: str | None = None
    call: CallFacts | None = None
    generation: str | None = None
    schema: int = SCHEMA
    outcomes: tuple[OutcomeStatement, ...] = field(default=(), compare=False)

    @property
    def is_linked(self) -> bool:
        """Tells whether the decision still leads to the speaker or the session that it was about."""
        return bool(self.session.session if self.session else self.speaker)

    def unlinked(self) -> Self:
        """Returns the decision without what leads to the person or the call: references, digests, components."""
        return replace(
            self,
            speaker=None,
            call_id=None,
            audio=None,
            request_id=None,
            caller=None,
            call=self.call and replace(self.call, references={}),
            generation=None,
            case=replace(self.case, embedding_directions=(), embedding_norm=None),
            session=self.session and replace(self.session, session="", evaluation_id=""),
            outcomes=tuple(map(without_source, self.outcomes)),
        )

    def to_document(self) -> StoredForm:
        """Returns the stored form: all attributes of schema 1, so that the first release can read it, and more."""
        judgement, case = self.judgement, self.case
        return {
            "schema": SCHEMA,
            "decision_id": self.decision_id,
            "domain": self.domain,
            "claimed_speaker": self.speaker,
            "decision": str(judgement.decision),
            "reasons": [str(reason) for reason in judgement.reasons],
            "speaker": _written_voice(judgement),
            "liveness": _written_liveness(judgement),
            "speech_seconds": case.speech_seconds,
            "channel": case.channel,
            "quality": asdict(case.quality) if case.quality else None,
            "degraded": [str(signal) for signal in case.degraded],
            "bundle": self.bundle,
            "policy_version": self.policy_version,
            "call_id": self.call_id,
            "decided_at": self.decided_at.isoformat(),
            "latency_ms": self.latency_ms,
            "request_id": self.request_id,
            **(_written_session(self.session) if self.session else {}),
            "facts": _written_facts(case),
            "thresholds": asdict(judgement.thresholds),
            "policy": written_policy(self.policy) if self.policy else None,
            "calibration": self.calibration,
            "audio": self.audio,
            "timings_ms": dict(self.timings_ms),
            **({"staged": self.staged.to_document()} if self.staged else {}),
            "principal": self.principal,
            "caller": self.caller,
            "call": written_call(self.call),
            "generation": self.generation,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form of this or an earlier release."""
        return cls(
            domain=document["domain"],
            decision_id=document["decision_id"],
            speaker=document["claimed_speaker"],
            case=_read_case(document),
            judgement=_read_judgement(document),
            policy=read_policy(document["policy"]) if document.get("policy") else None,
            policy_version=document["policy_version"],
            bundle=document["bundle"],
            calibration=document.get("calibration"),
            audio=document.get("audio"),
            call_id=document["call_id"],
            decided_at=_read_time(document["decided_at"]),
            latency_ms=document.get("latency_ms"),
            timings_ms=document.get("timings_ms", {}),
            staged=StagedJudgement.from_document(document["staged"]) if "staged" in document else None,
            request_id=document.get("request_id"),
            principal=document.get("principal"),
            session=_read_session(document) if "session_id" in document else None,
            caller=document.get("caller"),
            call=read_call(document.get("call")),
            generation=document.get("generation"),
            schema=document.get("schema", 1),
        )


def _written_facts(case: Case) -> StoredForm:
    return {
        "comparison": asdict(case.comparison) if case.comparison else None,
        "obstacle": case.obstacle,
        "liveness": case.liveness,
        "brakes": [str(brake) for brake in case.brakes],
        "alerts": [str(alert) for alert in case.alerts],
        "risk": written_risk(case.risk),
        "embedding_norm": case.embedding_norm,
        "embedding_directions": list(case.embedding_directions),
    }


def _written_voice(judgement: Judgement) -> StoredForm | None:
    voice = judgement.speaker
    return {**asdict(voice), "threshold": judgement.thresholds.accept} if voice else None


def _written_liveness(judgement: Judgement) -> StoredForm | None:
    liveness = judgement.liveness
    return {**asdict(liveness), "threshold": judgement.thresholds.liveness} if liveness else None


def _written_session(part: SessionPart) -> StoredForm:
    return {
        "session_id": part.session,
        "evaluation_id": part.evaluation_id,
        "status": str(part.status),
        "chunks": asdict(part.chunks),
    }


def _read_case(document: Stored) -> Case:
    facts = document.get("facts", {})
    quality, channel, liveness = document["quality"], document["channel"], document.get("liveness")
    obstacle = facts.get("obstacle")
    return Case(
        speech_seconds=document["speech_seconds"],
        channel=Channel(channel) if channel else None,
        quality=Quality(**known(Quality, quality)) if quality else None,
        liveness=facts["liveness"] if facts else (liveness or {}).get("llr"),
        comparison=_read_comparison(facts.get("comparison")),
        obstacle=Reason(obstacle) if obstacle else None,
        degraded=_read_signals(document),
        brakes=tuple(BrakeScope(name) for name in facts.get("brakes", ()) if name in BrakeScope),
        alerts=tuple(Reason(name) for name in facts.get("alerts", ()) if name in Reason),
        risk=read_risk(facts.get("risk")),
        embedding_norm=facts.get("embedding_norm"),
        embedding_directions=tuple(facts.get("embedding_directions", ())),
    )


def _read_comparison(document: Stored | None) -> Comparison | None:
    if document is None:
        return None
    return Comparison(**{**known(Comparison, document), "condition": Condition(document["condition"])})


def _read_judgement(document: Stored) -> Judgement:
    voice, liveness = document["speaker"], document.get("liveness")
    return Judgement(
        decision=Decision(document["decision"]),
        reasons=tuple(Reason(name) for name in document["reasons"] if name in Reason),
        thresholds=_read_thresholds(document),
        speaker=VoiceJudgement(voice["llr"], voice["score"]) if voice else None,
        liveness=LivenessJudgement(liveness["llr"], liveness["score"], LivenessState(liveness["state"]))
        if liveness
        else None,
        degraded=_read_signals(document),
    )


def _read_thresholds(document: Stored) -> Thresholds:
    """Schema 1 stored only the thresholds that it answered with."""
    if stored := document.get("thresholds"):
        return Thresholds(**known(Thresholds, stored))
    voice, liveness = document["speaker"] or {}, document.get("liveness") or {}
    unknown = float("nan")
    return Thresholds(voice.get("threshold", unknown), unknown, liveness.get("threshold", unknown))


def _read_signals(document: Stored) -> tuple[Signal, ...]:
    return tuple(Signal(name) for name in document["degraded"] if name in Signal)


def _read_session(document: Stored) -> SessionPart:
    return SessionPart(
        session=document["session_id"],
        evaluation_id=document["evaluation_id"],
        status=SessionStatus(document["status"]),
        chunks=ChunkTally(**known(ChunkTally, document["chunks"])),
    )


def _read_time(text: Any) -> datetime:
    """Schema 1 wrote UTC as Z."""
    return datetime.fromisoformat(text).astimezone(UTC)
