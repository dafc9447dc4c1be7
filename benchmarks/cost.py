"""What a million authentications and an hour of streamed calls cost: `python -m benchmarks.cost [--stage production]`.

Everything is counted on the deployed template while it works: processor time of the functions, DynamoDB units from the
sizes of the items that go over the wire, stream payloads, bytes of logs and answers. Lambda bills by the clock: that is
taken to be the processor time of a function that has one core, and 5 ms of waiting for each request to a table or the
stream. So what else this machine does hardly matters. The prices are those of docs/operations/prices.json.
"""

import argparse
import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from local.demo.client import Document, audio, consent
from local.stream.client import Client

from benchmarks.metering import Meter
from benchmarks.stream import busy_seconds
from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE, load, wav
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition
from local.aws.synth import synthesize
from local.demo.script import SETTINGS
from local.runner import Account, Deployment, deployment
from ops.synthesis import ROOT

PRICES = ROOT / "docs" / "operations" / "prices.json"
DOMAIN, CALLER = "cost", "reader"
CALLS = 40
CALL_SECONDS = 10
CHUNK_SECONDS = 4
STREAMED_SECONDS = 180
# API Gateway's own line about a request, in the format that the stack asks for.
ACCESS_LOG_BYTES = 420
# X-Ray's default rule: one request a second and of the others five in a hundred.
SAMPLED = 0.05
MONTH_HOURS = 730
# With this memory a function has one core, with less a part of one: a second of processor time costs the same anywhere.
CORE_GB = 1769 / 1024
# A table or stream of AWS takes single-digit milliseconds to answer.
WAIT_SECONDS = 0.005

type Usage = Mapping[str, float]


@dataclass(slots=True)
class Ledger:
    """Adds up what happens on a deployment.

    Attributes:
        meter: between the functions and their state.
        folder: of the functions' logs.
        doors: functions that API Gateway calls.
        invoked: functions, as often as they were.
    """

    meter: Meter
    folder: Path
    doors: set[str] = field(default_factory=set)
    invoked: list[str] = field(default_factory=list)

    def record(self, definition: FunctionDefinition, _qualifier: str, _outcome: InvocationResult) -> None:
        """Takes down an invocation."""
        self.invoked.append(definition.name)

    def times(self, function: str) -> int:
        """How often a function has run."""
        return self.invoked.count(function)

    def total(self, processor_seconds: float) -> Usage:
        """Everything since the beginning; `processor_seconds` are those of all functions."""
        asked = sum(name in self.doors for name in self.invoked)
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
class Bench:
    """A deployment whose every unit is counted."""

    client: Client
    ledger: Ledger
    speech: Samples
    running: Deployment

    def each(self, times: int, act: Callable[[int], Any]) -> Usage:
        """What one request uses on average; `act` sends the n-th, waits for what follows, and returns the answer."""
        before = self._total()
        answered = sum(len(json.dumps(act(n))) for n in range(times))
        used = added({"answer_bytes": answered}, self._total(), scaled(before, -1))
        return scaled(used, 1 / times)

    def _total(self) -> Usage:
        pids = [pid for function in self.running.functions.values() for pid in function.processes()]
        return self.ledger.total(sum(map(busy_seconds, pids)))


def main() -> None:
    """Prints two tables: by use, and by month whatever the use."""
    parser = argparse.ArgumentParser(description="Compute what use costs from what is measured here and public prices.")
    parser.add_argument("--stage", default="production")
    arguments = parser.parse_args()
    prices = json.loads(PRICES.read_text())
    with bench(ROOT / ".build" / "cost") as running:
        authentication = authentications(running)
        hour = streamed_hour(running)
        probe = synthetic_calls(running)
        metrics = len(emitted_metrics(running.ledger.folder))
    print(f"USD, list prices of {prices['region']} taken down {prices['taken_down']}")
    print_costs("a million authentications of 10 s", scaled(authentication, 1e6), prices["prices"])
    print_costs("an hour of streamed calls", hour, prices["prices"])
    month = added(scaled(probe, 60 * MONTH_HOURS), standing(arguments.stage, metrics))
    print_costs(f"a month of {arguments.stage} that only the synthetic caller uses", month, prices["prices"])


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Deploys with a meter in between, and enrols the caller."""
    meter = Meter()
    ledger = Ledger(meter, folder)
    account = Account(record=ledger.record, variables={"AWS_ENDPOINT_URL": meter.relay.endpoint})
    speech = max(load().values(), key=lambda reader: len(reader.enrollment)).enrollment
    try:
        # The minutely closing of calls is part of the standing costs: here it would only add noise.
        with deployment(logs=folder, account=account, pace=1e-6) as running:
            ledger.doors = {route.function for route in running.template.routes()}
            meter.relay.upstream = running.emulator.endpoint
            client = Client(running.endpoint)
            _enrol(client, speech[: 50 * RATE])
            yield Bench(client, ledger, speech, running)
    finally:
        meter.relay.stop()


def _enrol(client: Client, speech: Samples) -> None:
    client.send("PUT", f"/v1/domains/{DOMAIN}", SETTINGS)
    body = {"consent": consent("cost"), "audio": audio(wav(speech))}
    client.send("POST", f"/v1/domains/{DOMAIN}/speakers/{CALLER}/enrollments", body)


def authentications(running: Bench) -> Usage:
    """What one authentication uses."""
    body = {"audio": audio(wav(running.speech[: CALL_SECONDS * RATE]))}
    path = f"/v1/domains/{DOMAIN}/speakers/{CALLER}/authentications"
    running.client.send("POST", path, body)
    return running.each(CALLS, lambda _: running.client.send("POST", path, body))


def streamed_hour(running: Bench) -> Usage:
    """What an hour of streamed calls uses: calls of three minutes, chunks of four seconds, a look after each chunk."""
    chunks = STREAMED_SECONDS // CHUNK_SECONDS
    pcm = np.clip(np.rint(np.resize(running.speech, chunks * CHUNK_SECONDS * RATE) * 32768), -32768, 32767)
    pieces = [base64.b64encode(piece.tobytes()).decode() for piece in np.split(pcm.astype("<i2"), chunks)]
    sessions = f"/v1/domains/{DOMAIN}/sessions"
    session = {"speaker": CALLER, "format": {"encoding": "pcm_s16le", "sample_rate": RATE}}
    answer: Document = {}

    def send(method: str, path: str, body: Any = None) -> Any:
        return running.client.send(method, f"{sessions}/{answer['session_id']}/{path}", body)

    def start(_: int) -> Any:
        answer.update(running.client.send("POST", sessions, session))
        return answer

    def when_scored(document: Any, batches: int) -> Any:
        _until(lambda: running.ledger.times("score_audio") >= batches)
        return document

    call = running.each(1, start)
    heard = running.each(chunks, lambda n: when_scored(send("PUT", f"audio/{n}", {"content": pieces[n]}), n + 1))
    looks = running.each(20, lambda _: send("GET", "evaluation"))
    end = running.each(1, lambda _: when_scored(send("POST", "end", {"chunks": chunks}), chunks + 1))
    whole = added(call, scaled(added(heard, looks), chunks), end)
    return scaled(whole, 3600 / STREAMED_SECONDS)


def synthetic_calls(running: Bench) -> Usage:
    """What the synthetic caller uses in one of its runs, of which there is one a minute."""

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
    """The usage so many times over."""
    return {name: amount * factor for name, amount in usage.items()}


def added(*usages: Usage) -> Usage:
    """The usages together."""
    names = dict.fromkeys(name for usage in usages for name in usage)
    return {name: sum(usage.get(name, 0.0) for usage in usages) for name in names}


def standing(stage: str, metrics: int) -> Usage:
    """What a month uses without a single call: what the templates of a stage keep, and metrics once they were sent."""
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
    """How many metrics an alarm reads; 0 for what is none."""
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        return 0
    return sum("MetricStat" in query for query in resource["Properties"].get("Metrics", [])) or 1


def emitted_metrics(folder: Path) -> set[tuple[str, ...]]:
    """Metrics with their dimensions' values in the embedded metric format of some logs.

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
