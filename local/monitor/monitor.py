"""All alarms of a deployment and the states that they are in."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.monitor.alarms import Alarm, State, alarm
from local.monitor.store import Store
from local.template import Template

WORDS = re.compile(r'("[^"]*")|\b(AND|OR|NOT)\b')


@dataclass(frozen=True, slots=True)
class Composite:
    """An alarm over the states of others.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html

    Attributes:
        name: its physical name, or its logical id.
        description: for people.
        rule: such as `ALARM("a") AND NOT OK("b")`.
    """

    name: str
    description: str
    rule: str

    def evaluate(self, states: Mapping[str, State]) -> State:
        """Returns ALARM if the rule holds, and OK if not."""
        tree = ast.parse(WORDS.sub(lambda found: found[1] or found[2].lower(), self.rule).strip(), mode="eval")
        return State.ALARM if _holds(tree.body, states) else State.OK


def _holds(node: ast.expr, states: Mapping[str, State]) -> bool:
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
            return states[_last(name)] == State(state)
        case ast.Call(func=ast.Name(id=state), args=[ast.Name(id=name)]):
            return states[name] == State(state)
    raise NotImplementedError(f"the rule {ast.unparse(node)}")


def _last(name: str) -> str:
    """The name in an ARN, or the name itself."""
    return name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm that has changed its state."""

    at: int
    alarm: str
    before: State
    after: State


class Monitor:
    """Evaluates alarms each minute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alarms: Mapping[str, Alarm] = {}
        self._composites: Mapping[str, Composite] = {}
        self.states: dict[str, State] = {}

    def define(self, *templates: Template) -> None:
        """Takes the alarms of templates instead of those before; one of the same name keeps its state."""
        self._alarms = {each.name: each for template in templates for each in alarms(template)}
        self._composites = {each.name: each for template in templates for each in composites(template)}
        names = [*self._alarms, *self._composites]
        self.states = {name: self.states.get(name, State.INSUFFICIENT_DATA) for name in names}

    def evaluate(self, now: int) -> list[Change]:
        """Evaluates every alarm over what happened before `now`; returns what changed."""
        before = dict(self.states)
        for name, each in self._alarms.items():
            self.states[name] = each.evaluate(self._store, now, before[name])
        for name, composite in self._composites.items():
            self.states[name] = composite.evaluate(self.states)
        return [Change(now, name, before[name], state) for name, state in self.states.items() if state != before[name]]

    def alarming(self, names: Sequence[str]) -> list[str]:
        """Returns those of some alarms that are in ALARM."""
        return [name for name in names if self.states[name] == State.ALARM]


def alarms(template: Template) -> Iterator[Alarm]:
    """Yields the metric alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::Alarm"):
        yield alarm(logical_id, properties)


def composites(template: Template) -> Iterator[Composite]:
    """Yields the composite alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::CompositeAlarm"):
        yield Composite(logical_id, properties.get("AlarmDescription", ""), properties["AlarmRule"])
