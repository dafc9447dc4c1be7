"""Burn rate of an error budget, over a long and a short window at once.

https://sre.google/workbook/alerting-on-slos/, "Multiwindow, Multi-Burn-Rate Alerts": the long window shows
that it matters, the short one that it still goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import counted, expression
from stacks.notices import Suppression, alarm_name, any_of
from stacks.slo import MINIMUM_BAD, Slo


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


# Those that page, together as one alarm of an objective, and the one that makes a ticket.
PAGING = (BurnRate("Fast", 14.4, 60, 5), BurnRate("Medium", 6, 6 * 60, 30))
SLOW = BurnRate("Slow", 3, 24 * 60, 120)

# After its cause has ended a burn rate stays high for its short window; the margin is for the alarms' own minutes.
MARGIN_MINUTES = 5


def settling(rates: Sequence[BurnRate]) -> Duration:
    """Returns how long after its cause an alarm on burn rates may last."""
    return Duration.minutes(max(rate.short for rate in rates) + MARGIN_MINUTES)


class BurningBudget(Construct):
    """The alarms of one objective: shares of bad events over windows, of which the rules of notices are made."""

    def __init__(self, scope: Construct, slo: Slo, stage: str) -> None:
        super().__init__(scope, _camel_case(slo.name))
        self._slo = slo
        self._stage = stage
        self.fast = [self._burns(rate) for rate in PAGING]
        self.slow = [self._burns(SLOW)]

    def _burns(self, rate: BurnRate) -> cloudwatch.IAlarmRule:
        return cloudwatch.AlarmRule.all_of(self._long(rate), self._short(rate))

    def _long(self, rate: BurnRate) -> cloudwatch.Alarm:
        """Creates the alarm over the long window, where the least number of bad events counts."""
        period, events = Duration.minutes(rate.long), self._slo.events
        metrics = {"share": self._counted(events.share), "bad": self._counted(events.bad)}
        return self._window(rate, rate.long, expression(f"IF(bad >= {MINIMUM_BAD}, share, 0)", period, metrics))

    def _short(self, rate: BurnRate) -> cloudwatch.Alarm:
        """Creates the alarm over the short window: of one metric, since each costs as much as the alarm."""
        period = Duration.minutes(rate.short)
        return self._window(rate, rate.short, self._counted(self._slo.events.share).with_(period=period))

    def _window(self, rate: BurnRate, minutes: int, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            f"{rate.name}{minutes}Minutes",
            alarm_name=alarm_name(self._stage, self._slo.name, f"burns-{rate.rate:g}-over-{minutes}-minutes"),
            alarm_description=self._description(f"share of bad events in {minutes} minutes"),
            metric=metric,
            threshold=round(rate.rate * self._slo.budget * self._slo.events.whole, 6),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _counted(self, statistic: str) -> cloudwatch.Metric:
        return counted(self._slo, statistic, self._stage)

    def _description(self, what: str) -> str:
        return f"{self._slo.name}: {what}. {self._slo.means} Runbook: docs/runbooks/{self._slo.runbook}.md"


class BurningBudgets(Construct):
    """The notices of objectives that have one runbook: a slow table makes several of them late, and pages once."""

    def __init__(self, scope: Construct, runbook: str, slos: Sequence[Slo], stage: str) -> None:
        super().__init__(scope, _camel_case(runbook))
        self._runbook = runbook
        self._stage = stage
        self._names = ", ".join(slo.name for slo in slos)
        self._budgets = [BurningBudget(self, slo, stage) for slo in slos]

    def page(self, suppression: Suppression) -> cloudwatch.CompositeAlarm:
        """Creates the alarm that is in ALARM while a budget burns at a rate that pages."""
        rules = [rule for budget in self._budgets for rule in budget.fast]
        return self._composite("burns-fast", rules, f"{PAGING[-1].rate:g} times too fast or faster", suppression)

    def ticket(self, suppression: Suppression) -> cloudwatch.CompositeAlarm:
        """Creates the alarm that is in ALARM while a budget burns slowly."""
        rules = [rule for budget in self._budgets for rule in budget.slow]
        return self._composite("burns-slowly", rules, f"{SLOW.rate:g} times too fast", suppression)

    def _composite(
        self, name: str, rules: Sequence[cloudwatch.IAlarmRule], fast: str, suppression: Suppression
    ) -> cloudwatch.CompositeAlarm:
        return cloudwatch.CompositeAlarm(
            self,
            _camel_case(name),
            composite_alarm_name=alarm_name(self._stage, self._runbook, name),
            alarm_rule=any_of(rules),
            alarm_description=f"The error budget of one of {self._names} is used up {fast}: the alarm named in the "
            f"reason says which. Runbook: docs/runbooks/{self._runbook}.md",
            **suppression.properties(),
        )


def _camel_case(name: str) -> str:
    return name.title().replace("-", "")
