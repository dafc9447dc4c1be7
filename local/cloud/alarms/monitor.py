"""All alarms of a deployment, with their states."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState, MetricAlarm, alarm
from local.cloud.metrics.store import MetricStore

OPERATORS = re.compile(r'("[^"]*")|\b(AND|OR|NOT)\b')


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """An alarm over the states of other alarms.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html

    Attributes:
        id: logical id.
        name: physical name; an alarm with a new name is a new alarm.
        description: text for people.
        rule: expression such as `ALARM("a") AND NOT OK("b")`.
    """

    id: str
    name: str
    description: str
    rule: str

    def evaluate(self, states: Mapping[str, AlarmState]) -> AlarmState:
        """Returns ALARM if the rule holds, and OK if not."""
        tree = ast.parse(OPERATORS.sub(lambda found: found[1] or found[2].lower(), self.rule).strip(), mode="eval")
        return AlarmState.ALARM if _holds(tree.body, states) else AlarmState.OK


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
        case ast.Call(func=ast.Name(id=state), args=[ast.Constant(value=str() as name)]):
            return states[_last(name)] == AlarmState(state)
        case ast.Call(func=ast.Name(id=state), args=[ast.Name(id=name)]):
            return states[name] == AlarmState(state)
    raise NotImplementedError(f"the rule {ast.unparse(node)}")


def _last(name: str) -> str:
    """Returns the name in an ARN, or the name itself."""
    return name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """A change of an alarm's state.

    Attributes:
        at: simulated time.
        alarm: physical name.
        before: former state.
        after: new state.
    """

    at: int
    alarm: str
    before: AlarmState
    after: AlarmState


class AlarmMonitor:
    """Evaluates alarms each minute.

    Attributes:
        names: physical names of the alarms by their logical ids.
        states: states of the alarms by their logical ids.
    """

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._alarms: Mapping[str, MetricAlarm] = {}
        self._composites: Mapping[str, CompositeAlarm] = {}
        self.names: Mapping[str, str] = {}
        self.states: dict[str, AlarmState] = {}

    def define(self, *templates: StackTemplate) -> None:
        """Replaces the alarms by those of templates; an alarm with the same name keeps its state."""
        self._alarms = {each.id: each for template in templates for each in alarms(template)}
        self._composites = {each.id: each for template in templates for each in composites(template)}
        every: list[MetricAlarm | CompositeAlarm] = [*self._alarms.values(), *self._composites.values()]
        names = {each.id: each.name for each in every}
        kept = {id_ for id_, name in names.items() if self.names.get(id_) == name}
        self.states = {id_: self.states[id_] if id_ in kept else AlarmState.INSUFFICIENT_DATA for id_ in names}
        self.names = names

    def evaluate(self, now: int) -> list[AlarmChange]:
        """Evaluates every alarm over the points before `now`; returns the changes."""
        before = dict(self.states)
        for id_, each in self._alarms.items():
            self.states[id_] = each.evaluate(self._store, now, before[id_])
        for id_, composite in self._composites.items():
            self.states[id_] = composite.evaluate(self.states)
        changed = [id_ for id_ in self.states if self.states[id_] != before[id_]]
        return [AlarmChange(now, self.names[id_], before[id_], self.states[id_]) for id_ in changed]

    def alarming(self, ids: Sequence[str]) -> list[str]:
        """Returns the names of the alarms in ALARM, out of some logical ids."""
        return [self.names[id_] for id_ in ids if self.states[id_] == AlarmState.ALARM]


def alarms(template: StackTemplate) -> Iterator[MetricAlarm]:
    """Yields the metric alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::Alarm"):
        yield replace(alarm(logical_id, properties), name=_name(template, logical_id, properties))


def composites(template: StackTemplate) -> Iterator[CompositeAlarm]:
    """Yields the composite alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::CompositeAlarm"):
        name = _name(template, logical_id, properties)
        yield CompositeAlarm(logical_id, name, properties.get("AlarmDescription", ""), properties["AlarmRule"])


def _name(template: StackTemplate, logical_id: str, properties: Mapping[str, Any]) -> str:
    """Returns the physical name without the prefix of the stack."""
    return str(properties.get("AlarmName", logical_id)).removeprefix(f"{template.name}-")
