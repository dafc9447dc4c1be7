"""Comparisons of stored decisions with those of another policy."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, StrictInt

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.contracts.base import Answer, RangeLimit, Request
from bonafide.contracts.decisions import decision_cursor, position
from bonafide.contracts.settings.changes import PolicyChanges
from bonafide.records.policies.comparison import CostPair, PolicyComparison, PolicyFlip
from bonafide.services.policies.comparisons import ComparedPage, DecisionRange

# Decisions that one request compares: they are read in about half a second.
MOST_COMPARED = 500


class WhatIfRequest(Request):
    """Judges stored decisions again under the active policy with changes; what is left out stays as it is there."""

    policy: PolicyChanges
    begin: RangeLimit | None = Field(
        None, alias="from", description="Earliest time, inclusive; default: 30 days before its end."
    )
    end: RangeLimit | None = Field(None, alias="to", description="Latest time, exclusive; default: now.")
    cursor: str | None = Field(None, max_length=128, description="`next_cursor` of the page before.")
    limit: StrictInt = Field(200, ge=1, le=MOST_COMPARED, description="Decisions a page, the newest first.")

    def changes(self) -> dict[str, Any]:
        """Returns the new values by name."""
        return self.policy.model_dump(exclude_unset=True)

    def chosen(self, begin: datetime, end: datetime) -> DecisionRange:
        """Returns the decisions that are meant.

        Raises:
            InvalidInput: the cursor is not one that was issued.
        """
        return DecisionRange(begin, end, position(self.cursor), self.limit)


class ActionCount(Answer):
    """Number of decisions with one pair of actions and one outcome."""

    before: Decision = Field(description="What was decided.")
    after: Decision = Field(description="What the other policy decides.")
    outcome: OutcomeLabel = Field(description="In force; `unknown` where nobody has stated any.")
    count: int


class ExpectedCost(Answer):
    """Expected cost of these decisions, in all."""

    before: float = Field(description="Of what was decided.")
    after: float = Field(description="Of what the other policy decides.")


class ExpectedCosts(Answer):
    """Expected costs, by the outcome where one is in force, else by the evidence and priors.

    A policy is cheapest by its own priors and costs, so both sides are told.
    """

    by_former: ExpectedCost = Field(description="In priors and costs of the policies that decided.")
    by_other: ExpectedCost = Field(description="In priors and costs of the other policy.")


class FlippedDecision(Answer):
    """A decision that the other policy changes."""

    decision_id: str
    decided_at: AwareDatetime
    before: Decision
    after: Decision
    reasons: list[Reason] = Field(description="Of the other policy's decision, the decisive one first.")
    outcome: OutcomeLabel = Field(description="In force; `unknown` where nobody has stated any.")
    expected_cost: ExpectedCost = Field(description="In priors and costs of the other policy.")


class PolicyComparisonPage(Answer):
    """Comparison of one page of decisions with those of another policy; counts and costs of pages add up."""

    domain: str
    staged_version: int | None = Field(None, description="Of the policy, if it is or was staged.")
    begin: AwareDatetime = Field(description="Decisions from here on were looked at.")
    end: AwareDatetime = Field(description="Decisions before this time were looked at.")
    compared: int = Field(description="Decisions that were compared: the sum of `counts`.")
    untold: int = Field(
        description="Decisions that cannot be compared: of a release that stored no policy; not judged by the staged "
        "policy; or with less speech than the policy required that decided, and enough for the other."
    )
    counts: list[ActionCount]
    expected_costs: ExpectedCosts
    flips: list[FlippedDecision] = Field(
        description="Up to 20 decisions that the other policy changes, those that change the cost most first."
    )
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


def comparison_view(page: ComparedPage) -> PolicyComparisonPage:
    """Returns the view of a page."""
    found = page.found
    return PolicyComparisonPage(
        domain=page.domain.domain,
        staged_version=page.staged_version,
        begin=page.begin,
        end=page.end,
        compared=sum(found.counts.values()),
        untold=found.untold,
        counts=list(_counts(found)),
        expected_costs=ExpectedCosts(by_former=_cost(found.by_former), by_other=_cost(found.by_other)),
        flips=[_flip(each) for each in found.flips],
        next_cursor=decision_cursor(page.after),
    )


def _counts(found: PolicyComparison) -> Iterable[ActionCount]:
    for each, count in sorted(found.counts.items(), key=lambda item: str(item[0])):
        yield ActionCount(before=each.before, after=each.after, outcome=each.label, count=count)


def _cost(pair: CostPair) -> ExpectedCost:
    return ExpectedCost(before=pair.before, after=pair.after)


def _flip(flip: PolicyFlip) -> FlippedDecision:
    return FlippedDecision(
        decision_id=flip.decision_id,
        decided_at=flip.decided_at,
        before=flip.actions.before,
        after=flip.actions.after,
        reasons=list(flip.reasons),
        outcome=flip.actions.label,
        expected_cost=_cost(flip.cost),
    )
