"""What happened in a scenario, minute by minute, out of the metrics that alarms see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from local.cloud.alarms.alarm import AlarmState
from local.cloud.clock import MINUTE
from local.cloud.metrics.store import Metric, MetricStore
from local.cloud.releases.deploy import UpdateStatus
from local.rehearse.scenarios import Scenario

# The function that all calls go to.
OBSERVED = "authenticate_caller"


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What one version did in a minute.

    Attributes:
        calls: that it answered.
        failed: of these, with 5xx or not at all.
        p95: of its answers in milliseconds.
        accepted: part of its decisions.
        llr: mean of its scores.
    """

    calls: int
    failed: int
    p95: float | None
    accepted: float | None
    llr: float | None

    @classmethod
    def of(cls, store: MetricStore, resource: str, version: str, start: int) -> Self:
        """Reads it from the metrics of the minute that begins at `start`."""
        own = {"service": OBSERVED, "version": version}
        executed = {"FunctionName": resource, "Resource": f"{resource}:live", "ExecutedVersion": version}

        def figure(name: str, statistic: str) -> float | None:
            return store.series(Metric.of("Bonafide", name, own), statistic, MINUTE, [start]).get(start)

        def total(name: str) -> int:
            return round(sum(store.values(Metric.of("AWS/Lambda", name, executed), start, start + MINUTE)))

        failed = max(round(figure("Failures", "Sum") or 0), total("Errors"))
        means = (figure("Accepts", "Average"), figure("SpeakerLlr", "Average"))
        return cls(total("Invocations"), failed, figure("RequestLatency", "p95"), *means)


@dataclass(frozen=True, slots=True)
class MinuteFigures:
    """One line of the story.

    Attributes:
        number: from 1.
        weight: part of the calls that the new version is to have, at the end of the minute.
        old: what the former version did.
        new: what the new one did.
        alarms: that are in ALARM at its end.
        notes: what happened in it.
    """

    number: int
    weight: float
    old: VersionFigures
    new: VersionFigures
    alarms: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """A whole scenario.

    Attributes:
        scenario: what was to happen.
        status: how the release ended.
        reason: why it was rolled back, if it was.
        minutes: all of them.
        shares: function and part of its traffic, each time that the new version got more.
        store: all metrics.
        begun: simulated time of the beginning.
        marks: moments worth a look, by their simulated time.
        states: of all alarms when the release ended.
    """

    scenario: Scenario
    status: UpdateStatus
    reason: str
    minutes: Sequence[MinuteFigures]
    shares: Sequence[tuple[str, float]]
    store: MetricStore
    begun: int
    marks: Mapping[int, str]
    states: Mapping[str, AlarmState]

    @property
    def served(self) -> tuple[int, int]:
        """How many calls the new version answered, and how many there were."""
        new = sum(minute.new.calls for minute in self.minutes)
        return new, new + sum(minute.old.calls for minute in self.minutes)

    @property
    def contained(self) -> bool:
        """Whether a bad version of the watched function was kept from getting all traffic."""
        return self.scenario.ends == UpdateStatus.PROMOTED or (OBSERVED, 1) not in self.shares

    @property
    def held(self) -> bool:
        """Whether it ended as it has to."""
        return self.status == self.scenario.ends and self.scenario.stopped_by in self.reason and self.contained
