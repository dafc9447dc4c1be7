"""Burn rate of an error budget, over a long and a short window at once.

https://sre.google/workbook/alerting-on-slos/, "Multiwindow, Multi-Burn-Rate Alerts": the long window shows
that it matters, the short one that it still goes on.
"""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted, expression
from stacks.slo import Slo

# Fewer bad events raise no alarm, however little traffic there is.
MINIMUM_BAD = 3


@dataclass(frozen=True, slots=True)
class BurnRate:
    """One burn rate and its windows.

    Attributes:
        name: part of the alarms' names.
        rate: multiple of the rate that uses up exactly the budget.
        long: window in minutes.
        short: window in minutes.
    """

    name: str
    rate: float
    long: int
    short: int


BURN_RATES = (BurnRate("Fast", 14.4, 60, 5), BurnRate("Medium", 6, 6 * 60, 30), BurnRate("Slow", 3, 24 * 60, 120))


def counts(slo: Slo) -> tuple[str, str, dict[str, cloudwatch.IMetric]]:
    """Returns expressions of bad and of all events of an objective, and the metrics by the ids in them."""
    name = slo.name.replace("-", "_")
    bad = {f"{name}_bad{i}": emitted(*slo.events.bad, service) for i, service in enumerate(slo.services)}
    total = {f"{name}_all{i}": emitted(*slo.events.total, service) for i, service in enumerate(slo.services)}
    return f"({' + '.join(bad)})", f"({' + '.join(total)})", {**bad, **total}


def burn_rate_alarm(scope: Construct, slo: Slo, burn: BurnRate) -> cloudwatch.CompositeAlarm:
    """Creates an alarm that is in ALARM while an objective's budget burns at least at this rate."""
    both = [_window(scope, slo, burn, minutes) for minutes in (burn.long, burn.short)]
    return cloudwatch.CompositeAlarm(
        scope,
        f"{_camel_case(slo.name)}{burn.name}",
        alarm_rule=cloudwatch.AlarmRule.all_of(*both),
        alarm_description=_description(slo, f"the error budget is used up {burn.rate:g} times too fast"),
    )


def _window(scope: Construct, slo: Slo, burn: BurnRate, minutes: int) -> cloudwatch.Alarm:
    bad, total, metrics = counts(slo)
    share = f"IF({bad} >= {MINIMUM_BAD}, 100 * {bad} / {total}, 0)"
    return cloudwatch.Alarm(
        scope,
        f"{_camel_case(slo.name)}{burn.name}{minutes}Minutes",
        alarm_description=_description(slo, f"percent of bad events in {minutes} minutes"),
        metric=expression(share, Duration.minutes(minutes), metrics),
        threshold=round(burn.rate * slo.budget * 100, 6),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _description(slo: Slo, what: str) -> str:
    return f"{slo.name}: {what}. {slo.means} Runbook: docs/runbooks/{slo.runbook}.md"


def _camel_case(name: str) -> str:
    return name.title().replace("-", "")
