"""One contract for counters of failed attempts and for hashes of callers, in memory and in AWS."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.caller_hashes import StoredCallerHashes
from bonafide.adapters.dynamodb.attempts import DynamoAttemptStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import attempt_key, read_failure, written_failure
from bonafide.adapters.kms import KmsWrapping
from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.presentation.attempts import Attempts, Failure
from bonafide.errors import StoreUnavailable
from bonafide.ports.signatures import CallerHashes
from bonafide.ports.stores import AttemptStore, DomainStore, VersionConflict
from bonafide.records.history.attempt_reset import AttemptReset
from bonafide.records.settings.versions import DomainVersion
from tests.adapters.conftest import State
from tests.adapters.test_stores import a_domain

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
LATER = NOW + timedelta(minutes=15)
ANN, CALLER = "speaker#ann", "caller#ab12"


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest) -> tuple[DomainStore, AttemptStore]:
    if request.param == "memory":
        domains = MemoryDomainStore()
        return domains, domains.attempts
    state = request.getfixturevalue("state")
    table = state.name("Tenants")
    return DynamoDomainStore(state.dynamodb, table), DynamoAttemptStore(state.dynamodb, table)


@pytest.fixture
def name(stores: tuple[DomainStore, AttemptStore]) -> str:
    name = f"domain-{uuid.uuid4()}"
    stores[0].put_domain(a_domain(name))
    return name


def failure(number: int) -> Failure:
    return Failure.of(NOW + timedelta(seconds=number), f"attempt-{number}")


def read(domains: DomainStore, name: str, *counters: str) -> tuple[Attempts, ...]:
    found, _, _ = domains.find_with_brake(name, "ann", counters)
    assert found
    assert found.attempts is not None
    return found.attempts


def test_failures_are_read_with_the_domain_in_the_order_asked_for(
    stores: tuple[DomainStore, AttemptStore], name: str
) -> None:
    domains, attempts = stores
    assert read(domains, name, ANN, CALLER) == (Attempts(), Attempts())
    attempts.count(name, [ANN, CALLER], failure(1), LATER)
    attempts.count(name, [ANN], failure(2), LATER)
    both, one = Attempts(frozenset({failure(1), failure(2)})), Attempts(frozenset({failure(1)}))
    assert read(domains, name, ANN, CALLER) == (both, one)
    assert read(domains, name, CALLER, "speaker#bob", ANN) == (one, Attempts(), both)
    assert read(domains, name) == ()


def test_a_failure_is_counted_once_whoever_counts_it_at_the_same_time(
    stores: tuple[DomainStore, AttemptStore], name: str
) -> None:
    domains, attempts = stores
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: attempts.count(name, [ANN], failure(number % 6), LATER), range(24)))
    assert read(domains, name, ANN) == (Attempts(frozenset(failure(number) for number in range(6))),)


def test_failures_are_removed_and_others_stay(stores: tuple[DomainStore, AttemptStore], name: str) -> None:
    domains, attempts = stores
    for number in range(3):
        attempts.count(name, [ANN], failure(number), LATER)
    attempts.remove(name, [ANN, CALLER], [failure(0), failure(7)])
    attempts.remove(name, [ANN], [])
    assert read(domains, name, ANN) == (Attempts(frozenset({failure(1), failure(2)})),)
    attempts.remove(name, [ANN], [failure(1), failure(2)])
    assert read(domains, name, ANN)[0].failures == frozenset()


def test_a_reset_is_kept_and_is_read_with_the_counter(stores: tuple[DomainStore, AttemptStore], name: str) -> None:
    domains, attempts = stores
    attempts.count(name, [ANN], failure(1), LATER)
    resets = [AttemptReset(name, ANN, NOW + timedelta(seconds=each), f"reason {each}", "carol") for each in (2, 3)]
    for reset in resets:
        attempts.reset(reset, LATER)
    attempts.reset(AttemptReset(name, "speaker#anna", NOW, "other", None), LATER)
    assert attempts.resets(name, ANN, 10) == resets[::-1]
    assert attempts.resets(name, ANN, 1) == resets[1:]
    assert read(domains, name, ANN) == (Attempts(frozenset({failure(1)}), resets[1].at),)
    attempts.count(name, [ANN], failure(9), LATER)
    assert read(domains, name, ANN)[0].counted() == [failure(9)]


def test_a_counter_and_those_of_a_domain_are_forgotten(stores: tuple[DomainStore, AttemptStore], name: str) -> None:
    domains, attempts = stores
    for counter in (ANN, "speaker#anna"):
        attempts.count(name, [counter], failure(1), LATER)
        attempts.reset(AttemptReset(name, counter, NOW, "why", None), LATER)
    attempts.forget(name, ANN)
    assert (read(domains, name, ANN), attempts.resets(name, ANN, 9)) == ((Attempts(),), [])
    assert len(attempts.resets(name, "speaker#anna", 9)) == 1
    attempts.forget(name, None)
    assert (read(domains, name, "speaker#anna"), attempts.resets(name, "speaker#anna", 9)) == ((Attempts(),), [])


def test_versions_are_written_with_the_domain_or_not_at_all(stores: tuple[DomainStore, AttemptStore]) -> None:
    domains, name = stores[0], f"domain-{uuid.uuid4()}"
    first = a_domain(name)
    second = first.next(updated_at=LATER)
    written = [DomainVersion(first, (), "ann"), DomainVersion(second, ("policy.claim_limit",), "bob")]
    domains.put_domain(first, written[:1])
    domains.put_domain(second, written[1:])
    with pytest.raises(VersionConflict):
        domains.put_domain(second, [DomainVersion(second.next(), (), "eve")])
    assert domains.domain_versions(second, None, 10) == written[::-1]
    assert domains.domain_versions(second, None, 1) == written[1:]
    assert domains.domain_versions(second, 2, 10) == written[:1]
    assert domains.domain_versions(replace(second, created_at=LATER), None, 10) == []
    domains.forget_versions(name)
    assert domains.domain_versions(second, None, 10) == []


def test_a_stored_failure_comes_back() -> None:
    assert all(read_failure(written_failure(each)) == each for each in map(failure, range(-5, 5)))


class Throttling:
    """A client that leaves keys of some partitions out of every batch, as DynamoDB does with a busy partition."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client, self._prefix = client, prefix

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803, the name of the parameter
        [(table, asked)] = RequestItems.items()
        left = [key for key in asked["Keys"] if key["domain"]["S"].startswith(self._prefix)]
        read = [key for key in asked["Keys"] if key not in left]
        answer: dict[str, Any] = {"Responses": {table: []}}
        if read:
            answer = self._client.batch_get_item(RequestItems={table: {**asked, "Keys": read}})
        return {**answer, "UnprocessedKeys": {table: {**asked, "Keys": left}} if left else {}}


def test_a_decision_is_made_without_counters_that_are_too_busy_and_without_nothing_else(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonafide.adapters.dynamodb.conditions.time.sleep", lambda _: None)
    name, table = f"domain-{uuid.uuid4()}", state.name("Tenants")
    DynamoDomainStore(state.dynamodb, table).put_domain(a_domain(name))
    busy: Any = Throttling(state.dynamodb, "attempts#")
    found, _, _ = DynamoDomainStore(busy, table).find_with_brake(name, "ann", [ANN])
    assert found
    assert found.attempts is None
    other: Any = Throttling(state.dynamodb, "brake#")
    with pytest.raises(StoreUnavailable):
        DynamoDomainStore(other, table).find_with_brake(name, "ann", [ANN])


@pytest.fixture(params=["memory", "aws"])
def hashes(request: pytest.FixtureRequest) -> CallerHashes:
    if request.param == "memory":
        return MemoryCallerHashes()
    state = request.getfixturevalue("state")
    key = state.client("kms").create_key()["KeyMetadata"]["Arn"]
    wrapping = KmsWrapping(lambda: state.client("kms"), key)
    return StoredCallerHashes(state.dynamodb, state.name("Tenants"), wrapping)


def test_a_caller_has_one_hash_in_a_domain_and_another_in_each_other(hashes: CallerHashes) -> None:
    one, other = (f"domain-{uuid.uuid4()}" for _ in range(2))
    first = hashes.hashed(one, "line-1")
    assert hashes.hashed(one, "line-1") == first
    assert len({first, hashes.hashed(one, "line-2"), hashes.hashed(other, "line-1")}) == 3
    assert len(first) == 32


def test_the_secret_of_a_domain_is_made_once_is_stored_wrapped_and_goes_with_its_counters(state: State) -> None:
    name, table = f"domain-{uuid.uuid4()}", state.name("Tenants")
    kms, dynamodb = state.client("kms"), state.dynamodb
    key = kms.create_key()["KeyMetadata"]["Arn"]
    environments = [StoredCallerHashes(dynamodb, table, KmsWrapping(lambda: kms, key)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda each: each.hashed(name, "line-1"), environments))
    assert len(found) == 1
    item = dynamodb.get_item(TableName=table, Key=attempt_key(name, "key"))["Item"]
    assert environments[0]._kept[name][1] not in item["wrapped"]["B"]
    DynamoAttemptStore(dynamodb, table).forget(name, None)
    fresh = StoredCallerHashes(dynamodb, table, KmsWrapping(lambda: kms, key))
    assert fresh.hashed(name, "line-1") not in found
    with pytest.raises(StoreUnavailable):
        StoredCallerHashes(dynamodb, table, KmsWrapping(lambda: kms, "no-key")).hashed("other-domain", "line-1")
