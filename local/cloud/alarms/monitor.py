"""All alarms of a deployment, with their states and the notifications that they send."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState, MetricAlarm, actions, alarm
from local.cloud.alarms.composite import ActionGate, CompositeAlarm, composite, last
from local.cloud.alarms.topics import Topic, topics
from local.cloud.metrics.store import MetricStore


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


@dataclass(frozen=True, slots=True)
class Notification:
    """A message of an alarm to a topic.

    Attributes:
        at: simulated time.
        topic: physical name of the topic.
        alarm: physical name of the alarm.
        state: its new state.
        because: children in ALARM, of a composite alarm.
    """

    at: int
    topic: str
    alarm: str
    state: AlarmState
    because: tuple[str, ...] = ()


class AlarmMonitor:
    """Evaluates alarms each minute.

    Attributes:
        names: physical names of the alarms by their logical ids.
        states: states of the alarms by their logical ids.
        sent: notifications that reached their topic.
        lost: notifications whose topic does not exist or does not take them.
    """

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._alarms: Mapping[str, MetricAlarm] = {}
        self._composites: Mapping[str, CompositeAlarm] = {}
        self._gates: Mapping[str, ActionGate] = {}
        self._topics: Mapping[str, Topic] = {}
        self.names: Mapping[str, str] = {}
        self.states: dict[str, AlarmState] = {}
        self.sent: list[Notification] = []
        self.lost: list[Notification] = []

    def define(self, *templates: StackTemplate) -> None:
        """Replaces the alarms by those of templates; an alarm with the same name keeps its state."""
        self._alarms = {each.id: each for template in templates for each in alarms(template)}
        found = {each.id: each for template in templates for each in composites(template)}
        every: list[MetricAlarm | CompositeAlarm] = [*self._alarms.values(), *found.values()]
        names = {each.id: each.name for each in every}
        kept = {id_ for id_, name in names.items() if self.names.get(id_) == name}
        self.states = {id_: self.states[id_] if id_ in kept else AlarmState.INSUFFICIENT_DATA for id_ in names}
        self.names = names
        self._composites = _in_order(found, {name: id_ for id_, name in names.items()})
        self._gates = {id_: ActionGate(each.suppressor) for id_, each in self._composites.items()}
        self._topics = {
            key: each for template in templates for each in topics(template) for key in (each.id, each.name)
        }

    def evaluate(self, now: int) -> list[AlarmChange]:
        """Evaluates every alarm over the points before `now`, and notifies topics; returns the changes."""
        before = dict(self.states)
        for id_, each in self._alarms.items():
            self.states[id_] = each.evaluate(self._store, now, before[id_])
        for id_, combined in self._composites.items():
            self.states[id_] = combined.evaluate(self._named())
        changed = [id_ for id_ in self.states if self.states[id_] != before[id_]]
        self._notify(now, changed)
        return [AlarmChange(now, self.names[id_], before[id_], self.states[id_]) for id_ in changed]

    def alarming(self, ids: Sequence[str]) -> list[str]:
        """Returns the names of the alarms in ALARM, out of some logical ids."""
        return [self.names[id_] for id_ in ids if self.states[id_] == AlarmState.ALARM]

    def _named(self) -> Mapping[str, AlarmState]:
        """Returns the states by logical ids and by names: a rule may use either."""
        return self.states | {self.names[id_]: state for id_, state in self.states.items()}

    def _notify(self, now: int, changed: Sequence[str]) -> None:
        for id_ in changed:
            if id_ in self._alarms:
                self._send(now, self._alarms[id_])
        for id_, each in self._composites.items():
            if self._gates[id_].acts(now, self._named(), changed=id_ in changed):
                self._send(now, each)

    def _send(self, now: int, alarm: MetricAlarm | CompositeAlarm) -> None:
        state, named = self.states[alarm.id], self._named()
        children = alarm.children() if isinstance(alarm, CompositeAlarm) else []
        because = tuple(self.names.get(each, each) for each in children if named[each] == AlarmState.ALARM)
        for target in alarm.actions.get(state, ()):
            topic = self._topics.get(last(target))
            sent = Notification(now, topic.name if topic else target, alarm.name, state, because)
            (self.sent if topic and topic.takes else self.lost).append(sent)


def _in_order(found: Mapping[str, CompositeAlarm], ids: Mapping[str, str]) -> Mapping[str, CompositeAlarm]:
    """Sorts composite alarms so that each comes after those in its rule."""
    graph = {id_: {ids.get(child, child) for child in each.children()} for id_, each in found.items()}
    return {id_: found[id_] for id_ in TopologicalSorter(graph).static_order() if id_ in found}


def alarms(template: StackTemplate) -> Iterator[MetricAlarm]:
    """Yields the metric alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::Alarm"):
        yield replace(alarm(logical_id, properties), name=_name(template, logical_id, properties))


def composites(template: StackTemplate) -> Iterator[CompositeAlarm]:
    """Yields the composite alarms of a template, by their logical ids."""
    for logical_id, properties in template.resources("AWS::CloudWatch::CompositeAlarm"):
        read = composite(logical_id, properties, actions(properties))
        yield replace(read, name=_name(template, logical_id, properties))


def _name(template: StackTemplate, logical_id: str, properties: Mapping[str, Any]) -> str:
    """Returns the physical name without the prefix of the stack."""
    return str(properties.get("AlarmName", logical_id)).removeprefix(f"{template.name}-")
