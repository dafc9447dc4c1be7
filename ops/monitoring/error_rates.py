"""Error rates of decisions whose outcome became known, with intervals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Any

CONFIDENCE = 0.95


class CallOutcome(StrEnum):
    """Truth about a call, as it was found out."""

    GENUINE = "genuine"
    FRAUD = "fraud"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReportedOutcome:
    """One line of a file of outcomes.

    Attributes:
        decision_id: of the decision.
        outcome: what the call was.
        attack: kind of a presentation attack; empty for a genuine caller, and for an impostor's own voice.
    """

    decision_id: str
    outcome: CallOutcome
    attack: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeRate:
    """An error rate.

    Attributes:
        name: FNMR, FMR, or APCER with its attack.
        errors: number of errors.
        total: number of calls in which it could have occurred.
        low: lower limit of its interval.
        high: upper limit.
    """

    name: str
    errors: int
    total: int
    low: float
    high: float

    @classmethod
    def of(cls, name: str, flags: Iterable[bool]) -> "OutcomeRate":
        """Counts errors among calls."""
        known = list(flags)
        return cls(name, sum(known), len(known), *wilson(sum(known), len(known)))


def wilson(errors: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Returns the score interval of a share (Wilson, Journal of the American Statistical Association 22, 1927).

    It holds its confidence on average, where the exact interval of Clopper and Pearson is wider than needed.
    """
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    share = errors / total
    middle = share + z * z / (2.0 * total)
    half = z * sqrt(share * (1.0 - share) / total + z * z / (4.0 * total * total))
    scale = 1.0 + z * z / total
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def outcome_rates(
    outcomes: Iterable[ReportedOutcome], decisions: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[OutcomeRate]]:
    """Returns the rates of each bundle; outcomes that are unknown, or whose decision is not there, do not count.

    A genuine caller who is not accepted is a false non-match, an impostor who is accepted a false match. An attack
    whose liveness is not named a spoof is a misclassified presentation. INCONCLUSIVE decisions compared nothing.

    Args:
        outcomes: each decision once.
        decisions: as the API answers them, by identifier.
    """
    by_bundle: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for each in outcomes:
        decision = decisions.get(each.decision_id)
        if decision is not None and (found := _error(each, decision)):
            by_bundle[decision["bundle"]][found[0]].append(found[1])
    return {
        bundle: [OutcomeRate.of(name, flags) for name, flags in sorted(rates.items())]
        for bundle, rates in by_bundle.items()
    }


def _error(reported: ReportedOutcome, decision: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Returns the rate that a call counts for, and whether it was an error; None if it counts for none."""
    liveness = decision["liveness"]
    if reported.outcome is CallOutcome.FRAUD and reported.attack:
        return (f"APCER {reported.attack}", liveness["state"] != "spoof") if liveness else None
    if decision["decision"] == "INCONCLUSIVE" or reported.outcome is CallOutcome.UNKNOWN:
        return None
    accepted = decision["decision"] == "ACCEPT"
    return ("FNMR", not accepted) if reported.outcome is CallOutcome.GENUINE else ("FMR", accepted)
