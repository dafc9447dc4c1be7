"""Demand: what a number of concurrent telephone calls asks of functions, tables and stream, each second."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
MEASURED = HERE / "measured.json"
LIMITS = HERE / "limits.json"
# Memory of a function that has one whole core.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CORE_MB = 1769
# Sessions are started, evaluated and ended by independent people: a second's requests are a Poisson count, and the
# busiest second of an hour is about this many standard deviations above the mean.
DEVIATIONS = 3.5
# Work that Lambda's reading of the stream begins, and no request.
STREAMED = ("score_chunk", "finalize")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request, or the scoring of one chunk.

    Attributes:
        function: that serves it.
        memory: of the function, MB.
        seconds: processor time on one core.
        calls: to tables and stream, one after another.
        reads: read units by table.
        writes: write units by table, rows in indexes included.
    """

    function: str
    memory: int
    seconds: float
    calls: int
    reads: Mapping[str, float]
    writes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """Measured figures and documented limits, by name."""

    measured: Mapping[str, float]
    limits: Mapping[str, float]
    operations: Mapping[str, Operation]

    @classmethod
    def read(cls) -> Self:
        """Reads measured.json and limits.json."""
        measured, limits = (json.loads(path.read_text()) for path in (MEASURED, LIMITS))
        return cls(
            measured={name: each["value"] for name, each in measured["figures"].items()},
            limits={name: each["value"] for name, each in limits["limits"].items()},
            operations={name: _operation(each) for name, each in measured["operations"].items()},
        )

    def duration(self, operation: Operation) -> float:
        """Returns how long the function takes, in seconds: less memory is a smaller part of a core."""
        working = operation.seconds / min(1.0, operation.memory / CORE_MB)
        return working + operation.calls * self.measured["wait_seconds"]


def _operation(document: Mapping[str, Any]) -> Operation:
    return Operation(**{name: document[name] for name in Operation.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Demand:
    """Operations that so many concurrent calls ask for, each second on average.

    Attributes:
        calls: concurrent telephone calls, each of them streamed and evaluated after each chunk.
        rates: operations a second.
    """

    calls: int
    figures: Figures
    rates: Mapping[str, float]

    @classmethod
    def of(cls, calls: int, figures: Figures) -> Self:
        """Returns the demand of `calls` concurrent calls."""
        measured = figures.measured
        chunks, ended = calls / measured["chunk_seconds"], calls / measured["call_seconds"]
        rates = {
            "authenticate": ended * measured["authentications_per_call"],
            "enroll": ended * measured["enrollments_per_call"],
            "start": ended,
            "put_chunk": chunks,
            "score_chunk": chunks,
            "evaluate": chunks,
            "end": ended,
            "finalize": ended,
        }
        return cls(calls, figures, rates)

    @property
    def requests(self) -> float:
        """Requests to the API a second."""
        return sum(rate for name, rate in self.rates.items() if name not in STREAMED)

    def units(self, kind: str, table: str) -> float:
        """Returns read or write units a second of a table; `kind` is `reads` or `writes`."""
        units = {name: self._units(name, kind) for name in self.rates}
        return sum(rate * units[name].get(table, 0.0) for name, rate in self.rates.items())

    def concurrency(self) -> dict[str, int]:
        """Returns the concurrency of each function in the busiest second."""
        by_function: Counter[str] = Counter()
        for name, rate in self.rates.items():
            operation = self._operation(name)
            by_function[operation.function] += math.ceil(busiest(rate) * self.figures.duration(operation))
        return dict(by_function)

    def _units(self, name: str, kind: str) -> Mapping[str, float]:
        operation = self._operation(name)
        return operation.reads if kind == "reads" else operation.writes

    def _operation(self, name: str) -> Operation:
        return self.figures.operations[name]


def busiest(rate: float) -> float:
    """Returns the events of the busiest second of an hour, of a mean rate."""
    return rate + DEVIATIONS * math.sqrt(rate)
