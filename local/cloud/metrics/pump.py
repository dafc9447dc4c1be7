"""Collects metrics from logs, and those that AWS's services count themselves, in simulated time.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-dimensions.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE, FunctionDefinition
from local.aws.observer import PlatformObserver
from local.aws.relay import RelayAnswer, RelayRequest
from local.cloud.clock import SimulatedClock
from local.cloud.metrics.emf import samples
from local.cloud.metrics.store import Metric, MetricStore

THROTTLED = re.compile(rb"ProvisionedThroughputExceeded|ThrottlingException|RequestLimitExceeded")
WRITES = re.compile(r"\.(Put|Update|Delete|TransactWrite|BatchWrite)")


class MetricPump(PlatformObserver):
    """Fills a metric store.

    Attributes:
        store: metrics.
        clock: simulated time.
        names: names of functions in AWS by their local names.
        stage: name of the stage.
    """

    def __init__(self, names: Mapping[str, str], pace: float = 1, stage: str = "dev") -> None:
        self.names = names
        self.stage = stage
        self._offsets: dict[Path, int] = {}
        self._ended: SimpleQueue[tuple[Metric, float, float]] = SimpleQueue()
        self.restart(pace)

    def restart(self, pace: float) -> None:
        """Starts a new clock with an empty store."""
        self.store, self.clock = MetricStore(), SimulatedClock.start(pace)

    def hasten(self, pace: float) -> None:
        """Lets simulated time pass at another pace from now on."""
        now = time.time()
        self.clock = SimulatedClock(pace, now, round(self.clock.simulated(now)))

    def record(self, definition: FunctionDefinition, qualifier: str, result: InvocationResult) -> None:
        """Adds the metrics that Lambda itself reports of an invocation."""
        values = {"Invocations": 1.0, "Errors": float(result.error is not None), "Duration": result.milliseconds}
        for dimensions in self._dimensions(definition, qualifier):
            self._count("AWS/Lambda", dimensions, **values)

    def throttled(self, definition: FunctionDefinition, qualifier: str) -> None:
        """Adds an invocation that was refused, which is neither an invocation nor an error."""
        for dimensions in self._dimensions(definition, qualifier):
            self._count("AWS/Lambda", dimensions, Throttles=1)

    def read_late(self, definition: FunctionDefinition, milliseconds: float) -> None:
        """Adds the age of what a function reads from a stream."""
        for dimensions in self._dimensions(definition, LIVE):
            self._count("AWS/Lambda", dimensions, IteratorAge=milliseconds)

    def answered(self, status: int) -> None:
        """Adds an answer of the API: each counts in every metric, so that averages are shares."""
        values = {"Count": 1.0, "4XXError": float(400 <= status < 500), "5XXError": float(status >= 500)}
        name = {"ApiName": f"bonafide-{self.stage}"}
        for dimensions in (name, name | {"Stage": self.stage}):
            self._count("AWS/ApiGateway", dimensions, **values)

    def relayed(self, request: RelayRequest, answer: RelayAnswer) -> None:
        """Adds a request that a table or the stream throttled."""
        if answer.status != 400 or not THROTTLED.search(answer.body):
            return
        kind = "Write" if WRITES.search(request.target) else "Read"
        asked = json.loads(request.body)
        if request.target.startswith("Kinesis"):
            self._count(
                "AWS/Kinesis", {"StreamName": asked["StreamName"]}, **{f"{kind}ProvisionedThroughputExceeded": 1}
            )
        for table in [asked["TableName"]] if "TableName" in asked else asked.get("RequestItems", ()):
            self._count("AWS/DynamoDB", {"TableName": table}, **{f"{kind}ThrottleEvents": 1})

    def _count(self, namespace: str, dimensions: Mapping[str, str], **values: float) -> None:
        for name, value in values.items():
            self._ended.put((Metric.of(namespace, name, dimensions), time.time(), value))

    def _dimensions(self, definition: FunctionDefinition, qualifier: str) -> Iterator[Mapping[str, str]]:
        name = {"FunctionName": self.names.get(definition.name, definition.name)}
        resource = {"Resource": f"{self.names.get(definition.name, definition.name)}:{qualifier}"}
        yield name
        yield name | resource
        if qualifier != definition.version:
            yield name | resource | {"ExecutedVersion": definition.version}

    def read(self, folder: Path) -> None:
        """Adds new metrics from the logs of a folder, and those of services."""
        while not self._ended.empty():
            metric, at, value = self._ended.get()
            self.store.put(metric, self.clock.simulated(at), [value])
        for log in folder.glob("*.log"):
            for line in self._lines(log):
                for sample in samples(line):
                    self.store.put(sample.metric, self.clock.simulated(sample.at), sample.values)

    def _lines(self, log: Path) -> list[str]:
        """Returns the new complete lines; a log that became shorter has been replaced."""
        offset = self._offsets.get(log, 0)
        with log.open("rb") as file:
            offset = file.seek(offset if offset <= log.stat().st_size else 0)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offsets[log] = offset + len(whole)
        return whole.decode(errors="replace").splitlines()
