"""Comparison of stored decisions with those of another policy; parts of a range add up to the whole."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.policies.costs import CallerProbabilities, action_cost
from bonafide.biometrics.policies.rejudging import rejudged
from bonafide.biometrics.policy import Policy
from bonafide.records.decision import DecisionRecord
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_in_force
from bonafide.records.policies.staged import StagedPolicy

# Flips that are shown of one part, those that weigh most.
MOST_EXAMPLES = 20

# Action under the other policy with its reasons, or None where it cannot be told.
type OtherDecision = Callable[[DecisionRecord, Policy], tuple[Decision, Sequence[Reason]] | None]


@dataclass(frozen=True, slots=True)
class ComparedActions:
    """Action that was taken, and that of the other policy, on callers with one outcome; UNKNOWN for unlabeled ones."""

    before: Decision
    after: Decision
    label: OutcomeLabel


@dataclass(frozen=True, slots=True)
class CostPair:
    """Expected cost of what was decided, and of what the other policy decides."""

    before: float = 0.0
    after: float = 0.0

    def __add__(self, other: Self) -> Self:
        """Adds up the costs of two parts."""
        return type(self)(self.before + other.before, self.after + other.after)


@dataclass(frozen=True, slots=True)
class PolicyFlip:
    """A decision that the other policy changes.

    Attributes:
        decision_id: of the decision.
        decided_at: when it was made.
        actions: before and after, and the outcome.
        reasons: of the other policy's decision.
        cost: expected, in costs and priors of the other policy.
    """

    decision_id: str
    decided_at: datetime
    actions: ComparedActions
    reasons: tuple[Reason, ...]
    cost: CostPair


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """Counts and costs of decisions under the policies that made them, and under another one.

    Attributes:
        counts: decisions by both actions and outcome; those with equal actions, too.
        untold: decisions that cannot be compared: of a release that stored no policy, or with less speech than decided.
        by_former: costs in the costs and priors of the policies that decided.
        by_other: costs in those of the other policy.
        flips: examples, those that change the cost most first.
    """

    counts: Mapping[ComparedActions, int] = field(default_factory=dict)
    untold: int = 0
    by_former: CostPair = CostPair()
    by_other: CostPair = CostPair()
    flips: Sequence[PolicyFlip] = ()

    def __add__(self, other: Self) -> Self:
        """Adds up two parts of a range."""
        return type(self)(
            Counter(self.counts) + Counter(other.counts),
            self.untold + other.untold,
            self.by_former + other.by_former,
            self.by_other + other.by_other,
            _foremost([*self.flips, *other.flips]),
        )


def what_if(records: Iterable[DecisionRecord], policy: Policy) -> PolicyComparison:
    """Judges stored decisions again under another policy."""

    def again(record: DecisionRecord, former: Policy) -> tuple[Decision, Sequence[Reason]] | None:
        found = rejudged(record.case, record.judgement, former, policy)
        return (found.decision, found.reasons) if found else None

    return _compared(records, policy, again)


def in_shadow(records: Iterable[DecisionRecord], staged: StagedPolicy) -> PolicyComparison:
    """Compares stored decisions with what a staged policy made of them in shadow; others are untold."""

    def stored(record: DecisionRecord, _: Policy) -> tuple[Decision, Sequence[Reason]] | None:
        found = record.staged
        return (found.decision, found.reasons) if found and found.staged_version == staged.staged_version else None

    return _compared(records, staged.policy, stored)


def _compared(records: Iterable[DecisionRecord], policy: Policy, other: OtherDecision) -> PolicyComparison:
    counts: Counter[ComparedActions] = Counter()
    untold, by_former, by_other = 0, CostPair(), CostPair()
    flips: list[PolicyFlip] = []
    for record in records:
        found = other(record, record.policy) if record.policy else None
        if found is None or record.policy is None:
            untold += 1
            continue
        outcome = outcome_in_force(record.outcomes)
        actions = ComparedActions(
            record.judgement.decision, found[0], outcome.label if outcome else OutcomeLabel.UNKNOWN
        )
        cost = _cost(record, actions, outcome, policy)
        counts[actions] += 1
        by_former += _cost(record, actions, outcome, record.policy)
        by_other += cost
        if actions.before is not actions.after:
            flips.append(PolicyFlip(record.decision_id or "", record.decided_at, actions, tuple(found[1]), cost))
    return PolicyComparison(counts, untold, by_former, by_other, _foremost(flips))


def _cost(
    record: DecisionRecord, actions: ComparedActions, outcome: OutcomeStatement | None, policy: Policy
) -> CostPair:
    caller = CallerProbabilities.labeled(outcome.label, outcome.attack) if outcome else None
    if caller is None:
        voice, liveness = record.judgement.speaker, record.judgement.liveness
        # What is known of the call counts for the odds; in favor of the caller, against another human only.
        nats = record.case.risk.nats if record.case.risk else 0.0
        live = liveness.llr - max(nats, 0.0) if liveness else None
        caller = CallerProbabilities.expected((voice.llr if voice else 0.0) - nats, live, policy)
    return CostPair(action_cost(actions.before, caller, policy), action_cost(actions.after, caller, policy))


def _foremost(flips: Iterable[PolicyFlip]) -> tuple[PolicyFlip, ...]:
    ordered = sorted(flips, key=lambda each: (-abs(each.cost.after - each.cost.before), each.decision_id))
    return tuple(ordered[:MOST_EXAMPLES])
