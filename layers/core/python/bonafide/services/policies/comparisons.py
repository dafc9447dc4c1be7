"""Comparison of a domain's stored decisions with those of another policy, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bonafide.biometrics.decision import require_bounds
from bonafide.errors import InvalidInput, NotFound, Subject
from bonafide.ports.stores import DecisionStore, DomainStore, StagingStore
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.comparison import PolicyComparison, in_shadow, what_if
from bonafide.services.shared.lookups import require_open, require_range


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """Comparison of one page of decisions.

    Attributes:
        domain: of the decisions.
        found: the comparison.
        begin: earliest time of the range, as it was looked at.
        end: latest time of the range.
        after: position that the next page follows; None on the last one.
        staged_version: of the policy, if it is or was staged.
    """

    domain: DomainRecord
    found: PolicyComparison
    begin: datetime
    end: datetime
    after: DecisionPosition | None
    staged_version: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionRange:
    """Decisions that one request compares.

    Attributes:
        begin: earliest time, inclusive.
        end: latest time, exclusive.
        after: position that they follow, None for the newest.
        limit: number of them at most.
    """

    begin: datetime
    end: datetime
    after: DecisionPosition | None
    limit: int


class PolicyComparisons:
    """Compares stored decisions with those of a policy that is asked for, or staged."""

    def __init__(self, domains: DomainStore, stagings: StagingStore, decisions: DecisionStore) -> None:
        self._domains = domains
        self._stagings = stagings
        self._decisions = decisions

    def what_if(self, domain: str, changes: Mapping[str, Any], chosen: DecisionRange) -> ComparedPage:
        """Judges a page of decisions again under the active policy with changes.

        Raises:
            NotFound: the domain is unknown.
            InvalidInput: the policy is out of bounds, the range of time is empty, or `after` lies outside of it.
        """
        owner = require_open(self._domains.domain(domain), domain)
        policy = replace(owner.policy, **changes)
        require_bounds(policy)
        begin, page = self._page(owner, chosen)
        return ComparedPage(owner, what_if(page.decisions, policy), begin, chosen.end, page.after)

    def in_shadow(self, domain: str, staged_version: int | None, chosen: DecisionRange) -> ComparedPage:
        """Compares a page of decisions with what a policy that is or was staged made of them in shadow.

        Raises:
            NotFound: the domain is unknown, or has no such policy; None is the one that is staged now.
            InvalidInput: the range of time is empty, or `after` lies outside of it.
        """
        owner = require_open(self._domains.domain(domain), domain)
        if staged_version is None:
            staged = self._stagings.staging(domain).of_domain_made(owner.created_at)
        else:
            staged = self._stagings.staged_before(owner, staged_version)
        if staged is None:
            raise NotFound(
                "policy_not_staged",
                "No such policy is or was staged in the domain.",
                subject=Subject.STAGED_VERSION,
                found=staged_version,
            )
        since = replace(chosen, begin=max(chosen.begin, staged.staged_at))
        begin, page = self._page(owner, since)
        return ComparedPage(
            owner, in_shadow(page.decisions, staged), begin, chosen.end, page.after, staged.staged_version
        )

    def _page(self, owner: DomainRecord, chosen: DecisionRange) -> tuple[datetime, DecisionPage]:
        begin, after = max(chosen.begin, owner.created_at), chosen.after
        require_range(chosen.begin, chosen.end)
        if after and not begin <= after.decided_at < chosen.end:
            raise InvalidInput(
                "cursor_invalid", "The cursor was issued for another range of time.", subject=Subject.CURSOR
            )
        if begin >= chosen.end:
            return begin, DecisionPage([], None)
        return begin, self._decisions.list(owner.domain, DecisionFilter(begin, chosen.end), after, chosen.limit)
