"""The results of scenarios, with figures of each minute from the metrics of the alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from local.cloud.alarms.alarm import AlarmState
from local.cloud.clock import MINUTE
from local.cloud.metrics.store import Metric, MetricStore
from local.cloud.releases.deploy import UpdateStatus
from local.rehearse.scenarios import Scenario

# The function that serves all calls.
OBSERVED = "authenticate_caller"


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """The figures of one version in one minute.

    Attributes:
        calls: answered calls.
        failed: calls answered with 5xx or not at all.
        p95: 95th percentile of latency in milliseconds.
        accepted: fraction of accepted callers.
        llr: mean LLR.
    """

    calls: int
    failed: int
    p95: float | None
    accepted: float | None
    llr: float | None

    @classmethod
    def none(cls) -> Self:
        """Returns the figures of a function that gets no new version."""
        return cls(0, 0, None, None, None)

    @classmethod
    def of(cls, store: MetricStore, stage: str, resource: str, version: str, start: int) -> Self:
        """Reads the figures of the minute that begins at `start`."""
        own = {"stage": stage, "service": OBSERVED, "version": version}
        executed = {"FunctionName": resource, "Resource": f"{resource}:live", "ExecutedVersion": version}

        def figure(name: str, statistic: str) -> float | None:
            return store.series(Metric.of("Bonafide", name, own), statistic, MINUTE, [start]).get(start)

        def total(name: str) -> int:
            return round(sum(store.values(Metric.of("AWS/Lambda", name, executed), start, start + MINUTE)))

        failed = max(round(figure("Failures", "Sum") or 0), total("Errors"))
        means = (figure("Accepts", "Average"), figure("SpeakerLlr", "Average"))
        duration = Metric.of("AWS/Lambda", "Duration", executed)
        return cls(total("Invocations"), failed, store.series(duration, "p95", MINUTE, [start]).get(start), *means)


@dataclass(frozen=True, slots=True)
class MinuteFigures:
    """One minute of a scenario.

    Attributes:
        number: number from 1.
        weight: fraction of calls that go to the new version at the end of the minute.
        old: figures of the former version.
        new: figures of the new version.
        alarms: alarms in ALARM at its end.
        notes: events.
    """

    number: int
    weight: float
    old: VersionFigures
    new: VersionFigures
    alarms: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The result of a scenario.

    Attributes:
        scenario: scenario.
        status: status of the release at its end.
        reason: reason for a rollback.
        minutes: all minutes.
        shares: functions with the fraction of traffic of their new version, at each shift.
        store: all metrics.
        begun: simulated time of the start.
        marks: labels of notable simulated times.
        states: states of all alarms at the end of the release.
        wrong: what the registry of models says and should not.
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
    wrong: Sequence[str] = ()

    @property
    def served(self) -> tuple[int, int]:
        """Number of calls that the new version answered, and of all calls."""
        new = sum(minute.new.calls for minute in self.minutes)
        return new, new + sum(minute.old.calls for minute in self.minutes)

    @property
    def contained(self) -> bool:
        """Tells whether a bad version of the observed function never got all traffic."""
        return self.scenario.ends == UpdateStatus.PROMOTED or (OBSERVED, 1) not in self.shares

    @property
    def held(self) -> bool:
        """Tells whether the release ended as expected."""
        ended = self.status == self.scenario.ends and self.scenario.stopped_by in self.reason and not self.wrong
        # The aliases of a first deployment are created, and no traffic is shifted.
        return ended and self.contained and not (self.scenario.first and self.shares)
