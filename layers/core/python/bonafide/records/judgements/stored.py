"""Stored forms of cases and judgements, of this and of earlier releases."""

from dataclasses import asdict

from bonafide.biometrics.case import BrakeScope, Case, Signal
from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.scoring import Comparison, Condition
from bonafide.records import Stored, StoredForm, known
from bonafide.records.risk.call import read_risk, written_risk


def written_facts(case: Case) -> StoredForm:
    """Returns the facts of a case as they are stored beside what is told of it."""
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


def written_voice(judgement: Judgement) -> StoredForm | None:
    """Returns the stored form of the voice against the claimed speaker's, with the threshold of ACCEPT."""
    voice = judgement.speaker
    return {**asdict(voice), "threshold": judgement.thresholds.accept} if voice else None


def written_liveness(judgement: Judgement) -> StoredForm | None:
    """Returns the stored form of the liveness, with its threshold."""
    liveness = judgement.liveness
    return {**asdict(liveness), "threshold": judgement.thresholds.liveness} if liveness else None


def read_case(document: Stored) -> Case:
    """Reads the case of a decision that this or an earlier release stored."""
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


def read_judgement(document: Stored) -> Judgement:
    """Reads the judgement of a decision that this or an earlier release stored."""
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
