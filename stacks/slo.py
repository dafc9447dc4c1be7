"""Service level objectives, read from slo.yaml and checked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from stacks.catalog import NAMESPACE, check

FILE = Path(__file__).parent / "slo.yaml"
GATEWAY = "AWS/ApiGateway"
# Of API Gateway's metrics the one whose average is documented as a share of all requests.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
GATEWAY_METRICS = {"5XXError"}
OBJECTIVE = ("stage", "objective")
# Fewer bad events raise no alarm and use up no budget, however little traffic there is.
MINIMUM_BAD = 3


class SloError(ValueError):
    """slo.yaml is not valid; the message names the place."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """The events of an objective: values of one metric, whose sample count is the number of all events.

    Attributes:
        namespace: of the metric.
        metric: its name.
        above_ms: bound in ms above which an event is bad; None if the value is 1 for a bad event and 0 for another.
    """

    namespace: str
    metric: str
    above_ms: float | None = None

    @property
    def bad(self) -> str:
        """Statistic that counts bad events."""
        return f"TC({self.above_ms:g}:)" if self.above_ms else "Sum"

    @property
    def total(self) -> str:
        """Statistic that counts all events."""
        return "SampleCount"

    @property
    def share(self) -> str:
        """Statistic that is the share of bad events, `whole` being all of them."""
        return f"PR({self.above_ms:g}:)" if self.above_ms else "Average"

    @property
    def whole(self) -> float:
        """Value of `share` if all events are bad."""
        return 100 if self.above_ms else 1

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> Self:
        """Reads one of the forms that slo.yaml describes.

        Raises:
            SloError: it is none of them.
            UnknownMetricError: no function emits the metric by objective.
        """
        match written:
            case {"gateway": str(metric), **rest} if not rest and metric in GATEWAY_METRICS:
                return cls(GATEWAY, metric)
            case {"failures": str(metric), **rest} if not rest:
                return cls(NAMESPACE, check(metric, OBJECTIVE))
            case {"metric": str(metric), "above_ms": int() | float() as bound, **rest} if not rest and bound > 0:
                return cls(NAMESPACE, check(metric, OBJECTIVE), float(bound))
        raise SloError(f"events are gateway: 5XXError, or failures, or metric and above_ms > 0: {written}")


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective.

    Attributes:
        name: unique, lower case with hyphens.
        means: the promise in words.
        runbook: name of the runbook of its alarms.
        objective: percent of events that have to be good, above 50 and below 100.
        services: folders of the functions whose events count; none if API Gateway counts.
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

    def dimensions(self, stage: str) -> Mapping[str, str]:
        """Returns the dimensions of the metric in a stage."""
        if self.events.namespace == GATEWAY:
            return {"ApiName": f"bonafide-{stage}", "Stage": stage}
        return {"stage": stage, "objective": self.name}

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
        try:
            made = cls(**{**written, "events": EventCounts.parse(written["events"])})
        except ValueError as error:
            raise SloError(f"{name}: {error}") from error
        if bool(made.services) == (made.events.namespace == GATEWAY):
            raise SloError(f"{name}: services have to be named, unless the gateway counts")
        return made


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
        names = Counter(slo.name for slo in slos)
        names.update(service for slo in slos for service in slo.services)
        # A function's metrics have one dimension `objective`, with one value.
        if repeated := sorted(name for name, count in names.items() if count > 1):
            raise SloError(f"{', '.join(repeated)}: there more than once")
        return cls(int(written["window_days"]), slos)

    def by_runbook(self) -> dict[str, list[Slo]]:
        """Returns the objectives by their runbook, in the order of the file."""
        runbooks = dict.fromkeys(slo.runbook for slo in self.slos)
        return {runbook: [slo for slo in self.slos if slo.runbook == runbook] for runbook in runbooks}

    def of(self, service: str) -> Slo | None:
        """Returns the objective that a service's events count for."""
        return next((slo for slo in self.slos if service in slo.services), None)

    def bound_ms(self, service: str, metric: str = "RequestLatency") -> float:
        """Returns the bound above which an answer of a service is late.

        Raises:
            SloError: no objective has one.
        """
        slo = self.of(service)
        if slo and slo.events.metric == metric and slo.events.above_ms:
            return slo.events.above_ms
        raise SloError(f"no objective says when {metric} of {service} is late")

    def services(self, metric: str) -> list[str]:
        """Returns the services with a bound on a metric."""
        late = [slo for slo in self.slos if slo.events.above_ms and slo.events.metric == metric]
        return [service for slo in late for service in slo.services]
