"""The ledger: stores decisions, counts those that failed, and reports them without anything about the person."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.presentation.attempts import Failure, alerts, attempt_name, is_failure
from bonafide.errors import StoreUnavailable
from bonafide.observability import annotate, log_unexpected, logger, measurements, stage
from bonafide.ports.stores import AttemptStore, DecisionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.identifiers import counters

# The hash of a reference to a caller that could not be made: the caller's counter is not known.
UNHASHED = ""


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


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """Limit of attempts in force for one decision.

    Attributes:
        alerts: the reason, if too many attempts failed before.
        missing: names the counters if they could not be read.
    """

    alerts: tuple[Reason, ...] = ()
    missing: tuple[Signal, ...] = ()

    @classmethod
    def of(
        cls, domain: DomainRecord, speaker: SpeakerRecord | None, caller: str | None, now: datetime, attempt: str = ""
    ) -> Self:
        """Applies the domain's limit to the counters that were read with it.

        Args:
            domain: with the counters.
            speaker: who is claimed; failures at a predecessor of that name do not count.
            caller: keyed hash; empty where it could not be made.
            now: time of the decision.
            attempt: name of the session that is decided on: it does not limit itself.
        """
        if domain.policy.failure_limit is None:
            return cls()
        if domain.attempts is None or caller == UNHASHED:
            logger.error("attempts not read", extra={"domain": domain.domain})
            measurements.add(AttemptReadFailures=1)
            return cls(missing=(Signal.ATTEMPTS,))
        own = [each.since(speaker.created_at) for each in domain.attempts[:1] if speaker]
        return cls(tuple(alerts([*own, *domain.attempts[1:]], domain.policy, now, attempt)))


def hash_of(hash_: Callable[[str, str], str | None], domain: str, caller: str | None) -> str | None:
    """Returns the keyed hash of the reference to a caller; None without one, and empty if it cannot be made."""
    if caller is None:
        return None
    try:
        return hash_(domain, caller)
    except StoreUnavailable:
        # The decision says that a signal is missing; nobody is refused for it.
        return UNHASHED


class AttemptCounter:
    """Counts failed attempts at the claimed speaker and by the caller.

    A session is one attempt at each speaker claimed in it, known by the name of its final decision from the start
    on. It counts from its first evaluation that failed: whoever leaves sessions open, or claims another speaker, is
    counted too. If its final decision did not fail, it is taken back.
    """

    def __init__(self, store: AttemptStore) -> None:
        self._store = store

    def final(self, domain: DomainRecord, record: DecisionRecord, speaker: SpeakerRecord | None) -> None:
        """Counts a final decision that failed, before it is answered; takes back what its evaluations counted if not.

        Args:
            domain: as it was read for the decision, with the counters.
            record: as it is stored, so that every retry counts the same failure.
            speaker: as read with them; a match is noted as a use of the voiceprint.
        """
        if speaker and Reason.VOICE_MATCH in record.judgement.reasons and not is_failure(record.judgement):
            self._note_use(speaker, record.decided_at)
        if domain.policy.failure_limit is None or record.decision_id is None or record.speaker is None:
            return
        if is_failure(record.judgement):
            self._count(domain, record, record.decision_id)
            return
        own = attempt_name(record.decision_id, record.speaker)
        for counter, known in zip(_counters(record), domain.attempts or (), strict=False):
            if taken := known.of_attempt(own):
                self._store.remove(domain.domain, [counter], taken)

    def _note_use(self, speaker: SpeakerRecord, at: datetime) -> None:
        """Notes a use, once a day at most; nobody is refused if that fails, and the next match tries again."""
        if speaker.used_at and speaker.used_at.date() >= at.date():
            return
        try:
            self._store.use(speaker.domain, speaker.speaker, at)
        except StoreUnavailable as error:
            log_unexpected(error)

    def provisional(self, domain: DomainRecord, record: DecisionRecord, decision_id: str) -> None:
        """Counts an evaluation that failed, unless one of the same session and speaker was counted before.

        Args:
            domain: as it was read for the evaluation, with the counters.
            record: the evaluation.
            decision_id: of the session's final decision to come.
        """
        if domain.policy.failure_limit is None or record.speaker is None or not is_failure(record.judgement):
            return
        own = attempt_name(decision_id, record.speaker)
        if not domain.attempts or not domain.attempts[0].of_attempt(own):
            self._count(domain, record, decision_id)

    def _count(self, domain: DomainRecord, record: DecisionRecord, decision_id: str) -> None:
        failure = Failure.of(record.decided_at, decision_id, record.speaker or "")
        expires_at = record.decided_at + timedelta(minutes=domain.policy.failure_minutes)
        self._store.count(domain.domain, _counters(record), failure, expires_at)
        for counter, known in zip(_counters(record), domain.attempts or (), strict=False):
            self._store.remove(domain.domain, [counter], known.outdated)


def _counters(record: DecisionRecord) -> tuple[str, ...]:
    return counters(record.speaker, record.caller)


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
    if Reason.TOO_MANY_FAILURES in record.case.alerts:
        measurements.add(AttemptsLimited=1)
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
