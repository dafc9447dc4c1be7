"""The watch learns a baseline, notices what differs from it, and reads no more than it may."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.memory.drift import MemoryDriftStore
from bonafide.biometrics.drift import DriftSignal
from bonafide.biometrics.evidence import Quality
from bonafide.biometrics.policy import Policy
from bonafide.errors import StoreUnavailable
from bonafide.observability import measurements
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.domain import DomainRecord, Retention
from bonafide.services.drift import DriftReading, DriftWatch
from tests.decisions import decision_record

START = datetime(2026, 3, 1, tzinfo=UTC)
PROBE = "bonafide-probe"


class Deployment:
    """Callers of a domain, hour by hour, and the watch."""

    def __init__(self, *domains: str) -> None:
        self.now = START
        self.domains = MemoryDomainStore()
        self.decisions = MemoryDecisionStore(lambda: START)
        self.drift = MemoryDriftStore()
        self._generator = np.random.default_rng(1)
        for name in domains or ("acme",):
            record = DomainRecord(name, Policy(), Retention(365, keep_audio=False), START, START, version=1)
            self.domains.put_domain(record)

    @property
    def watch(self) -> DriftWatch:
        return DriftWatch(self.domains, self.decisions, self.drift, PROBE, lambda: self.now)

    def days(
        self, count: float, domain: str = "acme", *, level: float = -25.0, bundle: str = "a", each: int = 2
    ) -> None:
        """Lets `each` callers in an hour call."""
        for _ in range(round(count * 24)):
            for number in range(each):
                self._call(domain, level, bundle * 64, self.now + timedelta(seconds=20 * number))
            self.now += timedelta(hours=1)

    def _call(self, domain: str, level: float, bundle: str, at: datetime) -> None:
        speaker = int(self._generator.integers(200))
        record = decision_record(
            domain=domain,
            decision_id=f"{at.timestamp()}",
            speaker=f"s{speaker}",
            bundle=bundle,
            decided_at=at,
        )
        quality = Quality(level + speaker % 7 + float(self._generator.normal()), 0.0, 30.0)
        self.decisions.append(
            replace(record, case=replace(record.case, quality=quality, embedding_norm=9.0)), START + timedelta(days=999)
        )

    def drifted(self, domain: str = "acme") -> list[DriftSignal]:
        windows = {each.domain: each.drifted for each in self.watch.watch(lambda: 300.0)}
        return windows[domain]


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_nothing_is_compared_before_two_weeks_are_known(deployment: Deployment) -> None:
    deployment.days(10)
    (window,) = deployment.watch.watch(lambda: 300.0)
    assert (window.calls, window.baseline, window.differences) == (48, 0, {})
    assert deployment.drift.baseline("acme") is None


def test_a_baseline_is_learned_and_a_change_is_noticed_within_a_window(deployment: Deployment) -> None:
    deployment.days(14, each=1)
    assert deployment.drifted() == []
    learned = deployment.drift.baseline("acme")
    assert learned
    assert (learned.version, learned.end) == (1, deployment.now)
    deployment.days(1)
    assert deployment.drifted() == []
    deployment.days(1, level=-15.0)
    assert deployment.drifted() == [DriftSignal.LEVEL]
    pending = measurements.pending()["SignalsDrifted"]
    assert pending[-1] == 1.0


def test_a_slow_change_of_the_input_is_not_forgotten_for_a_new_bundle(deployment: Deployment) -> None:
    deployment.days(14, each=1)
    deployment.watch.watch(lambda: 300.0)
    deployment.days(14, level=-15.0, bundle="b")
    assert DriftSignal.LEVEL in deployment.drifted()
    learned = deployment.drift.baseline("acme")
    assert learned
    assert (learned.version, learned.bundle) == (2, "b" * 64)
    assert learned.signals.keys() >= {DriftSignal.LEVEL, DriftSignal.SPEAKER_LLR}


def test_an_operator_makes_a_known_change_the_new_baseline(deployment: Deployment) -> None:
    deployment.days(14, each=1)
    deployment.watch.watch(lambda: 300.0)
    deployment.days(2, level=-15.0)
    assert deployment.drifted() == [DriftSignal.LEVEL]
    deployment.watch.learn("acme", 1)
    assert deployment.drifted() == []


def test_golden_calls_are_no_callers() -> None:
    deployment = Deployment(PROBE, f"{PROBE}-smoke", "acme")
    deployment.days(1, PROBE)
    deployment.days(1, f"{PROBE}-smoke")
    assert [each.domain for each in deployment.watch.watch(lambda: 300.0)] == ["acme"]


def test_a_domain_of_the_same_name_begins_anew(deployment: Deployment) -> None:
    deployment.days(14, each=1)
    deployment.watch.watch(lambda: 300.0)
    record = deployment.domains.domain("acme")
    assert record
    deployment.domains.delete_domain(record)
    later = deployment.now + timedelta(days=1)
    deployment.domains.put_domain(replace(record, created_at=later, version=1))
    deployment.now = later + timedelta(hours=1)
    (window,) = deployment.watch.watch(lambda: 300.0)
    assert (window.calls, window.baseline) == (0, 0)
    assert DriftReading(deployment.domains, deployment.drift).get("acme", START) == (None, [window])


def test_a_domain_that_cannot_be_read_keeps_no_other_from_being_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment("acme", "broken")
    deployment.days(1)
    listed = deployment.decisions.list

    def fail(domain: str, *arguments: Any) -> Any:
        if domain == "broken":
            raise StoreUnavailable
        return listed(domain, *arguments)

    monkeypatch.setattr(deployment.decisions, "list", fail)
    assert [each.domain for each in deployment.watch.watch(lambda: 300.0)] == ["acme"]


def test_where_the_time_runs_out_the_next_hour_begins_with_other_domains() -> None:
    deployment = Deployment(*(f"d{number}" for number in range(5)))
    seen = set()
    for _ in range(5):
        seen |= {each.domain for each in deployment.watch.watch(iter([300.0, 1.0]).__next__)}
        deployment.now += timedelta(hours=1)
    assert len(seen) == 5


def test_a_busy_domain_is_sampled_over_the_whole_day(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.days(1, each=150)
    reads: list[DecisionFilter] = []
    listed = deployment.decisions.list

    def count(domain: str, selection: DecisionFilter, after: Any, limit: int) -> Any:
        reads.append(selection)
        return listed(domain, selection, after, limit)

    monkeypatch.setattr(deployment.decisions, "list", count)
    window = deployment.watch.compare(deployment.domains.domain("acme"))  # type: ignore[arg-type]
    assert window.calls == 24 * 100
    assert len([each for each in reads if each.end == deployment.now]) <= 4
    assert json.dumps(window.to_document())
