"""One contract for stores of staged policies, in memory and in AWS."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import staging_attributes, staging_key
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.policies.dynamodb import DynamoStagingStore
from bonafide.biometrics.policy import Policy
from bonafide.ports.stores import DomainStore, StagingStore, VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedPolicy, Staging
from bonafide.records.settings.versions import DomainVersion
from tests.adapters.conftest import State
from tests.adapters.test_attempts import Throttling
from tests.adapters.test_stores import a_domain

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest) -> tuple[DomainStore, StagingStore]:
    if request.param == "memory":
        domains = MemoryDomainStore()
        return domains, domains.stagings
    state = request.getfixturevalue("state")
    table = state.name("Tenants")
    return DynamoDomainStore(state.dynamodb, table), DynamoStagingStore(state.dynamodb, table)


@pytest.fixture
def domain(stores: tuple[DomainStore, StagingStore]) -> DomainRecord:
    record = a_domain(f"domain-{uuid.uuid4()}")
    stores[0].put_domain(record)
    return record


def staged(version: int) -> StagedPolicy:
    return StagedPolicy(version, Policy(step_up_cost=2.0), 1, "why", "ann", NOW)


def test_a_staged_policy_is_read_together_with_its_domain_and_those_before_are_kept(
    stores: tuple[DomainStore, StagingStore], domain: DomainRecord
) -> None:
    domains, stagings = stores
    assert stagings.staging(domain.domain) == Staging(domain.domain)
    first = Staging(domain.domain).next(domain.created_at, NOW, staged(1))
    stagings.put_staging(first)
    read, _, _ = domains.find_with_brake(domain.domain, "ann")
    assert read is not None
    assert (stagings.staging(domain.domain), read.staged) == (first, staged(1))
    ended = first.next(domain.created_at, NOW, None)
    stagings.put_staging(ended)
    read, _, _ = domains.find_with_brake(domain.domain, "ann")
    assert read is not None
    assert (stagings.staging(domain.domain), read.staged) == (ended, None)
    assert [stagings.staged_before(domain, version) for version in (1, 2, 3)] == [staged(1), None, None]


def test_the_staged_policy_of_a_predecessor_judges_nothing(
    stores: tuple[DomainStore, StagingStore], domain: DomainRecord
) -> None:
    domains, stagings = stores
    former = domain.created_at - timedelta(days=1)
    stagings.put_staging(Staging(domain.domain).next(former, NOW, staged(1)))
    read, _, _ = domains.find_with_brake(domain.domain, "ann")
    assert read is not None
    assert (read.staged, stagings.staged_before(domain, 1)) == (None, None)


def test_a_staged_policy_that_is_unread_or_unreadable_fails_no_decision(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonafide.adapters.dynamodb.conditions.time.sleep", lambda _: None)
    name, table = f"domain-{uuid.uuid4()}", state.name("Tenants")
    record, store = a_domain(name), DynamoDomainStore(state.dynamodb, table)
    store.put_domain(record)
    staging = Staging(name).next(record.created_at, NOW, staged(1))
    DynamoStagingStore(state.dynamodb, table).put_staging(staging)
    busy: Any = Throttling(state.dynamodb, "policy#")
    read, _, _ = DynamoDomainStore(busy, table).find_with_brake(name, "ann")
    assert read
    assert read.staged is None
    document = staging.to_document()
    document["staged"]["policy"]["disclosure"] = "of a later release"
    item = {**staging_key(name), **staging_attributes(staging), "document": {"S": json.dumps(document)}}
    state.dynamodb.put_item(TableName=table, Item=item)
    read, _, _ = store.find_with_brake(name, "ann")
    assert read
    assert read.staged is None


def test_of_several_writers_of_one_version_one_wins(
    stores: tuple[DomainStore, StagingStore], domain: DomainRecord
) -> None:
    def write(number: int) -> int:
        with suppress(VersionConflict):
            stores[1].put_staging(Staging(domain.domain).next(domain.created_at, NOW, staged(number)))
            return number
        return 0

    with ThreadPoolExecutor(8) as pool:
        won = [number for number in pool.map(write, range(1, 9)) if number]
    kept = stores[1].staging(domain.domain).staged
    assert [kept and kept.staged_version] == won


def test_a_domain_and_what_is_staged_change_together_or_not_at_all(
    stores: tuple[DomainStore, StagingStore], domain: DomainRecord
) -> None:
    domains, stagings = stores
    first = Staging(domain.domain).next(domain.created_at, NOW, staged(1))
    stagings.put_staging(first)
    active = domain.next(policy=staged(1).policy, policy_version=2)
    ended = first.next(domain.created_at, NOW, None)
    overtaken = Staging(domain.domain).next(domain.created_at, NOW, None)
    for record, staging in ((active, overtaken), (active.next(), ended)):
        with pytest.raises(VersionConflict):
            domains.put_domain(record, [DomainVersion(record)], staging)
        assert (domains.domain(domain.domain), stagings.staging(domain.domain)) == (domain, first)
        assert domains.domain_versions(domain, None, 9) == []
    domains.put_domain(active, [DomainVersion(active)], ended)
    assert (domains.domain(domain.domain), stagings.staging(domain.domain)) == (active, ended)
    assert domains.domain_versions(domain, None, 9) == [DomainVersion(active)]
