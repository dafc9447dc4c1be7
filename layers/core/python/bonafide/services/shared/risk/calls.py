"""Risk of calls: weighed before a decision by what is known of the call, and counted once the decision is stored."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.presentation.attempts import attempt_name
from bonafide.biometrics.risk.facts import CallFacts, CallReference
from bonafide.biometrics.risk.scorecard import SCORECARD, CallRisk, is_forgeable, trusted_references
from bonafide.biometrics.risk.velocity import SURGE_WINDOW, USUAL_WINDOW, CallHistory, CallMark, estimated
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.risk.calls import CallStore, CallSubject
from bonafide.ports.signatures import CallerHashes
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.risk.call import StatedCall
from bonafide.records.speaker import SpeakerRecord, lifetime
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.ledger import hash_of

# Evaluations of a session, once a second, go on with what was read so lately; a domain's surge is as old at most.
READ_AGAIN = timedelta(seconds=30)
# After a failure decisions do without for so long, instead of each waiting for the store.
RETRY_AFTER = timedelta(seconds=2)
MOST_KEPT = 500
# References of one kind that a history has.
MOST_KNOWN = 16

type KnownDays = Mapping[tuple[CallReference, str], date]


@dataclass(frozen=True, slots=True)
class RiskFinding:
    """Result of the assessment of a call.

    Attributes:
        risk: None where nothing was supplied.
        missing: names the signal if something was supplied, and counters or history could not be read.
        known: history of the speaker as it was read.
    """

    risk: CallRisk | None = None
    missing: tuple[Signal, ...] = ()
    known: KnownDays = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names all that a decision rests on of it; nothing where nothing was supplied."""
        return (self.risk.version, *(f"{each.code}={each.nats}" for each in self.risk.reasons)) if self.risk else ()


class CallRisks:
    """Weighs calls, and counts them. A call of which nothing was supplied costs nothing."""

    def __init__(self, store: CallStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        # What was read lately, by domain, decision and speaker, or by domain, and when.
        self._lately: dict[tuple[str, ...], tuple[datetime, CallHistory]] = {}
        self._surges: dict[str, tuple[datetime, bool]] = {}
        self._asked_again_at = datetime.min.replace(tzinfo=clock().tzinfo)

    def assess(
        self,
        domain: DomainRecord,
        claimed: tuple[str | None, SpeakerRecord | None],
        call: CallFacts | None,
        name: str,
        *,
        lately: bool = False,
    ) -> RiskFinding:
        """Weighs a call.

        Args:
            domain: as it was read for the decision.
            claimed: name of the claimed speaker, and the record if there is one.
            call: facts; None where nothing was supplied.
            name: of the decision, which does not count for itself.
            lately: whether what was read for the same decision within `READ_AGAIN` will do.
        """
        if call is None:
            return RiskFinding()
        now, missing = self._clock(), () if call.hashed else (Signal.CALL_RISK,)
        try:
            history = self._read(subject_of(domain, claimed[1], call), name, now, lately=lately)
        except StoreUnavailable as error:
            self._failed("call counters not read", error, now)
            history, missing = CallHistory(), (Signal.CALL_RISK,)
        own = _tag(claimed[0], call)
        return RiskFinding(SCORECARD.weigh(call, history, now, own, attempt_name(name)), missing, history.known)

    def count(
        self, domain: DomainRecord, speaker: SpeakerRecord | None, record: DecisionRecord, known: KnownDays
    ) -> None:
        """Counts the call of a final decision once, and remembers whence a caller called who was accepted.

        A number that may be forged is not charged with the call: its owner may have had no part in it.
        Nobody is refused if that fails: the call is counted by a repetition of the request, or not at all.

        Args:
            domain: as it was read for the decision.
            speaker: as read with it.
            record: as it is stored, so that every repetition counts the same.
            known: of the finding that the decision rests on.
        """
        if record.call is None or record.decision_id is None:
            return
        if self._clock() < self._asked_again_at:
            measurements.add(CallRiskFailures=1)
            return
        subject, call = subject_of(domain, speaker, record.call), record.call
        mark = CallMark(int(record.decided_at.timestamp()), attempt_name(record.decision_id))
        try:
            of_number = replace(mark, other=_tag(record.speaker, call))
            counted = replace(subject, number=None) if is_forgeable(call) else subject
            self._store.count(counted, of_number, replace(mark, other=(call.number or "")[:8]))
            # A call that the history itself made good enough does not prolong it.
            reasons = record.judgement.reasons
            if record.judgement.decision is Decision.ACCEPT and Reason.CALL_CONTEXT not in reasons:
                self._remember(subject, call, record.decided_at, known)
        except StoreUnavailable as error:
            self._failed("call not counted", error, self._clock())

    def _remember(self, subject: CallSubject, call: CallFacts, at: datetime, known: KnownDays) -> None:
        """Adds the references of a call to the speaker's history, once a day; the oldest make room."""
        new = [each for each in trusted_references(call).items() if known.get(each, date.min) < at.date()]
        if subject.speaker and new:
            self._store.remember(subject, new, at, [old for each in new for old in _too_many(known, each)])

    def _read(self, subject: CallSubject, name: str, now: datetime, *, lately: bool) -> CallHistory:
        if now < self._asked_again_at:
            raise StoreUnavailable
        key = subject.domain, name, subject.speaker or ""
        at, history = self._lately.get(key, (now, None))
        if not lately or history is None or not timedelta() <= now - at < READ_AGAIN:
            history = replace(self._store.history(subject, now), surge=self._is_surge(subject, now))
            if lately:
                self._lately = _kept(self._lately, key, (now, history))
        return history

    def _is_surge(self, subject: CallSubject, now: datetime) -> bool:
        """Compares the last minutes of a domain with the hour before."""
        at, known = self._surges.get(subject.domain, (now, None))
        if known is None or not timedelta() <= now - at < READ_AGAIN:
            recent = now - SURGE_WINDOW
            samples = self._store.domain_calls(subject, recent - USUAL_WINDOW, now)
            usual = estimated(samples, recent - USUAL_WINDOW, recent) * (SURGE_WINDOW / USUAL_WINDOW)
            known = SCORECARD.limits.is_surge(estimated(samples, recent, now), usual)
            self._surges = _kept(self._surges, subject.domain, (now, known))
        return known

    def _failed(self, what: str, error: StoreUnavailable, now: datetime) -> None:
        # A call that was not made since the one before had failed is no failure of its own.
        if now >= self._asked_again_at:
            self._asked_again_at = now + RETRY_AFTER
            logger.error(what, extra={"error_type": type(error.__cause__).__name__})
        measurements.add(CallRiskFailures=1)


def hashed_call(hashes: CallerHashes, domain: str, stated: StatedCall | None) -> CallFacts | None:
    """Returns the facts of a call that a request states; None without any."""
    return stated.hashed(lambda text: hash_of(hashes.hashed, domain, text)) if stated else None


def subject_of(domain: DomainRecord, speaker: SpeakerRecord | None, call: CallFacts) -> CallSubject:
    """Names whose counters and history a call is about."""
    if speaker is None:
        return CallSubject(domain.domain, lifetime(domain), number=call.number)
    return CallSubject(domain.domain, lifetime(domain), speaker.speaker, lifetime(domain, speaker), call.number)


def _tag(speaker: str | None, call: CallFacts) -> str:
    """Returns the tag of a speaker among the calls of one number; it says nothing among those of another."""
    return hashlib.sha256(f"{call.number}/{speaker}".encode()).hexdigest()[:8] if speaker else ""


def _too_many(known: KnownDays, new: tuple[CallReference, str]) -> list[tuple[CallReference, str]]:
    """Returns the references of a new one's kind that have to make room for it, the oldest."""
    others = sorted((last, each) for each, last in known.items() if each[0] is new[0] and each != new)
    return [each for _, each in others[: max(0, len(others) + 1 - MOST_KNOWN)]]


def _kept[Key, Value](kept: Mapping[Key, Value], key: Key, value: Value) -> dict[Key, Value]:
    """Returns a bounded mapping with a new value."""
    return dict([*((each, own) for each, own in kept.items() if each != key), (key, value)][-MOST_KEPT:])
