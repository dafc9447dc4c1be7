"""Faults against the templates' alarms, over simulated metrics: one page, which names the cause, and one all-clear."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor, Notification
from local.cloud.metrics.store import Metric, MetricStore
from stacks.slo import Objectives

MINUTE, REQUESTS = 60, 4
PAGES, TICKETS = "Bonafide-dev-pages", "Bonafide-dev-tickets"
SLOS = Objectives.read().slos
# Minutes: alarms begin to be evaluated, the fault begins and ends, and what it burned has settled.
FIRST, BROKEN, MENDED, LAST = 14, 15, 30, 70

# What a fault adds to a minute: metric and values.
type Effect = Sequence[tuple[Metric, list[float]]]


def of_objective(name: str) -> Metric:
    slo = next(slo for slo in SLOS if slo.name == name)
    return Metric.of(slo.events.namespace, slo.events.metric, dict(slo.dimensions("dev")))


def late(*objectives: str) -> Effect:
    return [(of_objective(name), [9000.0] * REQUESTS) for name in objectives]


def faults(dependency: str) -> Effect:
    metric = Metric.of("Bonafide", "DependencyFaults", {"stage": "dev", "dependency": dependency})
    return [(metric, [1.0] * REQUESTS)]


NO_REQUESTS: Effect = [(Metric.of("AWS/ApiGateway", "Count", {"ApiName": "bonafide-dev", "Stage": "dev"}), [])]
FAILED: Effect = [(of_objective("decisions-answered"), [1.0] * REQUESTS)]
WRONG: Effect = [(of_objective("golden-calls-right"), [1.0] * 3)]


def lost(template: StackTemplate, service: str, name: str = "Errors") -> Effect:
    place = {"FunctionName": template.resource_names()[service]}
    # Invocations that are throttled are not counted, so that there is no point if all are.
    metrics = {name: [1.0] * REQUESTS} | ({} if name == "Throttles" else {"Invocations": [1.0] * REQUESTS})
    return [(Metric.of("AWS/Lambda", each, place), values) for each, values in metrics.items()]


@pytest.fixture(scope="module")
def templates(assembly: Path) -> list[StackTemplate]:
    exports: dict[str, str] = defaultdict(lambda: "data")
    return [StackTemplate.read(assembly, f"Bonafide-dev-{stack}", exports) for stack in ("Service", "Monitoring")]


def sent(templates: Sequence[StackTemplate], effect: Effect) -> list[Notification]:
    """Plays a quiet time, a fault, and the time after it; returns what was sent since the fault began."""
    store = MetricStore()
    monitor = AlarmMonitor(store)
    monitor.define(*templates)
    for minute in range(LAST):
        # In the last minute a single call is still affected: too few to judge, between many and none.
        now = [(metric, values[: 1 if minute == MENDED else None]) for metric, values in effect]
        for metric, values in _minute(now if BROKEN <= minute <= MENDED else ()):
            store.put(metric, minute * MINUTE + 30, values)
        if minute >= FIRST:
            monitor.evaluate((minute + 1) * MINUTE)
    assert monitor.lost == []
    return [each for each in monitor.sent if each.at > BROKEN * MINUTE]


def _minute(effect: Effect) -> Iterator[tuple[Metric, list[float]]]:
    """Yields requests that are answered well and in time, and replaces or adds what a fault changes."""
    place = {"ApiName": "bonafide-dev", "Stage": "dev"}
    usual = {Metric.of("AWS/ApiGateway", "Count", place): [1.0] * REQUESTS}
    usual |= {of_objective(slo.name): [0.0] * REQUESTS for slo in SLOS}
    yield from (usual | dict(effect)).items()


ALL_LATE = late("authentication-in-time", "enrolment-in-time", "requests-in-time", "decisions-readable")


@pytest.mark.parametrize(
    ("effect", "alarm", "cause"),
    [
        (lambda _: [*faults("domain_table"), *FAILED, *ALL_LATE, *WRONG], "dependency-fails", "domain_table-fails"),
        (
            lambda service: [*lost(service, "authenticate_caller"), *FAILED, *WRONG],
            "function-fails",
            "authenticate_caller-fails",
        ),
        (lambda service: lost(service, "score_audio", "Throttles"), "function-fails", "score_audio-fails"),
        (lambda _: [*faults("session_table"), *NO_REQUESTS], "dependency-fails", "session_table-fails"),
        (lambda _: [*ALL_LATE, *WRONG], "late-answers-burns-fast", "enrolment-in-time-burns-14.4-over-5-minutes"),
    ],
    ids=[
        "a broken table",
        "a function that dies",
        "a throttled consumer",
        "a table without requests",
        "slow for an unknown reason",
    ],
)
def test_a_fault_that_hits_several_objectives_pages_once_with_its_cause_and_clears_once(
    templates: list[StackTemplate], effect: Callable[[StackTemplate], Effect], alarm: str, cause: str
) -> None:
    page, end = sent(templates, effect(templates[0]))
    assert (page.topic, page.alarm, page.state) == (PAGES, f"Bonafide-dev-{alarm}", AlarmState.ALARM)
    assert f"Bonafide-dev-{cause}" in page.because
    assert page.at <= (BROKEN + 6) * MINUTE
    assert (end.topic, end.alarm, end.state) == (PAGES, "Bonafide-dev-callers-affected", AlarmState.OK)


def test_an_objective_that_is_still_missed_after_its_cause_has_ended_pages(templates: list[StackTemplate]) -> None:
    lasting = [*faults("domain_table"), *FAILED]
    store = MetricStore()
    monitor = AlarmMonitor(store)
    monitor.define(*templates)
    for minute in range(80):
        broken = minute >= BROKEN
        effect = lasting if broken and minute < MENDED else FAILED if broken else ()
        for metric, values in _minute(effect):
            store.put(metric, minute * MINUTE + 30, values)
        if minute >= FIRST:
            monitor.evaluate((minute + 1) * MINUTE)
    pages = [each.alarm.removeprefix("Bonafide-dev-") for each in monitor.sent if each.state == AlarmState.ALARM]
    assert pages == ["dependency-fails", "failed-answers-burns-fast"]


def test_a_table_that_throttles_without_harm_makes_a_ticket(templates: list[StackTemplate]) -> None:
    throttled = Metric.of("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": "data"})
    found = sent(templates, [(throttled, [1.0] * 3)])
    assert {each.topic for each in found} == {TICKETS}
    assert all(each.alarm.endswith("-throttles") for each in found)
