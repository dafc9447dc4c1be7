"""Writing a decision down, and telling metrics, trace and log of it: what was decided and why, never about whom."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bonafide.biometrics.liveness import LivenessState
from bonafide.contracts import AuthenticationDecision, SessionEvaluation
from bonafide.observability import annotate, logger, measurements, stage
from bonafide.ports import DecisionLog

SHOWN = {"domain", "decision", "decision_id", "bundle"}


def write(
    log: DecisionLog, decision: AuthenticationDecision | SessionEvaluation, expires_at: datetime, started: float
) -> Mapping[str, Any]:
    """Stores a decision and returns the stored one, which may be an earlier one and then was counted before.

    Args:
        log: where decisions are kept.
        decision: with its `decision_id`.
        expires_at: when it may be deleted.
        started: on the monotonic clock, when what asked for the decision arrived.
    """
    document = decision.model_dump(mode="json")
    with stage("store"):
        stored = log.append(decision.domain, document, expires_at)
    if stored == document:
        _report(decision, (time.monotonic() - started) * 1000)
    return stored


def _report(decision: AuthenticationDecision | SessionEvaluation, latency_ms: float) -> None:
    llr = decision.speaker.llr if decision.speaker else None
    liveness = decision.liveness.llr if decision.liveness else None
    spoof = decision.liveness is not None and decision.liveness.state is LivenessState.SPOOF
    measurements.add_decision(decision.domain, decision.decision, latency_ms, llr, liveness, spoof=spoof)
    shown = decision.model_dump(mode="json", include=SHOWN)
    annotate(**shown)
    logger.info("decided", extra={**shown, "reasons": decision.reasons, "policy_version": decision.policy_version})
