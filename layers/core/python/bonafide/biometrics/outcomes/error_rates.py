"""Error rates of decisions whose outcome became known, with intervals (ISO/IEC 19795-1, ISO/IEC 30107-3)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from bonafide.biometrics.decision import Decision
from bonafide.biometrics.outcomes.labels import PRESENTATION_ATTACKS, AttackKind, OutcomeLabel

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """Models and rules that decided.

    Attributes:
        bundle: digest of the model bundle.
        policy_version: of the domain.
    """

    bundle: str
    policy_version: int


@dataclass(frozen=True, slots=True)
class LabeledDecision:
    """A decision whose outcome is known.

    Attributes:
        by: what decided.
        decision: action that was taken.
        attack_found: whether the voice was named a spoof, or the audio a replayed one; None where nothing looked.
        label: truth.
        attack: kind of a fraud, if it is known.
    """

    by: DecidedBy
    decision: Decision
    attack_found: bool | None
    label: OutcomeLabel
    attack: AttackKind | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRate:
    """An error rate.

    Attributes:
        name: FNMR, FMR, BPCER, or APCER and IAPAR with their attack.
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
    def of(cls, name: str, flags: Sequence[bool]) -> "OutcomeRate":
        """Counts errors among calls."""
        return cls(name, sum(flags), len(flags), *wilson(sum(flags), len(flags)))


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


def outcome_rates(labeled: Iterable[LabeledDecision]) -> dict[DecidedBy, list[OutcomeRate]]:
    """Returns the rates of each bundle and policy version, at the decision ACCEPT.

    A genuine caller who is not accepted is a false non-match, an impostor who is accepted a false match. An attack that
    is not named one is a misclassified presentation, likewise bona fide speech that is named one; IAPAR is the share of
    such attacks that were accepted. INCONCLUSIVE decisions compared nothing and count for no match rate.
    """
    flags: dict[DecidedBy, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for each in labeled:
        for name, error in _errors(each):
            flags[each.by][name].append(error)
    return {by: _rates(found) for by, found in flags.items()}


def _rates(flags: Mapping[str, Sequence[bool]]) -> list[OutcomeRate]:
    return [OutcomeRate.of(name, each) for name, each in sorted(flags.items())]


def _errors(each: LabeledDecision) -> Iterator[tuple[str, bool]]:
    """Yields the rates that a call counts for, and whether it was an error."""
    accepted, compared = each.decision is Decision.ACCEPT, each.decision is not Decision.INCONCLUSIVE
    if each.label is OutcomeLabel.GENUINE:
        if compared:
            yield "FNMR", not accepted
        if each.attack_found is not None:
            yield "BPCER", each.attack_found
    elif each.label is OutcomeLabel.FRAUD and each.attack in PRESENTATION_ATTACKS:
        if compared:
            yield f"IAPAR {each.attack}", accepted
        if each.attack_found is not None:
            yield f"APCER {each.attack}", not each.attack_found
    elif each.label is OutcomeLabel.FRAUD and each.attack is AttackKind.IMPOSTOR and compared:
        yield "FMR", accepted
