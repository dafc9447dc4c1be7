"""Another policy on archived decisions: what it would have decided, and what both cost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import batched, islice
from typing import Any

from bonafide.biometrics.decision import require_bounds
from bonafide.errors import NotFound, Subject
from bonafide.records.decision import DecisionRecord
from bonafide.records.policies.comparison import CostPair, PolicyComparison, what_if
from ops.ledger.replaying import records_of
from ops.ledger.stage import LedgerOfStage

# Decisions that are compared at once; parts add up.
PART = 500


@dataclass(frozen=True, slots=True)
class PolicyQuestion:
    """Asks what the active policy with changes would have decided.

    Attributes:
        ledger: of the stage.
        domain: of the decisions.
        changes: new values by name.
    """

    ledger: LedgerOfStage
    domain: str
    changes: Mapping[str, Any]

    def run(self, days: Sequence[date] | None, decision: str | None, count: int) -> tuple[str, bool]:
        """Judges up to `count` decisions again; returns the report, and whether any could be judged.

        Raises:
            NotFound: there is no such domain.
            InvalidInput: the policy is out of bounds.
        """
        owner = self.ledger.domains.domain(self.domain)
        if owner is None:
            raise NotFound("domain_not_found", "There is no such domain.", subject=Subject.DOMAIN)
        policy = replace(owner.policy, **self.changes)
        require_bounds(policy)
        found = PolicyComparison()
        for part in batched(islice(self._records(days, decision), count), PART):
            found += what_if(part, policy)
        return "\n".join(_lines(found)), bool(found.counts)

    def _records(self, days: Sequence[date] | None, decision: str | None) -> Iterator[DecisionRecord]:
        """Yields archived decisions that can be read, with the outcomes that the table has of them."""
        for name, record in records_of(self.ledger, self.domain, days, decision):
            if record:
                stored = self.ledger.decisions.read(self.domain, name)
                yield replace(record, outcomes=stored.outcomes if stored else ())


def _lines(found: PolicyComparison) -> Iterator[str]:
    yield f"{sum(found.counts.values())} decisions compared, {found.untold} cannot be"
    both: Counter[tuple[str, str]] = Counter()
    for each, number in found.counts.items():
        both[each.before, each.after] += number
    for (before, after), number in sorted(both.items()):
        labels = [
            f"{known} {each.label}"
            for each, known in sorted(found.counts.items(), key=lambda item: item[0].label)
            if (each.before, each.after) == (before, after)
        ]
        yield f"{before} -> {after}: {number} ({', '.join(labels)})"
    yield _costs("in priors and costs of the policies that decided", found.by_former)
    yield _costs("in priors and costs of the other policy", found.by_other)
    for flip in found.flips:
        actions, why = flip.actions, ", ".join(flip.reasons)
        yield f"{flip.decision_id} {flip.decided_at:%Y-%m-%dT%H:%M:%SZ} {actions.before} -> {actions.after}: {why}"


def _costs(by: str, pair: CostPair) -> str:
    return f"expected cost {by}: {pair.before:.2f} -> {pair.after:.2f}"
