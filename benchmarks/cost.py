"""Computes what authentications and streaming cost: `python -m benchmarks.cost [--stage production]`.

Use is counted on the deployed template: processor time of the functions, DynamoDB units from the sizes of the items,
stream payloads, bytes of logs and answers. Lambda bills by the clock: the processor time of a function that has one
core, and 5 ms of waiting for each request to a table or the stream. So other load on this machine hardly matters. The
prices are those of docs/operations/prices.json.
"""

import argparse
import json
import time
from collections import Counter
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
from local.aws.synth import synthesize
from local.demo.script import SETTINGS
from local.runner import Deployment, ExtraServices, deployment
from ops.synthesis import ROOT

PRICES = ROOT / "docs" / "operations" / "prices.json"
DOMAIN, CALLER = "cost", "reader"
AUTHENTICATIONS = 40
CALL_SECONDS = 10
CHUNK_SECONDS = 4
STREAMED_SECONDS = 180
# API Gateway's own line about a request, in the format that the stack asks for.
ACCESS_LOG_BYTES = 420
# X-Ray's default rule: one request a second and of the others five in a hundred.
SAMPLED = 0.05
MONTH_HOURS = 730
# A function of this memory has one core, and one of less memory a part of it: processor time costs the same in all.
CORE_GB = 1769 / 1024
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
    """

    meter: Meter
    folder: Path
    api_functions: set[str] = field(default_factory=set)
    invoked: list[str] = field(default_factory=list)

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
            "lambda_gb_seconds": CORE_GB * (processor_seconds + WAIT_SECONDS * self.meter.requests),
            "api_requests": asked,
            "traces": SAMPLED * asked,
            "log_bytes": logs + ACCESS_LOG_BYTES * asked,
        }


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


def main() -> None:
    """Prints the costs by use, and those of a month."""
    parser = argparse.ArgumentParser(
        description="Compute the cost of use from measurements on this machine and public prices."
    )
    parser.add_argument("--stage", default="production")
    arguments = parser.parse_args()
    prices = json.loads(PRICES.read_text())
    with bench(ROOT / ".build" / "cost") as running:
        authentication = authentications(running)
        hour = streamed_hour(running)
        probe = synthetic_calls(running)
        metrics = len(emitted_metrics(running.counter.folder))
    print(f"USD, list prices of {prices['region']} taken down {prices['taken_down']}")
    print_costs("a million authentications of 10 s", scaled(authentication, 1e6), prices["prices"])
    print_costs("an hour of streamed sessions", hour, prices["prices"])
    month = added(scaled(probe, 60 * MONTH_HOURS), idle_month(arguments.stage, metrics))
    print_costs(f"a month of {arguments.stage} that only the synthetic caller uses", month, prices["prices"])


@contextmanager
def bench(folder: Path) -> Iterator[MeteredDeployment]:
    """Deploys with a meter before the state, and enrolls the caller."""
    meter = Meter()
    counter = UsageCounter(meter, folder)
    services = ExtraServices(record=counter.record, variables={"AWS_ENDPOINT_URL": meter.relay.endpoint})
    speech = max(load().values(), key=lambda reader: len(reader.enrollment)).enrollment
    try:
        # The scheduled closing of sessions is part of the monthly costs, and would only add noise here.
        with deployment(logs=folder, services=services, pace=1e-6) as running:
            counter.api_functions = {route.function for route in running.template.routes()}
            meter.relay.upstream = running.emulator.endpoint
            client = Client(running.endpoint)
            _enroll(client, speech[: 50 * RATE])
            yield MeteredDeployment(client, counter, speech, running)
    finally:
        meter.relay.stop()


def _enroll(client: Client, speech: Samples) -> None:
    client.put_domain(DOMAIN, **SETTINGS)
    client.enroll(DOMAIN, CALLER, wav(speech), bodies.consent("cost"))


def authentications(running: MeteredDeployment) -> Usage:
    """Returns the use of one authentication."""
    recording = wav(running.speech[: CALL_SECONDS * RATE])

    def authenticate(_: int) -> Any:
        return running.client.authenticate(DOMAIN, CALLER, recording)

    authenticate(0)
    return running.each(AUTHENTICATIONS, authenticate)


def streamed_hour(running: MeteredDeployment) -> Usage:
    """Returns the use of an hour of streaming: 3 min a session, chunks of 4 s, an evaluation after each."""
    chunks = STREAMED_SECONDS // CHUNK_SECONDS
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
    return scaled(whole, 3600 / STREAMED_SECONDS)


def synthetic_calls(running: MeteredDeployment) -> Usage:
    """Returns the use of one run of the synthetic caller, which runs once a minute."""

    def run(_: int) -> Any:
        outcome = running.running.invoke("probe_service", b"{}")
        if json.loads(outcome.payload) != {"failed": 0}:
            raise RuntimeError(f"golden calls fail: {outcome.payload.decode()}")
        return {}

    return running.each(3, run)


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


def idle_month(stage: str, metrics: int) -> Usage:
    """Returns the use of a month without requests: resources of the templates, and metrics that were sent once."""
    assembly = synthesize(stage=stage)
    resources = [
        each
        for path in assembly.glob(f"Bonafide-{stage}-*.template.json")
        for each in json.loads(path.read_text())["Resources"].values()
    ]
    kinds = Counter(each["Type"] for each in resources)
    shards = sum(each["Properties"]["ShardCount"] for each in resources if each["Type"] == "AWS::Kinesis::Stream")
    return {
        "shard_hours": shards * MONTH_HOURS,
        "metric_months": metrics,
        "alarm_metric_months": sum(map(alarm_metrics, resources)),
        "composite_alarm_months": kinds["AWS::CloudWatch::CompositeAlarm"],
        "dashboard_months": kinds["AWS::CloudWatch::Dashboard"],
        "key_months": kinds["AWS::KMS::Key"],
    }


def alarm_metrics(resource: Mapping[str, Any]) -> int:
    """Returns how many metrics an alarm reads; 0 for other resources."""
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        return 0
    return sum("MetricStat" in query for query in resource["Properties"].get("Metrics", [])) or 1


def emitted_metrics(folder: Path) -> set[tuple[str, ...]]:
    """Returns metrics with their dimensions' values, out of the embedded metric format in logs.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    lines = [line for path in folder.glob("*.log") for line in path.read_text(errors="replace").splitlines()]
    return {metric for line in lines if '"CloudWatchMetrics"' in line for metric in _metrics(json.loads(line))}


def _metrics(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for directive in record["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            values = [str(record[name]) for name in dimensions]
            yield from ((metric["Name"], *dimensions, *values) for metric in directive["Metrics"])


def print_costs(title: str, usage: Usage, prices: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints each part of a cost and the sum."""
    costs = {name: amount * prices[name]["usd"] for name, amount in usage.items() if amount}
    print(f"\n{title}")
    for name, cost in sorted(costs.items(), key=lambda each: -each[1]):
        print(f"  {cost:>10,.4f}  {usage[name]:>20,.3f} {name}")
    print(f"  {sum(costs.values()):>10,.4f}  in all")


if __name__ == "__main__":
    main()
