"""Use of AWS by the deployed template while it runs here, in the units that AWS bills.

Lambda bills by the clock: the processor time of a function that has one core, and 5 ms of waiting for each request to a
table or the stream. So other load on this machine hardly matters. Starts of environments are billed too.
https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.metering import Meter
from benchmarks.stream import busy_seconds
from bonafide.audio.waveform import Samples
from bonafide_client import Client, bodies
from layers.golden.readers import RATE, load, wav
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition
from local.demo.script import ONCE_SETTINGS
from local.runner import Deployment, ExtraServices, deployment

DOMAIN, CALLER = "cost", "reader"
CALL_SECONDS = 10
CHUNK_SECONDS = 4
# API Gateway's own line about a request, in the format that the stack asks for.
ACCESS_LOG_BYTES = 420
# X-Ray's default rule: one request a second and of the others five in a hundred.
SAMPLED = 0.05
# A function of this memory has one core, and one of less memory a part of it: processor time costs the same in all.
CORE_GB = 1769 / 1024
# Invocations that start an environment: at a steady load it serves for hours, and a burst or a release starts more.
COLD_STARTS = 0.01
# A table or stream of AWS takes single-digit milliseconds to answer.
WAIT_SECONDS = 0.005

type Usage = Mapping[str, float]


@dataclass(slots=True)
class UsageCounter:
    """Counts the use of a deployment.

    Attributes:
        meter: proxy between the functions and their state.
        folder: of the functions' logs.
        api_functions: functions that answer requests of the API.
        invoked: function names, one for each invocation.
        speed: multiplies processor times, so that they are those of the machine of the published figures.
        starts: processor seconds that the start of an environment takes, by function.
    """

    meter: Meter
    folder: Path
    api_functions: set[str] = field(default_factory=set)
    invoked: list[str] = field(default_factory=list)
    speed: float = 1.0
    starts: dict[str, float] = field(default_factory=dict)

    def record(self, definition: FunctionDefinition, _qualifier: str, _outcome: InvocationResult) -> None:
        """Counts an invocation."""
        self.invoked.append(definition.name)

    def times(self, function: str) -> int:
        """Returns the number of invocations of a function."""
        return self.invoked.count(function)

    def total(self, processor_seconds: float) -> Usage:
        """Returns all use so far; `processor_seconds` are those of all functions."""
        asked = sum(name in self.api_functions for name in self.invoked)
        logs = sum(path.stat().st_size for path in self.folder.glob("*.log") if path.stem != "emulator")
        return {
            **self.meter.used,
            "lambda_requests": len(self.invoked),
            "lambda_gb_seconds": CORE_GB * (self.speed * processor_seconds + WAIT_SECONDS * self.meter.requests),
            "lambda_start_gb_seconds": CORE_GB * self.speed * COLD_STARTS * self._starting(),
            "api_requests": asked,
            "traces": SAMPLED * asked,
            "log_bytes": logs + ACCESS_LOG_BYTES * asked,
        }

    def _starting(self) -> float:
        """Returns what starts would take if every invocation had one."""
        return sum(self.starts.get(name, 0.0) for name in self.invoked)


@dataclass(frozen=True, slots=True)
class MeteredDeployment:
    """A deployment whose use is counted."""

    client: Client
    counter: UsageCounter
    speech: Samples
    running: Deployment

    def each(self, times: int, act: Callable[[int], Any]) -> Usage:
        """Returns the average use of a request; `act` sends the n-th, waits for its effects, and returns the answer."""
        before = self._total()
        answered = sum(len(json.dumps(act(n))) for n in range(times))
        used = added({"answer_bytes": answered}, self._total(), scaled(before, -1))
        return scaled(used, 1 / times)

    def _total(self) -> Usage:
        pids = [pid for function in self.running.functions.values() for pid in function.processes()]
        return self.counter.total(sum(map(busy_seconds, pids)))


@contextmanager
def bench(folder: Path, speed: float) -> Iterator[MeteredDeployment]:
    """Deploys with a meter before the state, and enrolls the caller; `speed` multiplies processor times."""
    meter = Meter()
    counter = UsageCounter(meter, folder, speed=speed)
    services = ExtraServices(record=counter.record, variables={"AWS_ENDPOINT_URL": meter.relay.endpoint})
    speech = max(load().values(), key=lambda reader: len(reader.enrollment)).enrollment
    try:
        # The scheduled closing of sessions is part of the monthly costs, and would only add noise here.
        with deployment(logs=folder, services=services, pace=1e-6) as running:
            counter.starts = {
                name: sum(map(busy_seconds, each.processes())) for name, each in running.functions.items()
            }
            counter.api_functions = {route.function for route in running.template.routes()}
            meter.relay.upstream = running.emulator.endpoint
            client = Client(running.endpoint)
            _enroll(client, speech[: 50 * RATE])
            yield MeteredDeployment(client, counter, speech, running)
    finally:
        meter.relay.stop()


def _enroll(client: Client, speech: Samples) -> None:
    client.put_domain(DOMAIN, **ONCE_SETTINGS)
    client.enroll(DOMAIN, CALLER, wav(speech), bodies.consent("cost"))


def authentications(running: MeteredDeployment, times: int) -> Usage:
    """Returns the use of one authentication."""
    recording = wav(running.speech[: CALL_SECONDS * RATE])

    def authenticate(_: int) -> Any:
        return running.client.authenticate(DOMAIN, CALLER, recording)

    authenticate(0)
    return running.each(times, authenticate)


def streamed_hour(running: MeteredDeployment, seconds: int) -> Usage:
    """Returns the use of an hour of streaming in sessions of so many seconds: chunks of 4 s, each evaluated."""
    chunks = seconds // CHUNK_SECONDS
    pcm = np.clip(np.rint(np.resize(running.speech, chunks * CHUNK_SECONDS * RATE) * 32768), -32768, 32767)
    pieces = [piece.tobytes() for piece in np.split(pcm.astype("<i2"), chunks)]
    client, form = running.client, {"encoding": "pcm_s16le", "sample_rate": RATE}
    session = ""

    def start(_: int) -> Any:
        nonlocal session
        answer = client.start_session(DOMAIN, form, speaker=CALLER)
        session = answer["session_id"]
        return answer

    def when_scored(document: Any, batches: int) -> Any:
        _until(lambda: running.counter.times("score_audio") >= batches)
        return document

    started = running.each(1, start)
    sent = running.each(chunks, lambda n: when_scored(client.put_audio(DOMAIN, session, n, pieces[n]), n + 1))
    evaluated = running.each(20, lambda _: client.evaluate(DOMAIN, session))
    end = running.each(1, lambda _: when_scored(client.end_session(DOMAIN, session, chunks), chunks + 1))
    whole = added(started, scaled(added(sent, evaluated), chunks), end)
    return scaled(whole, 3600 / seconds)


def synthetic_calls(running: MeteredDeployment) -> Usage:
    """Returns the use of one run of the synthetic caller, which runs once a minute."""

    def run(_: int) -> Any:
        outcome = running.running.invoke("probe_service", b"{}")
        if json.loads(outcome.payload) != {"failed": 0}:
            raise RuntimeError(f"golden calls fail: {outcome.payload.decode()}")
        return {}

    # The first request of each second is always traced, and it makes less than one a second.
    used = running.each(3, run)
    return {**used, "traces": used["api_requests"]}


def public_answers(running: MeteredDeployment) -> Mapping[str, Usage]:
    """Returns the use of a request to each route that needs no signature, by path."""
    paths = [route.path for route in running.running.template.routes() if route.limit]
    return {path: _public(running, path) for path in paths}


def _public(running: MeteredDeployment, path: str) -> Usage:
    size = 0

    def get(_: int) -> Any:
        nonlocal size
        size = len(running.client.request("GET", path).content)
        return {}

    return {**running.each(2, get), "answer_bytes": size}


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.05)


def scaled(usage: Usage, factor: float) -> Usage:
    """Returns the usage, multiplied."""
    return {name: amount * factor for name, amount in usage.items()}


def added(*usages: Usage) -> Usage:
    """Returns the sum of usages."""
    names = dict.fromkeys(name for usage in usages for name in usage)
    return {name: sum(usage.get(name, 0.0) for usage in usages) for name in names}
