"""Composite alarms: their rules, and the suppression of their actions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
"""

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from local.cloud.alarms.alarm import AlarmActions, AlarmState

OPERATORS = re.compile(r'("[^"]*")|\b(AND|OR|NOT)\b')
MAX_RULE, MAX_CHILDREN = 10_240, 100


@dataclass(frozen=True, slots=True)
class Suppressor:
    """The alarm that suppresses the actions of a composite alarm, with its periods in seconds."""

    alarm: str
    wait: int
    extension: int


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """An alarm over the states of other alarms.

    Attributes:
        id: logical id.
        name: physical name; an alarm with a new name is a new alarm.
        description: text for people.
        rule: expression such as `ALARM("a") AND NOT OK("b")`.
        actions: topics by the state that notifies them.
        suppressor: suppresses the actions, if any.
    """

    id: str
    name: str
    description: str
    rule: str
    actions: AlarmActions = field(default_factory=dict)
    suppressor: Suppressor | None = None

    def evaluate(self, states: Mapping[str, AlarmState]) -> AlarmState:
        """Returns ALARM if the rule holds, and OK if not."""
        return AlarmState.ALARM if _holds(_tree(self.rule), states) else AlarmState.OK

    def children(self) -> list[str]:
        """Returns the alarms that the rule names."""
        return list(dict.fromkeys(_named(_tree(self.rule))))


@functools.cache
def _tree(rule: str) -> ast.expr:
    """Parses a rule."""
    return ast.parse(OPERATORS.sub(lambda found: found[1] or found[2].lower(), rule).strip(), mode="eval").body


def composite(id_: str, properties: Mapping[str, Any], actions: AlarmActions) -> CompositeAlarm:
    """Reads an AWS::CloudWatch::CompositeAlarm.

    Raises:
        NotImplementedError: AWS would not take it.
    """
    name, description = properties.get("AlarmName", id_), properties.get("AlarmDescription", "")
    made = CompositeAlarm(id_, name, description, properties["AlarmRule"], actions, _suppressor(properties))
    if len(made.rule) > MAX_RULE or len(made.children()) > MAX_CHILDREN:
        raise NotImplementedError(f"the rule of {name}, which is too long")
    return made


def _suppressor(properties: Mapping[str, Any]) -> Suppressor | None:
    if "ActionsSuppressor" not in properties:
        return None
    periods = (properties[f"ActionsSuppressor{name}Period"] for name in ("Wait", "Extension"))
    return Suppressor(last(properties["ActionsSuppressor"]), *periods)


class SuppressionReason(StrEnum):
    """The reason for which a composite alarm does not act."""

    ALARM = "Alarm"
    WAIT = "WaitPeriod"
    EXTENSION = "ExtensionPeriod"


class ActionGate:
    """Decides when a composite alarm acts; called once for each evaluation."""

    def __init__(self, suppressor: Suppressor | None) -> None:
        self._suppressor = suppressor
        self._suppressed: SuppressionReason | None = None
        self._until = 0

    def acts(self, now: int, states: Mapping[str, AlarmState], *, changed: bool) -> bool:
        """Returns whether the alarm acts now on its current state."""
        if self._suppressor is None:
            return changed
        if states[self._suppressor.alarm] == AlarmState.ALARM:
            self._suppressed = SuppressionReason.ALARM
            return False
        if changed:
            # Also while an extension runs, which the change ends.
            self._begin(SuppressionReason.WAIT, now + self._suppressor.wait)
        elif self._suppressed == SuppressionReason.ALARM:
            self._begin(SuppressionReason.EXTENSION, now + self._suppressor.extension)
        if self._suppressed is None or now < self._until:
            return False
        # "Composite alarms take actions that are based on their current states when [the periods] become inactive."
        self._suppressed = None
        return True

    def _begin(self, suppressed: SuppressionReason, until: int) -> None:
        self._suppressed, self._until = suppressed, until


def _holds(node: ast.expr, states: Mapping[str, AlarmState]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(each, states) for each in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_holds(each, states) for each in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, states)
        case ast.Name(id="TRUE" | "FALSE" as word):
            return word == "TRUE"
        case ast.Call(func=ast.Name(id=state), args=[ast.Constant() | ast.Name() as argument]):
            return states[_name(argument)] == AlarmState(state)
    raise NotImplementedError(f"the rule {ast.unparse(node)}")


def _named(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield from (_name(argument) for argument in each.args)


def _name(node: ast.expr) -> str:
    return last(str(node.value)) if isinstance(node, ast.Constant) else ast.unparse(node)


def last(name: str) -> str:
    """Returns the name in an ARN, or the name itself."""
    return name.rpartition(":")[2]
