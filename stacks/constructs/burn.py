"""How fast an error budget is used up, over a long and a short window at once.

https://sre.google/workbook/alerting-on-slos/, "Multiwindow, Multi-Burn-Rate Alerts": the long window says that it
matters, the short one that it still goes on.
"""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted, expression
from stacks.slo import Slo

# Fewer bad events than this wake nobody, however few events there are at night.
FEWEST_BAD = 3


@dataclass(frozen=True, slots=True)
class Burn:
    """One speed.

    Attributes:
        name: for people.
        rate: times as fast as the budget may be used.
        long: window in minutes.
        short: window in minutes.
    """

    name: str
    rate: float
    long: int
    short: int


BURNS = (Burn("Fast", 14.4, 60, 5), Burn("Medium", 6, 6 * 60, 30), Burn("Slow", 3, 24 * 60, 120))


def counts(slo: Slo) -> tuple[str, str, dict[str, cloudwatch.IMetric]]:
    """Expressions of bad and of all events of an objective, and the metrics that they refer to by ids of its own."""
    name = slo.name.replace("-", "_")
    bad = {f"{name}_bad{i}": emitted(*slo.events.bad, service) for i, service in enumerate(slo.services)}
    total = {f"{name}_all{i}": emitted(*slo.events.total, service) for i, service in enumerate(slo.services)}
    return f"({' + '.join(bad)})", f"({' + '.join(total)})", {**bad, **total}


def burn_alarm(scope: Construct, slo: Slo, burn: Burn) -> cloudwatch.CompositeAlarm:
    """An alarm that fires while the budget of an objective is used up at least at this speed."""
    both = [_window(scope, slo, burn, minutes) for minutes in (burn.long, burn.short)]
    return cloudwatch.CompositeAlarm(
        scope,
        f"{_words(slo.name)}{burn.name}",
        alarm_rule=cloudwatch.AlarmRule.all_of(*both),
        alarm_description=_description(slo, f"the error budget is used up {burn.rate:g} times too fast"),
    )


def _window(scope: Construct, slo: Slo, burn: Burn, minutes: int) -> cloudwatch.Alarm:
    bad, total, metrics = counts(slo)
    share = f"IF({bad} >= {FEWEST_BAD}, 100 * {bad} / {total}, 0)"
    return cloudwatch.Alarm(
        scope,
        f"{_words(slo.name)}{burn.name}{minutes}Minutes",
        alarm_description=_description(slo, f"percent of bad events in {minutes} minutes"),
        metric=expression(share, Duration.minutes(minutes), metrics),
        threshold=round(burn.rate * slo.budget * 100, 6),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _description(slo: Slo, what: str) -> str:
    return f"{slo.name}: {what}. {slo.means} Runbook: docs/runbooks/{slo.runbook}.md"


def _words(name: str) -> str:
    return name.title().replace("-", "")
