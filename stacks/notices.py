"""Notices of alarms, and the suppression of one alarm by another. Stacks refer to each other's alarms by name only."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct


class Notice(StrEnum):
    """The kind of message that an alarm sends; each kind has a topic."""

    PAGE = "pages"
    TICKET = "tickets"


# Of stacks/platform/cause_alarms.py, by which alarms of objectives are suppressed.
KNOWN_CAUSE = "known-cause"
CAUSES = ("dependency-fails", "function-fails")


@dataclass(frozen=True, slots=True)
class Suppression:
    """The alarm that keeps a composite alarm from acting.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html

    Attributes:
        alarm: while it is in ALARM, the composite alarm does not act.
        wait: how long the composite alarm waits before it acts, in case this alarm follows.
        extension: how long after the end of this alarm the composite alarm does not act.
    """

    alarm: cloudwatch.IAlarm
    wait: Duration
    extension: Duration

    def properties(self) -> dict[str, Any]:
        """Returns the properties of a composite alarm."""
        return {
            "actions_suppressor": self.alarm,
            "actions_suppressor_wait_period": self.wait,
            "actions_suppressor_extension_period": self.extension,
        }


def alarm_name(stage: str, *parts: str) -> str:
    """Returns the name of an alarm for people: the stage, what it is about, and what is wrong."""
    return "-".join(("Bonafide", stage, *parts))


def topic_name(stage: str, notice: Notice) -> str:
    """Returns the name of the topic for a kind of notice."""
    return f"Bonafide-{stage}-{notice}"


def named_alarm(scope: Construct, stage: str, *parts: str) -> cloudwatch.IAlarm:
    """Returns an alarm of another stack by its name."""
    name = alarm_name(stage, *parts)
    return cloudwatch.Alarm.from_alarm_name(scope, f"Named{name}", name)


def action(scope: Construct, stage: str, notice: Notice) -> cloudwatch.IAlarmAction:
    """Returns the action of an alarm that sends a notice."""
    stack = Stack.of(scope)
    arn = stack.format_arn(service="sns", resource=topic_name(stage, notice))
    found = stack.node.try_find_child(id_ := f"Topic{notice.title()}")
    topic = cast("sns.ITopic", found) if found else sns.Topic.from_topic_arn(stack, id_, arn)
    return actions.SnsAction(topic)


def any_of(rules: Sequence[cloudwatch.IAlarmRule]) -> cloudwatch.IAlarmRule:
    """Returns the rule that holds if any of some rules does."""
    return rules[0] if len(rules) == 1 else cloudwatch.AlarmRule.any_of(*rules)
