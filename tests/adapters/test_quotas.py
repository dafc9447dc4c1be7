"""One contract for token buckets, in memory and in DynamoDB."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from bonafide.access.quota import SECOND, Quota
from bonafide.adapters.dynamodb.attempts import DynamoAttemptStore
from bonafide.adapters.quotas.dynamodb import DynamoQuotaStore
from bonafide.adapters.quotas.memory import MemoryQuotaStore
from bonafide.ports.quotas import QuotaStore
from tests.adapters.conftest import State

NOON = 1_767_355_200 * SECOND
QUOTA = Quota(2, 10)


@pytest.fixture(params=["memory", "aws"])
def store(request: pytest.FixtureRequest) -> QuotaStore:
    if request.param == "memory":
        return MemoryQuotaStore()
    state: State = request.getfixturevalue("state")
    return DynamoQuotaStore(state.dynamodb, state.name("Tenants"))


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


@pytest.mark.parametrize("known", [0, NOON - 1, NOON + 9 * SECOND], ids=["unknown", "full", "wrong"])
def test_a_bucket_gives_what_it_has_and_fills_again(store: QuotaStore, name: str, known: int) -> None:
    assert store.take(name, QUOTA, 4, NOON, known).tokens == 4
    last = store.take(name, QUOTA, 10, NOON, known)
    rest = store.take(name, QUOTA, 10, NOON, last.full_at)
    assert last.tokens + rest.tokens == 6
    empty = store.take(name, QUOTA, 1, NOON, known)
    assert (empty.tokens, empty.seconds_to_token, empty.full_at) == (0, 0.5, NOON + 5 * SECOND)
    assert store.take(name, QUOTA, 1, NOON + SECOND // 2 - 1, known).tokens == 0
    assert store.take(name, QUOTA, 5, NOON + SECOND // 2, empty.full_at).tokens == 1
    full = store.take(name, QUOTA, 10, NOON + 60 * SECOND, known)
    assert full.full_at - NOON - 60 * SECOND == QUOTA.cost(full.tokens)


def test_a_changed_quota_begins_with_a_full_bucket(store: QuotaStore, name: str) -> None:
    slow = Quota(0.01, 1)
    assert [store.take(name, slow, 1, NOON, 0).tokens for _ in range(2)] == [1, 0]
    assert store.take(name, QUOTA, 1, NOON, 0).tokens == 1


def test_takers_at_the_same_time_get_no_more_than_there_is(store: QuotaStore, name: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        grants = list(threads.map(lambda _: store.take(name, QUOTA, 2, NOON, 0), range(24)))
    # A taker who was overtaken four times gives up, so that a little may be left.
    assert 6 <= sum(each.tokens for each in grants) <= 10
    assert all(each.tokens or each.seconds_to_token > 0 for each in grants)


def test_a_bucket_goes_with_its_domain_and_by_itself(request: pytest.FixtureRequest, name: str) -> None:
    state: State = request.getfixturevalue("state")
    table = state.name("Tenants")
    DynamoQuotaStore(state.dynamodb, table).take(name, QUOTA, 5, NOON, 0)
    key = {"domain": {"S": f"attempts#{name}"}, "item": {"S": "quota#2#10"}}
    stored = state.dynamodb.get_item(TableName=table, Key=key)["Item"]
    assert NOON // SECOND + 3600 <= int(stored["expires_at"]["N"]) <= NOON // SECOND + 3610
    assert DynamoAttemptStore(state.dynamodb, table).forget(name, None) == 1
    assert "Item" not in state.dynamodb.get_item(TableName=table, Key=key)
