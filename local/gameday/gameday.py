"""A game day: breaks what Bonafide depends on, and shows an alarm going off and ending: `python -m local.gameday`.

The alarms are those of the synthesized templates, over the metrics that the real functions emit under real calls;
minutes pass faster than on the wall. Each breakage has to set off an alarm with the runbook of its kind, and mending
has to end it. Windows of hours hold only the minutes of the exercise, so their alarms go off earlier than on AWS.
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from bonafide_client import bodies
from layers.golden.readers import RATE, load
from local.aws.functions.function import LambdaFunction, platform
from local.aws.relay import Fault, Relay, RelayAnswer, RelayRequest, healthy
from local.aws.synth import synthesize
from local.aws.template import StackTemplate
from local.choice import choose
from local.cloud.alarms.alarm import AlarmState, MetricAlarm
from local.cloud.alarms.monitor import AlarmMonitor, CompositeAlarm, alarms, composites
from local.cloud.clock import MINUTE
from local.cloud.metrics.pump import MetricPump
from local.rehearse.target import read
from local.rehearse.traffic import DOMAIN, Traffic, calls, enroll, once
from local.runner import Account, Deployment, deployment

STAGE = "staging"
# Simulated seconds in a real one, and calls in a real second.
PACE, CALLS_A_SECOND = 15.0, 8.0
# Minutes of peace before, of breakage until the alarm at most, and of peace until it ends at most.
BEFORE, PATIENCE, RECOVERY = 5, 15, 20
OUT = Path(".build/gameday")
RUNBOOK = re.compile(r"docs/runbooks/([a-z-]+)\.md")
DYNAMODB, KINESIS = "DynamoDB", "Kinesis"
# Four requests to tables make a decision: together they are later than the objective, one alone is not given up.
SLOW_SECONDS = 0.7
BROKEN = "authenticate_caller"


@dataclass(frozen=True, slots=True)
class GameDay:
    """What there is to break, and what shows it.

    Attributes:
        running: the deployment.
        relay: between its functions and their state.
        pump: keeps time and metrics.
        templates: with the alarms.
        variables: of every function, besides its own.
        cleanup: what is done when the day is over.
    """

    running: Deployment
    relay: Relay
    pump: MetricPump
    templates: Sequence[StackTemplate]
    variables: Mapping[str, str]
    cleanup: ExitStack


class LoadSource(Protocol):
    """Those who use the service meanwhile."""

    def stop(self) -> None:
        """Ends all calls."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One dependency that breaks.

    Attributes:
        name: by which it is chosen.
        title: what breaks, for people.
        kind: of the alarm that has to go off; the name of its runbook.
        broken: breaks it until the context ends.
        callers: of those who are to notice.
    """

    name: str
    title: str
    kind: str
    broken: Callable[[GameDay], Iterator[None]]
    callers: Callable[[GameDay], LoadSource]


class ChunkProducer:
    """Streams a call of one-second chunks, whatever comes back."""

    def __init__(self, endpoint: str) -> None:
        self._client = once(endpoint)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hangs up."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        sessions, form = f"/v1/domains/{DOMAIN}/sessions", {"encoding": "pcm_s16le", "sample_rate": RATE}
        session = self._client.request("POST", sessions, {"format": form}).document["session_id"]
        speech = next(iter(load().values())).call[:RATE]
        chunk = bodies.audio(np.rint(speech * 32767).astype("<i2").tobytes())
        for number in itertools.count():
            self._client.request("PUT", f"{sessions}/{session}/audio/{number}", chunk)
            if self._stop.wait(1 / CALLS_A_SECOND):
                return


def callers(field: GameDay) -> LoadSource:
    """People who call, each with one recording."""
    readers = load()
    enrolled = enroll(once(field.running.endpoint), readers)
    return Traffic(field.running.endpoint, calls(readers, enrolled), CALLS_A_SECOND)


def producer(field: GameDay) -> LoadSource:
    """Somebody who is on the telephone all the time."""
    enroll(once(field.running.endpoint), load())
    return ChunkProducer(field.running.endpoint)


def refusing(service: str) -> Fault:
    """A service that answers with an error of its own."""

    def fault(request: RelayRequest) -> RelayAnswer | None:
        return RelayAnswer(500, b'{"__type": "InternalFailure"}') if request.target.startswith(service) else None

    return fault


def slow(request: RelayRequest) -> RelayAnswer | None:
    """Tables that take their time."""
    time.sleep(SLOW_SECONDS if request.target.startswith(DYNAMODB) else 0)
    return None


def relayed(fault: Fault) -> Callable[[GameDay], Iterator[None]]:
    """Breaks what functions reach through the relay."""

    def broken(field: GameDay) -> Iterator[None]:
        field.relay.fault = fault
        yield
        field.relay.fault = healthy

    return broken


def corrupt_bundle(field: GameDay) -> Iterator[None]:
    """Replaces the environments of a function by ones whose bundle is not the configured one, so that none starts."""
    host, alias = field.running.host, field.running.aliases[BROKEN]
    definition = field.running.functions[BROKEN].definition
    variables = {**definition.environment, "BONAFIDE_BUNDLE_DIGEST": "0" * 64}
    program = replace(definition, environment=variables).program(host.runtime, field.variables)
    function = LambdaFunction(definition, program, host.logs / f"{BROKEN}-corrupt.log", record=host.account.record)
    # Calls that are with it when it is mended still want an answer.
    field.cleanup.callback(function.close)
    alias.point(function)
    yield
    alias.point(field.running.functions[BROKEN])


EXERCISES = (
    Exercise("tables-refuse", "tables answer with errors", "failed-answers", relayed(refusing(DYNAMODB)), callers),
    Exercise("tables-slow", f"tables answer {SLOW_SECONDS} s later", "late-answers", relayed(slow), callers),
    Exercise(
        "stream-refuses", "the stream answers with errors", "failed-answers", relayed(refusing(KINESIS)), producer
    ),
    Exercise("bundle-corrupt", "the bundle is not the configured one", "function-errors", corrupt_bundle, callers),
)


class AlarmObserver:
    """Lets simulated minutes pass, evaluates the alarms at the end of each, and prints what changed.

    Attributes:
        minute: how many have passed.
    """

    def __init__(self, field: GameDay) -> None:
        self.minute = 0
        self._field = field
        self._monitor = AlarmMonitor(field.pump.store)
        self._monitor.define(*field.templates)
        self._runbooks = dict(runbooks(field.templates))

    def going_off(self, kind: str) -> list[str]:
        """Alarms in ALARM that lead to a runbook."""
        alarming = self._monitor.alarming(list(self._monitor.states))
        return [name for name in alarming if self._runbooks.get(name) == kind]

    def until(self, holds: Callable[[], bool], at_most: int) -> bool:
        """Waits until something holds at the end of a minute; whether it came to that."""
        for _ in range(at_most):
            self._pass()
            if holds():
                return True
        return False

    def note(self, text: str) -> None:
        """Prints what happens in a minute."""
        print(f"  minute {self.minute:>2}  {text}", flush=True)

    def _pass(self) -> None:
        self.minute += 1
        pump = self._field.pump
        now = pump.clock.origin + self.minute * MINUTE
        pump.clock.wait(now)
        pump.read(self._field.running.logs)
        for change in self._monitor.evaluate(now):
            # The synthetic caller lives by the clock on the wall, which is too slow for its alarm here.
            if AlarmState.ALARM in {change.before, change.after} and self._runbooks.get(change.alarm) != "silent-probe":
                self.note(f"{change.alarm}: {change.after}, see {self._runbooks.get(change.alarm, 'nothing')}")


def runbooks(templates: Sequence[StackTemplate]) -> Iterator[tuple[str, str]]:
    """Names of alarms and of the runbooks that their descriptions lead to."""
    for template in templates:
        known: list[MetricAlarm | CompositeAlarm] = [*alarms(template), *composites(template)]
        for each in known:
            if link := RUNBOOK.search(each.description):
                yield each.name, link[1]


def main() -> int:
    """Plays exercises; 0 only if each alarm went off and ended."""
    chosen = choose(EXERCISES, "exercise", "python -m local.gameday", "Break what Bonafide depends on.")
    with playing_field() as field:
        held = [play(field, each) for each in chosen]
    print(f"\n{sum(held)} of {len(held)} breakages set off their alarm, and mending ended it.")
    return 0 if all(held) else 1


@contextmanager
def playing_field() -> Iterator[GameDay]:
    """Deploys a stage, with a relay before its state, and enrolls those who call."""
    with ExitStack() as cleanup:
        relay, pump = Relay(), MetricPump({})
        cleanup.callback(relay.stop)
        variables = {"AWS_ENDPOINT_URL": relay.endpoint}
        account, assembly = Account(pump.record, variables), synthesize(stage=STAGE)
        running = cleanup.enter_context(deployment(stage=STAGE, assembly=assembly, logs=OUT, account=account))
        relay.upstream, pump.names = running.emulator.endpoint, running.template.resource_names()
        templates = read(assembly, STAGE, running.template).all
        everything = {**platform(running.emulator.endpoint), **variables}
        yield GameDay(running, relay, pump, templates, everything, cleanup)


def play(field: GameDay, exercise: Exercise) -> bool:
    """Breaks one thing and mends it; whether its alarm went off and ended, and had not been there before."""
    print(f"\n{exercise.name}: {exercise.title}", flush=True)
    with ExitStack() as cleanup:
        cleanup.callback(exercise.callers(field).stop)
        field.pump.read(field.running.logs)
        field.pump.restart(PACE)
        watch, kind = AlarmObserver(field), exercise.kind
        if watch.until(lambda: bool(watch.going_off(kind)), BEFORE):
            print(f"\u2717 {kind} went off although nothing was broken")
            return False
        with contextmanager(exercise.broken)(field):
            watch.note("broken")
            went_off = watch.until(lambda: bool(watch.going_off(kind)), PATIENCE)
            named = watch.going_off(kind)
        watch.note("mended")
        # Those over hours have to last for hours; one over minutes is enough to know.
        ended = watch.until(lambda: bool(set(named) - set(watch.going_off(kind))), RECOVERY)
        over = sorted(set(named) - set(watch.going_off(kind)))
    return verdict(kind, over or named, went_off, ended)


def verdict(kind: str, named: Sequence[str], went_off: bool, ended: bool) -> bool:
    """Says how an exercise ended."""
    if not went_off:
        print(f"\u2717 no alarm of {kind} went off within {PATIENCE} minutes")
    elif not ended:
        print(f"\u2717 {', '.join(named)} did not end within {RECOVERY} minutes")
    else:
        print(f"\u2713 {', '.join(named)} went off and ended; what to do is in docs/runbooks/{kind}.md")
    return went_off and ended
