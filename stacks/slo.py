"""Service level objectives, read from slo.yaml and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from stacks.metrics import check

FILE = Path(__file__).parent / "slo.yaml"
MAX_METRICS = 10  # of one alarm, two for each service


class SloError(ValueError):
    """slo.yaml is not valid; the message names the place."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Counts of an objective, as pairs of metric and statistic.

    Attributes:
        bad: events that use up the budget.
        total: all events.
        above_ms: bound in ms above which an event is bad; None if bad events are counted as such.
    """

    bad: tuple[str, str]
    total: tuple[str, str]
    above_ms: float | None = None

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> Self:
        """Reads either form: bad and total, or a metric with a bound.

        Raises:
            SloError: it is neither.
            UnknownMetricError: no function emits the metric.
        """
        match written:
            case {"bad": str(bad), "total": str(total), **rest} if not rest:
                return cls((check(bad), "Sum"), (check(total), "Sum"))
            case {"metric": str(metric), "above_ms": int() | float() as bound, **rest} if not rest and bound > 0:
                return cls((check(metric), f"TC({bound:g}:)"), (metric, "SampleCount"), float(bound))
        raise SloError(f"events are either bad and total, or metric and above_ms > 0: {written}")


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective.

    Attributes:
        name: unique, lower case with hyphens.
        means: the promise in words.
        runbook: name of the runbook of its alarms.
        objective: percent of events that have to be good, above 50 and below 100.
        services: folders of the functions whose events count.
        events: which events count.
    """

    name: str
    means: str
    runbook: str
    objective: float
    services: Sequence[str]
    events: EventCounts

    @property
    def budget(self) -> float:
        """Error budget: fraction of events that may be bad."""
        return 1 - self.objective / 100

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> Self:
        """Reads one entry.

        Raises:
            SloError: the entry is not valid; the message names it and the fault.
        """
        name = written.get("name", "an entry without a name")
        if written.keys() != set(cls.__slots__):
            raise SloError(f"{name}: has to have exactly {', '.join(cls.__slots__)}, has {', '.join(written)}")
        if not isinstance(written["objective"], int | float) or not 50 < written["objective"] < 100:
            raise SloError(f"{name}: objective has to be above 50 and below 100 percent, is {written['objective']}")
        if not 1 <= len(written["services"]) <= MAX_METRICS // 2:
            raise SloError(f"{name}: has to be about 1 to {MAX_METRICS // 2} services")
        try:
            return cls(**{**written, "events": EventCounts.parse(written["events"])})
        except ValueError as error:
            raise SloError(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Objectives:
    """Content of slo.yaml.

    Attributes:
        window_days: days over which budgets are counted.
        slos: in the order of the file.
    """

    window_days: int
    slos: Sequence[Slo]

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Reads and checks the file.

        Raises:
            SloError: names the fault.
        """
        written = yaml.safe_load(file.read_text())
        if not isinstance(written, dict) or written.keys() != {"window_days", "slos"}:
            raise SloError(f"{file.name} has to have exactly window_days and slos")
        slos = [Slo.parse(each) for each in written["slos"]]
        names = [slo.name for slo in slos]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise SloError(f"{', '.join(sorted(repeated))}: there more than once")
        return cls(int(written["window_days"]), slos)

    def bound_ms(self, service: str, metric: str = "RequestLatency") -> float:
        """Returns the bound above which an answer of a service is late.

        Raises:
            SloError: no objective has one.
        """
        for slo in self.slos:
            if service in slo.services and slo.events.total[0] == metric and slo.events.above_ms:
                return slo.events.above_ms
        raise SloError(f"no objective says when {metric} of {service} is late")

    def services(self, metric: str) -> list[str]:
        """Returns the services with a bound on a metric."""
        late = [slo for slo in self.slos if slo.events.above_ms and slo.events.total[0] == metric]
        return [service for slo in late for service in slo.services]
