"""Lessons of outcomes: whence a speaker really called, and which numbers committed fraud."""

from collections.abc import Callable

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.presentation.attempts import attempt_name
from bonafide.biometrics.risk.facts import CallFacts
from bonafide.biometrics.risk.scorecard import is_verified, trusted_references
from bonafide.ports.risk.calls import CallStore, CallSubject
from bonafide.ports.stores import DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_in_force
from bonafide.services.shared.risk.calls import subject_of

# Statements that arrive while one has its effect: the last of them has the last word.
MOST_LOOKS = 4


class CallOutcomes:
    """Lets the outcome in force have its effect on the history of the speaker and the reports on the number."""

    def __init__(self, calls: CallStore, domains: DomainStore) -> None:
        self._calls = calls
        self._domains = domains

    def learn(self, owner: DomainRecord, read: Callable[[], DecisionRecord]) -> DecisionRecord:
        """Learns from a decision, again if its outcome changed meanwhile; returns it as it was read last.

        Args:
            owner: the domain.
            read: reads the decision with its statements.

        Raises:
            StoreUnavailable: it is learned in part; again makes it whole.
        """
        record = read()
        for _ in range(MOST_LOOKS):
            statement = outcome_in_force(record.outcomes)
            if record.call is None or statement is None:
                break
            self._apply(owner, record, record.call, statement)
            record = read()
            if _label(record) is statement.label:
                break
        return record

    def _apply(self, owner: DomainRecord, record: DecisionRecord, call: CallFacts, statement: OutcomeStatement) -> None:
        subject, label = self._subject(owner, record, call), statement.label
        is_fraud = label is OutcomeLabel.FRAUD
        # A number that nobody vouches for may be that of somebody else. Reports are taken back of any.
        if subject.number and (is_verified(call) or not is_fraud):
            name = attempt_name(record.decision_id or "")
            self._calls.report(subject, name, statement.stated_at, fraud=is_fraud)
        if subject.speaker and label is OutcomeLabel.GENUINE:
            self._calls.remember(subject, call.references.items(), record.decided_at)
        if subject.speaker and is_fraud:
            self._calls.remember(subject, (), record.decided_at, trusted_references(call).items())

    def _subject(self, owner: DomainRecord, record: DecisionRecord, call: CallFacts) -> CallSubject:
        """Names the speaker only who was there when it was decided, and still is."""
        _, speaker = self._domains.find(owner.domain, record.speaker or "")
        gone = speaker is None or speaker.status is SpeakerStatus.OPTED_OUT or speaker.created_at > record.decided_at
        return subject_of(owner, None if gone else speaker, call)


def _label(record: DecisionRecord) -> OutcomeLabel | None:
    statement = outcome_in_force(record.outcomes)
    return statement.label if statement else None
