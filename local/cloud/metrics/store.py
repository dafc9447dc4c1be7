"""In-memory metrics, read like CloudWatch's GetMetricData."""

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from local.cloud.metrics.statistics import statistic

# Values by the begin of their period in seconds; a missing point is a missing key.
type Series = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """The identity of a metric; each set of dimensions is a metric of its own."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Metric":
        """Returns a metric with the given dimensions."""
        return cls(namespace, name, frozenset(dimensions.items()))


class MetricStore:
    """Samples of metrics; safe for concurrent readers and writers."""

    def __init__(self) -> None:
        self._samples: dict[Metric, list[tuple[float, float]]] = {}
        self._lock = threading.Lock()

    def put(self, metric: Metric, at: float, values: Iterable[float]) -> None:
        """Adds samples of one time, in seconds."""
        with self._lock:
            samples = self._samples.setdefault(metric, [])
            for value in values:
                insort(samples, (at, value))

    def metrics(self) -> list[Metric]:
        """Returns all metrics with samples."""
        with self._lock:
            return list(self._samples)

    def samples(self, metric: Metric) -> list[tuple[float, float]]:
        """Returns times and values of all samples."""
        with self._lock:
            return list(self._samples.get(metric, []))

    def values(self, metric: Metric, start: float, end: float) -> list[float]:
        """Returns the samples from `start` to before `end`."""
        with self._lock:
            samples = self._samples.get(metric, [])
            return [value for _, value in samples[bisect_left(samples, (start,)) : bisect_left(samples, (end,))]]

    def series(self, metric: Metric, name: str, period: int, starts: Sequence[int]) -> Series:
        """Computes a statistic for each period that begins at one of `starts` and has samples."""
        periods = ((start, self.values(metric, start, start + period)) for start in starts)
        return {start: statistic(name, values) for start, values in periods if values}
