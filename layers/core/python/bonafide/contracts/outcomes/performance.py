"""Realized error rates."""

from pydantic import AwareDatetime, Field

from bonafide.biometrics.decision import Decision
from bonafide.biometrics.outcomes.error_rates import CONFIDENCE, OutcomeRate
from bonafide.contracts.base import Answer
from bonafide.services.outcomes import Performance


class RealizedRate(Answer):
    """An error rate of labeled decisions."""

    name: str = Field(
        description="`FNMR`: genuine callers who were not accepted. `FMR`: impostors who were. `BPCER`: genuine "
        "callers whose voice was named an attack. `APCER <attack>`: attacks that were not. `IAPAR <attack>`: attacks "
        "that were accepted."
    )
    rate: float = Field(description="`errors` of `total`.")
    errors: int
    total: int = Field(description="Labeled decisions in which the error could have occurred.")
    low: float = Field(description="Lower limit of the interval.")
    high: float = Field(description="Upper limit of the interval.")


class RealizedRates(Answer):
    """Error rates of what one bundle decided under one version of the policy."""

    bundle: str = Field(description="SHA-256 of the models' manifest.")
    policy_version: int
    rates: list[RealizedRate]


class PerformanceReport(Answer):
    """Error rates of the decisions whose outcome was stated.

    They are rates of the calls that somebody looked at, which are no random sample: a fraud that nobody noticed is in
    none of them.
    """

    domain: str
    begin: AwareDatetime = Field(description="Decisions from here on were counted.")
    end: AwareDatetime = Field(description="Decisions before this time were counted.")
    complete: bool = Field(description="False where the range has more labeled decisions; ask with `to` of `begin`.")
    labeled: dict[Decision, int] = Field(description="Labeled decisions by their result.")
    unknown: int = Field(description="Decisions whose outcome in force is `unknown`; they count for no rate.")
    confidence: float = Field(CONFIDENCE, description="Of the intervals, which are Wilson's.")
    by_bundle_and_policy: list[RealizedRates]


def performance_report(domain: str, found: Performance) -> PerformanceReport:
    """Returns the view of error rates; the newest policy version first."""
    ordered = sorted(found.rates.items(), key=lambda each: (-each[0].policy_version, each[0].bundle))
    return PerformanceReport(
        domain=domain,
        begin=found.begin,
        end=found.end,
        complete=found.complete,
        labeled=dict(found.labeled),
        unknown=found.unknown,
        by_bundle_and_policy=[
            RealizedRates(bundle=by.bundle, policy_version=by.policy_version, rates=[_rate(each) for each in rates])
            for by, rates in ordered
        ],
    )


def _rate(rate: OutcomeRate) -> RealizedRate:
    return RealizedRate(
        name=rate.name,
        rate=rate.errors / rate.total,
        errors=rate.errors,
        total=rate.total,
        low=rate.low,
        high=rate.high,
    )
