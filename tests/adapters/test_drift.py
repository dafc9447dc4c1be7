"""One contract for the store of drift, kept by its adapter of AWS and its twin in memory; and the list of domains."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.monitoring.drift import DynamoDriftStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.memory.drift import MemoryDriftStore
from bonafide.biometrics.drift import DriftBaseline, DriftSignal
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.populations import Distribution, Readings, differ
from bonafide.ports.drift import DriftStore
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.drift import DriftWindow, written_baseline

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READINGS = Readings.of([(f"s{number}", float(number)) for number in range(30)])
DISTRIBUTION = Distribution.of(READINGS)
BASELINE = DriftBaseline("d" * 64, NOW - timedelta(days=14), NOW, {DriftSignal.LEVEL: {"wideband": DISTRIBUTION}})


@pytest.fixture(params=["memory", "aws"])
def drift(request: pytest.FixtureRequest) -> DriftStore:
    if request.param == "memory":
        return MemoryDriftStore()
    state = request.getfixturevalue("state")
    return DynamoDriftStore(state.dynamodb, state.name("Sessions"))


@pytest.fixture(params=["memory", "aws"])
def domains(request: pytest.FixtureRequest) -> DomainStore:
    if request.param == "memory":
        return MemoryDomainStore()
    state = request.getfixturevalue("state")
    return DynamoDomainStore(state.dynamodb, state.name("Tenants"))


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


def window(domain: str, end: datetime) -> DriftWindow:
    differences = {DriftSignal.LEVEL: differ([(DISTRIBUTION, READINGS)], 1e-3, 0.2)}
    return DriftWindow(domain, end - timedelta(days=1), end, "d" * 64, 30, 30, 1, differences)


def test_a_baseline_is_read_as_it_was_written(drift: DriftStore, name: str) -> None:
    assert drift.baseline(name) is None
    drift.put_baseline(name, BASELINE)
    stored = drift.baseline(name)
    assert stored
    assert written_baseline(stored) == written_baseline(BASELINE)


def test_of_two_writers_of_a_baseline_one_is_told_that_it_lost(drift: DriftStore, name: str) -> None:
    drift.put_baseline(name, BASELINE)
    with pytest.raises(VersionConflict):
        drift.put_baseline(name, BASELINE)
    drift.put_baseline(name, replace(BASELINE, version=2))
    with pytest.raises(VersionConflict):
        drift.put_baseline(name, replace(BASELINE, version=2))


def test_the_newest_windows_are_read_in_their_order(drift: DriftStore, name: str) -> None:
    drift.put_baseline(name, BASELINE)
    made = [window(name, NOW + timedelta(hours=hour)) for hour in range(5)]
    for each in (made[3], made[0], made[4], made[1], made[2], made[2]):
        drift.put_window(each, NOW + timedelta(days=400))
    drift.put_window(window(f"{name}-other", NOW), NOW + timedelta(days=400))
    assert list(drift.windows(name, NOW, 100)) == made
    assert list(drift.windows(name, NOW + timedelta(hours=1), 2)) == made[3:]
    assert list(drift.windows(f"{name}-none", NOW, 2)) == []


def test_domains_are_listed_while_they_exist(domains: DomainStore, name: str) -> None:
    record = DomainRecord(name, Policy(), Retention(365, keep_audio=False), NOW, NOW, version=1)
    domains.put_domain(record)
    assert name in set(domains.domain_names())
    domains.delete_domain(record)
    assert name not in set(domains.domain_names())
