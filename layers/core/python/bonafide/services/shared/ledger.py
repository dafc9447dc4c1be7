"""The ledger: stores decisions and reports them to metrics, traces and logs, which learn nothing about the person."""

import time
from datetime import timedelta

from bonafide.biometrics.liveness import LivenessState
from bonafide.observability import annotate, logger, measurements, stage
from bonafide.ports.stores import DecisionStore
from bonafide.records.decision import DecisionRecord


class Ledger:
    """Writes decisions."""

    def __init__(self, store: DecisionStore) -> None:
        self._store = store

    def write(self, record: DecisionRecord, kept: timedelta, started: float) -> DecisionRecord:
        """Stores a decision; returns the stored one, which may be an earlier one that was reported before.

        Args:
            record: with its `decision_id`.
            kept: how long the decision is kept.
            started: on the monotonic clock, when the work that led to the decision began.
        """
        with stage("store"):
            stored = self._store.append(record, record.decided_at + kept)
        if stored == record:
            _report(record, (time.monotonic() - started) * 1000)
        return stored


def _report(record: DecisionRecord, latency_ms: float) -> None:
    judgement = record.judgement
    liveness = judgement.liveness
    measurements.add_decision(
        record.domain,
        judgement.decision,
        latency_ms,
        judgement.speaker.llr if judgement.speaker else None,
        liveness.llr if liveness else None,
        spoof=liveness is not None and liveness.state is LivenessState.SPOOF,
    )
    if record.case.brakes:
        # Decisions on golden calls count too, so that a brake shows where nobody calls.
        measurements.add(BrakeOn=1)
    shown = {
        "domain": record.domain,
        "decision": str(judgement.decision),
        "decision_id": record.decision_id,
        "bundle": record.bundle,
    }
    annotate(**shown)
    told = {
        "reasons": [str(reason) for reason in judgement.reasons],
        "policy_version": record.policy_version,
        "brakes": [str(brake) for brake in record.case.brakes],
    }
    logger.info("decided", extra={**shown, **told})
