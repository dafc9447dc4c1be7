"""Outcomes of decisions: stated, counted as error rates, and asked for where they are worth most."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.outcomes.error_rates import DecidedBy, LabeledDecision, OutcomeRate, outcome_rates
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.biometrics.outcomes.review import ReviewWorth, review_worth
from bonafide.errors import Conflict, InvalidInput, Subject
from bonafide.ports.stores import DecisionStore, DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPosition
from bonafide.records.domain import DomainRecord
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_in_force
from bonafide.records.request import RequestContext
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import request_identifier
from bonafide.services.shared.lookups import decision_not_found, require_open, require_range
from bonafide.services.shared.retries import retry_on_conflict
from bonafide.services.shared.risk.outcomes import CallOutcomes

WRITE_ATTEMPTS = 5
# Statements on one decision: an item of DynamoDB has room for more than a thousand.
MOST_STATEMENTS = 50
# Clocks differ.
TOLERANCE = timedelta(minutes=5)
# Labeled decisions that rates are computed from, and how many are read at once.
MOST_LABELED, LABELED_PAGE = 2000, 200
# The newest decisions of a range among which the list of reviews looks.
REVIEWED = 1000


@dataclass(frozen=True, slots=True)
class StatedOutcome:
    """Outcome as a request states it; attributes as of `OutcomeStatement`, `known_at` of None is now."""

    label: OutcomeLabel
    attack: AttackKind | None
    known_at: datetime | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Performance:
    """Error rates in a range of time.

    Attributes:
        begin: from when on decisions were looked at; later than was asked for if there were too many.
        end: until when.
        complete: whether all labeled decisions of the range that was asked for were counted.
        labeled: number of them by decision.
        unknown: number of those whose outcome is unknown, which count for nothing else.
        rates: of each bundle and policy version.
    """

    begin: datetime
    end: datetime
    complete: bool
    labeled: Mapping[Decision, int]
    unknown: int
    rates: Mapping[DecidedBy, Sequence[OutcomeRate]]


@dataclass(frozen=True, slots=True, order=True)
class ReviewPosition:
    """Position in the list of reviews: unlabeled decisions first, then by cost and probability of an attack.

    Attributes:
        is_labeled: whether an outcome is in force that says something.
        cost: minus the expected cost.
        attack: minus the probability that it was not the speaker.
        decision_id: tells equal ones apart.
    """

    is_labeled: bool
    cost: float
    attack: float
    decision_id: str


@dataclass(frozen=True, slots=True)
class Review:
    """A decision that is worth a look.

    Attributes:
        record: of the decision.
        worth: what is to be expected of it.
        place: in the list.
    """

    record: DecisionRecord
    worth: ReviewWorth
    place: ReviewPosition


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of reviews.

    Attributes:
        reviews: in the order of the list.
        after: position that the next page follows, None on the last one.
        begin: time of the oldest decision that was looked at; None without any.
        looked_at: number of decisions that were.
    """

    reviews: Sequence[Review]
    after: ReviewPosition | None
    begin: datetime | None
    looked_at: int


class Outcomes:
    """Takes statements, and tells what they say about the decisions of a domain."""

    def __init__(
        self,
        domains: DomainStore,
        decisions: DecisionStore,
        clock: Clock = utc_now,
        calls: CallOutcomes | None = None,
    ) -> None:
        self._calls = calls
        self._domains = domains
        self._decisions = decisions
        self._clock = clock

    def state(
        self, domain: str, decision_id: str, stated: StatedOutcome, context: RequestContext
    ) -> tuple[DomainRecord, DecisionRecord]:
        """Adds a statement; returns the domain, and the decision with all statements on it.

        Raises:
            NotFound: the domain or the decision is unknown, erased, or its retention is over.
            InvalidInput: it became known in the future.
            Conflict: there are too many statements on the decision.
            StoreUnavailable: it is stated, and not yet learned from; the same request again makes it whole.
        """
        now = self._clock()
        if stated.known_at and stated.known_at > now + TOLERANCE:
            raise InvalidInput(
                "outcome_in_future",
                "An outcome cannot become known in the future.",
                subject=Subject.KNOWN_AT,
                limit=now.isoformat(),
                found=stated.known_at.isoformat(),
            )

        def attempt() -> tuple[DomainRecord, DecisionRecord]:
            owner, record = self._found(domain, decision_id)
            statement = _statement(record, stated, context, now)
            if all(each.statement_id != statement.statement_id for each in record.outcomes):
                _require_room(record)
                self._decisions.add_outcome(record, statement, MOST_STATEMENTS)
            return owner, self._found(domain, decision_id)[1]

        owner, record = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        if self._calls and record.call:
            record = self._calls.learn(owner, lambda: self._found(domain, decision_id)[1])
        return owner, record

    def performance(self, domain: str, begin: datetime, end: datetime) -> Performance:
        """Computes realized error rates from the labeled decisions of a range of time, the newest ones.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: the range of time is empty.
        """
        owner = require_open(self._domains.domain(domain), domain)
        require_range(begin, end)
        begin = max(begin, owner.created_at)
        found, after = self._labeled(domain, begin, end) if begin < end else ([], None)
        labels = [(each, outcome_in_force(each.outcomes)) for each in found]
        known = [_labeled(each, label) for each, label in labels if label and label.label is not OutcomeLabel.UNKNOWN]
        return Performance(
            begin=after.decided_at if after else begin,
            end=end,
            complete=after is None,
            labeled=Counter(each.decision for each in known),
            unknown=len(found) - len(known),
            rates=outcome_rates(known),
        )

    def reviews(self, domain: str, selection: DecisionFilter, after: ReviewPosition | None, limit: int) -> ReviewPage:
        """Reads a page of the decisions that are worth a look, among the newest of a selection.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: the range of time is empty.
        """
        owner = require_open(self._domains.domain(domain), domain)
        require_range(selection.begin, selection.end)
        begin = max(selection.begin, owner.created_at)
        chosen = DecisionFilter(begin, selection.end, selection.speaker, selection.decision)
        found = self._decisions.list(domain, chosen, None, REVIEWED).decisions if begin < selection.end else []
        listed = sorted((review for each in found if (review := _review(each))), key=lambda each: each.place)
        page = [each for each in listed if after is None or each.place > after]
        last = page[limit - 1].place if len(page) > limit else None
        return ReviewPage(page[:limit], last, found[-1].decided_at if found else None, len(found))

    def _labeled(
        self, domain: str, begin: datetime, end: datetime
    ) -> tuple[list[DecisionRecord], DecisionPosition | None]:
        found: list[DecisionRecord] = []
        after: DecisionPosition | None = None
        for _ in range(MOST_LABELED // LABELED_PAGE):
            page = self._decisions.labeled(domain, begin, end, after, LABELED_PAGE)
            found += page.decisions
            after = page.after
            if after is None:
                break
        return found, after

    def _found(self, domain: str, decision_id: str) -> tuple[DomainRecord, DecisionRecord]:
        owner = require_open(self._domains.domain(domain), domain)
        record = self._decisions.read(domain, decision_id)
        # As of `Decisions.get`: a new domain has none of its predecessor's.
        if record is None or record.decided_at < owner.created_at:
            raise decision_not_found(decision_id)
        return owner, record


def _statement(
    record: DecisionRecord, stated: StatedOutcome, context: RequestContext, now: datetime
) -> OutcomeStatement:
    scope = record.domain, record.decision_id or "", record.decided_at.isoformat(), "outcome"
    return OutcomeStatement(
        statement_id=request_identifier(context, *scope),
        label=stated.label,
        attack=stated.attack,
        known_at=stated.known_at or now,
        stated_at=now,
        principal=context.principal,
        # A decision that an erasure has unlinked leads to nobody any more, and nothing is to lead there again.
        source=stated.source if record.is_linked else None,
    )


def _require_room(record: DecisionRecord) -> None:
    if len(record.outcomes) >= MOST_STATEMENTS:
        raise Conflict(
            "too_many_outcomes",
            "There are as many statements on this decision as are kept.",
            subject=Subject.DECISION,
            limit=MOST_STATEMENTS,
        )


def _labeled(record: DecisionRecord, statement: OutcomeStatement) -> LabeledDecision:
    liveness, reasons = record.judgement.liveness, record.judgement.reasons
    named = liveness and liveness.state is LivenessState.SPOOF
    return LabeledDecision(
        by=DecidedBy(record.bundle, record.policy_version),
        decision=record.judgement.decision,
        attack_found=None if liveness is None else bool(named) or Reason.AUDIO_REPLAYED in reasons,
        label=statement.label,
        attack=statement.attack,
    )


def _review(record: DecisionRecord) -> Review | None:
    """Returns a decision with its worth; None of a release that did not store the policy."""
    if record.policy is None:
        return None
    judgement, label = record.judgement, outcome_in_force(record.outcomes)
    voice, liveness = judgement.speaker, judgement.liveness
    worth = review_worth(
        judgement.decision, voice.llr if voice else 0.0, liveness.llr if liveness else None, record.policy
    )
    place = ReviewPosition(
        label is not None and label.label is not OutcomeLabel.UNKNOWN,
        -_rounded(worth.expected_cost),
        -_rounded(worth.impostor + worth.spoof),
        record.decision_id or "",
    )
    return Review(record, worth, place)


def _rounded(value: float) -> float:
    """Returns a value as a cursor holds it."""
    return float(f"{value:.9e}")
