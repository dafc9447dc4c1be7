"""Collects metrics from logs and invocations of functions, in simulated time.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-dimensions.html
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition
from local.cloud.clock import SimulatedClock
from local.cloud.metrics.emf import samples
from local.cloud.metrics.store import Metric, MetricStore


class MetricPump:
    """Fills a metric store.

    Attributes:
        store: metrics.
        clock: simulated time.
        names: names of functions in AWS by their local names.
    """

    def __init__(self, names: Mapping[str, str], pace: float = 1) -> None:
        self.names = names
        self._offsets: dict[Path, int] = {}
        self._ended: SimpleQueue[tuple[Metric, float, float]] = SimpleQueue()
        self.restart(pace)

    def restart(self, pace: float) -> None:
        """Starts a new clock with an empty store."""
        self.store, self.clock = MetricStore(), SimulatedClock.start(pace)

    def record(self, definition: FunctionDefinition, qualifier: str, result: InvocationResult) -> None:
        """Adds the metrics that Lambda itself reports of an invocation."""
        values = {"Invocations": 1.0, "Errors": float(result.error is not None), "Duration": result.milliseconds}
        for dimensions in self._dimensions(definition, qualifier):
            for name, value in values.items():
                self._ended.put((Metric.of("AWS/Lambda", name, dimensions), time.time(), value))

    def _dimensions(self, definition: FunctionDefinition, qualifier: str) -> Iterator[Mapping[str, str]]:
        name = {"FunctionName": self.names.get(definition.name, definition.name)}
        resource = {"Resource": f"{self.names.get(definition.name, definition.name)}:{qualifier}"}
        yield name
        yield name | resource
        if qualifier != definition.version:
            yield name | resource | {"ExecutedVersion": definition.version}

    def read(self, folder: Path) -> None:
        """Adds new metrics from the logs of a folder and from Lambda."""
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
