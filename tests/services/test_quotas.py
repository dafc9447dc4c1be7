"""Quotas of domains: how exact they are over several environments, and what happens beyond them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.access.authorization import AccessRules
from bonafide.access.operations import OPERATIONS, Role
from bonafide.access.principal import Principals
from bonafide.access.quota import Grant, Quota, QuotaRules
from bonafide.adapters.quotas.memory import MemoryQuotaStore
from bonafide.biometrics.policy import Policy
from bonafide.errors import AccessDenied, InvalidInput, QuotaExceeded, StoreUnavailable
from bonafide.http.problems import status_of
from bonafide.observability import measurements
from bonafide.records.domain import DomainRecord, Retention, WantedSettings
from bonafide.services.access import DomainAccess
from bonafide.services.shared.quotas import LEASED_FOR, Quotas, within

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MOST = Quota(200, 400)
RULES = QuotaRules(MOST)
BY_NAME = {each.name: each for each in OPERATIONS.by_route.values()}


class CountedStore(MemoryQuotaStore):
    """A store that counts its calls, and fails if it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.fails = False

    def take(self, domain: str, quota: Quota, tokens: int, now: int, full_at: int) -> Grant:
        self.calls += 1
        if self.fails:
            raise StoreUnavailable
        return super().take(domain, quota, tokens, now, full_at)


class Environments:
    """Several environments of functions over one store."""

    def __init__(self, count: int, quota: Quota) -> None:
        self.now, self.quota, self.store = NOON, quota, CountedStore()
        self.each = [Quotas(self.store, RULES, lambda: self.now) for _ in range(count)]

    def passes(self, number: int, after: float) -> bool:
        """Tells whether an environment lets a request through, so many seconds after noon."""
        self.now = NOON + timedelta(seconds=after)
        try:
            self.each[number % len(self.each)].require("acme", self.quota)
        except QuotaExceeded:
            return False
        return True

    def passed(self, requests: Sequence[tuple[float, int]]) -> list[float]:
        """Returns the times of the requests that get through, of requests in the order of time."""
        return [after for after, number in requests if self.passes(number, after)]


def most_over(times: Sequence[float], quota: Quota) -> Iterator[tuple[int, float]]:
    """Yields requests in each window that begins and ends with one, and the stated bound for its length."""
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            seconds = times[last] - begin + LEASED_FOR.total_seconds()
            yield last - first + 1, quota.burst + quota.requests_per_second * seconds


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 12), st.integers(0, 7)), max_size=150),
    st.integers(1, 20),
    st.integers(1, 60),
    st.integers(1, 8),
)
def test_no_window_of_time_has_more_requests_than_the_stated_bound(
    requests: list[tuple[float, int]], rate: int, burst: int, count: int
) -> None:
    quota = Quota(rate, burst)
    times = Environments(count, quota).passed(sorted(requests))
    assert all(found <= bound for found, bound in most_over(times, quota))


def steady(rate: float, seconds: float, count: int) -> list[tuple[float, int]]:
    """Requests at one rate, spread over environments by a fixed sequence that jumps."""
    return [(number / rate, (number * 7919) // 13 % count) for number in range(int(rate * seconds))]


def test_of_twice_the_quota_the_quota_gets_through() -> None:
    quota = Quota(10, 20)
    times = Environments(5, quota).passed(steady(20, 60, 5))
    assert 0.9 * 10 * 60 <= len(times) <= 20 + 10 * 62


def test_nothing_within_the_quota_is_refused() -> None:
    quota = Quota(10, 20)
    for count in (1, 5, 20):
        assert len(Environments(count, quota).passed(steady(9, 60, count))) == 9 * 60


def test_a_busy_environment_calls_the_store_about_once_a_second() -> None:
    environments = Environments(1, Quota(200, 400))
    assert len(environments.passed(steady(50, 60, 1))) == 50 * 60
    assert environments.store.calls <= 2 * 60


def test_what_is_refused_costs_no_call_and_says_when_there_is_a_token() -> None:
    environments = Environments(1, Quota(0.1, 3))
    assert [environments.passes(0, 0) for _ in range(4)] == [True, True, True, False]
    calls = environments.store.calls
    with pytest.raises(QuotaExceeded) as refused:
        environments.each[0].require("acme", environments.quota)
    assert (status_of(refused.value), refused.value.code, refused.value.retry_after) == (429, "quota_exceeded", 10)
    environments.passes(0, 4.5)
    with pytest.raises(QuotaExceeded) as later:
        environments.each[0].require("acme", environments.quota)
    assert later.value.retry_after == 6
    assert environments.store.calls == calls
    assert [environments.passes(0, 10) for _ in range(2)] == [True, False]


def test_a_quota_that_was_raised_holds_at_once() -> None:
    environments = Environments(1, Quota(0.01, 1))
    assert [environments.passes(0, 0) for _ in range(2)] == [True, False]
    environments.quota = Quota(1, 1)
    assert environments.passes(0, 0)


def test_domains_do_not_use_each_others_tokens_and_most_have_no_quota() -> None:
    quotas = Quotas(MemoryQuotaStore(), RULES, lambda: NOON)
    for domain in ("acme", "other"):
        quotas.require(domain, Quota(1, 1))
        with pytest.raises(QuotaExceeded):
            quotas.require(domain, Quota(1, 1))
    for _ in range(1000):
        quotas.require("third", None)


def test_the_stage_s_quota_is_that_of_domains_without_one() -> None:
    rules = {"most": {"requests_per_second": 50, "burst": 100}, "default": {"requests_per_second": 1, "burst": 1}}
    quotas = Quotas(MemoryQuotaStore(), QuotaRules.parse(json.dumps(rules)), lambda: NOON)
    quotas.require("acme", None)
    with pytest.raises(QuotaExceeded):
        quotas.require("acme", None)
    quotas.require("other", Quota(2, 2))
    quotas.require("other", Quota(2, 2))


def test_without_the_store_requests_are_let_through_and_counted() -> None:
    environments = Environments(1, Quota(1, 1))
    environments.store.fails = True
    before = len(measurements.pending().get("QuotaFailures", ()))
    assert all(environments.passes(0, number / 10) for number in range(40))
    assert environments.store.calls == 2
    assert len(measurements.pending()["QuotaFailures"]) - before == 2
    environments.store.fails = False
    assert [environments.passes(0, 4.1) for _ in range(2)] == [True, False]


def record(quota: Quota | None, domain: str = "acme") -> DomainRecord:
    principals = Principals({Role.INTEGRATOR: ("arn:aws:iam::123456789012:role/center",)})
    return DomainRecord(domain, Policy(), Retention(), NOON, NOON, version=1, principals=principals, quota=quota)


@pytest.mark.parametrize(
    ("operation", "domain", "limited"),
    [
        ("authenticateCaller", "acme", True),
        ("enrollSpeaker", "acme", True),
        ("startSession", "acme", True),
        ("getSession", "acme", False),
        ("putAudio", "acme", False),
        ("authenticateCaller", "bonafide-probe-smoke", False),
    ],
)
def test_what_begins_work_counts_but_for_golden_calls(operation: str, domain: str, limited: bool) -> None:
    class Store:
        def domain(self, name: str) -> DomainRecord:
            return record(Quota(1, 1), name)

    rules = AccessRules(Principals(), probe_domain="bonafide-probe")
    quotas = Quotas(MemoryQuotaStore(), RULES, lambda: NOON)
    access = DomainAccess(rules, Store(), quotas=quotas, clock=lambda: NOON)  # type: ignore[arg-type]
    stranger = "arn:aws:sts::123456789012:assumed-role/stranger/1"
    with pytest.raises(AccessDenied), access.granted(stranger, BY_NAME[operation], domain):
        pass
    refused = 0
    for _ in range(3):
        try:
            with access.granted("arn:aws:sts::123456789012:assumed-role/center/1", BY_NAME[operation], domain):
                pass
        except QuotaExceeded:
            refused += 1
    assert refused == (2 if limited else 0)


def test_a_quota_is_stored_with_the_domain() -> None:
    for quota in (Quota(0.5, 3), None):
        assert DomainRecord.from_document(record(quota).to_document()) == record(quota)


def test_a_quota_above_what_the_api_lets_through_is_refused() -> None:
    fine = WantedSettings(quota=Quota(200, 400), changes_quota=True)
    assert within(fine, MOST) is fine
    for quota in (Quota(201, 400), Quota(200, 401)):
        with pytest.raises(InvalidInput) as refused:
            within(WantedSettings(quota=quota, changes_quota=True), MOST)
        assert refused.value.limit == "200 a second, burst 400"
