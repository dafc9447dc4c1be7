"""The exercises of a game day: faults, the load that notices them, and the cause that the one page has to name."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bonafide_client import bodies
from layers.golden.readers import RATE, load
from local.aws.functions.function import LambdaFunction
from local.aws.relay import Fault, Relay, RelayAnswer, RelayRequest, healthy
from local.aws.template import StackTemplate
from local.cloud.metrics.pump import MetricPump
from local.rehearse.traffic import DOMAIN, Traffic, calls, client_without_retries, enroll
from local.runner import Deployment

CALLS_A_SECOND = 4.0  # real seconds; more would make answers late on two cores that are not idle
DYNAMODB, KINESIS = "DynamoDB", "Kinesis"
# Longer than a call may take, and shorter than what lets it time out.
SLOW_SECONDS = 1.2
BROKEN = "authenticate_caller"


@dataclass(frozen=True, slots=True)
class GameDay:
    """The deployment of a game day.

    Attributes:
        running: deployment.
        relay: proxy between its functions and their state.
        pump: simulated time and metrics.
        templates: templates with the alarms.
        variables: variables of every function, besides its own.
        cleanup: callbacks for the end of the day.
    """

    running: Deployment
    relay: Relay
    pump: MetricPump
    templates: Sequence[StackTemplate]
    variables: Mapping[str, str]
    cleanup: ExitStack


class LoadSource(Protocol):
    """A source of load during an exercise."""

    def stop(self) -> None:
        """Stops the load."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A fault of one dependency.

    Attributes:
        name: name on the command line.
        title: description for people.
        page: name of the alarm that has to page, without the stage.
        cause: part of the name of an alarm that the page has to name as its reason.
        broken: injects the fault until the context ends.
        load: starts the load that is affected.
    """

    name: str
    title: str
    page: str
    cause: str
    broken: Callable[[GameDay], Iterator[None]]
    load: Callable[[GameDay], LoadSource]


class ChunkProducer:
    """Streams one-second chunks into a session, and ignores errors."""

    def __init__(self, endpoint: str) -> None:
        self._client = client_without_retries(endpoint)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops streaming."""
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


def one_shot_calls(day: GameDay) -> LoadSource:
    """Starts authentications with one recording each."""
    readers = load()
    enrolled = enroll(client_without_retries(day.running.endpoint), readers)
    return Traffic(day.running.endpoint, calls(readers, enrolled), CALLS_A_SECOND)


def streamed_call(day: GameDay) -> LoadSource:
    """Starts a streamed session."""
    enroll(client_without_retries(day.running.endpoint), load())
    return ChunkProducer(day.running.endpoint)


def refusing(service: str) -> Fault:
    """Returns the fault of a service that answers with errors."""

    def fault(request: RelayRequest) -> RelayAnswer | None:
        return RelayAnswer(500, b'{"__type": "InternalFailure"}') if request.target.startswith(service) else None

    return fault


def refusing_table(variable: str) -> Callable[[GameDay], Iterator[None]]:
    """Injects the fault of one table, which answers every request with an error."""

    def broken(day: GameDay) -> Iterator[None]:
        functions = day.running.functions.values()
        environments = [each.definition.environment for each in functions if variable in each.definition.environment]
        table = environments[0][variable].encode()
        error = RelayAnswer(500, b'{"__type": "InternalServerError"}')
        day.relay.fault = lambda request: error if table in request.body else None
        yield
        day.relay.fault = healthy

    return broken


def slow(request: RelayRequest) -> RelayAnswer | None:
    """Delays requests to tables."""
    time.sleep(SLOW_SECONDS if request.target.startswith(DYNAMODB) else 0)
    return None


def relayed(fault: Fault) -> Callable[[GameDay], Iterator[None]]:
    """Injects a fault into the relay."""

    def broken(day: GameDay) -> Iterator[None]:
        day.relay.fault = fault
        yield
        day.relay.fault = healthy

    return broken


def corrupt_bundle(day: GameDay) -> Iterator[None]:
    """Replaces a function by one with another bundle digest, whose environments do not start."""
    host, alias = day.running.host, day.running.aliases[BROKEN]
    definition = day.running.functions[BROKEN].definition
    variables = {**definition.environment, "BONAFIDE_BUNDLE_DIGEST": "0" * 64}
    program = replace(definition, environment=variables).program(host.runtime, day.variables)
    function = LambdaFunction(definition, program, host.logs / f"{BROKEN}-corrupt.log", record=host.services.record)
    # Kept until the end, since pending invocations still need an answer.
    day.cleanup.callback(function.close)
    alias.point(function)
    yield
    alias.point(day.running.functions[BROKEN])


DEPENDENCY, FUNCTION = "dependency-fails", "function-fails"

EXERCISES = (
    Exercise(
        "table-refuses",
        "one table answers with errors: that of domains and speakers",
        DEPENDENCY,
        "domain_table-fails",
        refusing_table("BONAFIDE_DOMAIN_TABLE"),
        one_shot_calls,
    ),
    Exercise(
        "tables-refuse",
        "all tables answer with errors",
        DEPENDENCY,
        "_table-fails",
        relayed(refusing(DYNAMODB)),
        one_shot_calls,
    ),
    Exercise(
        "tables-slow",
        f"all tables answer {SLOW_SECONDS} s later",
        DEPENDENCY,
        "_table-fails",
        relayed(slow),
        one_shot_calls,
    ),
    Exercise(
        "stream-refuses",
        "the stream answers with errors",
        DEPENDENCY,
        "audio_stream-fails",
        relayed(refusing(KINESIS)),
        streamed_call,
    ),
    Exercise(
        "bundle-corrupt",
        "the bundle is not the configured one, so the function does not start",
        FUNCTION,
        f"{BROKEN}-fails",
        corrupt_bundle,
        one_shot_calls,
    ),
)
