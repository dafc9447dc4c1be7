"""Counters: sets of marks, whatever the order, and a sample of a domain's calls that estimates how many there were."""

import hashlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from bonafide.biometrics.risk.scorecard import SCORECARD
from bonafide.biometrics.risk.velocity import (
    BLOCK,
    DAY,
    HOUR,
    MOST_MARKS,
    MOST_SAMPLED,
    CallCount,
    CallMark,
    estimated,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mark(number: int, seconds_ago: float = 60) -> CallMark:
    name = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    return CallMark(int((NOW - timedelta(seconds=seconds_ago)).timestamp()), name)


def sample(calls: int, begin: int, length: int) -> dict[tuple[int, int], set[CallMark]]:
    """What is kept of so many calls, spread over so many seconds that began so many seconds ago."""
    sets: dict[tuple[int, int], set[CallMark]] = defaultdict(set)
    for number in range(calls):
        each = mark(number + begin * 10**6, begin - length * number / calls)
        own = sets[each.at // 600, each.rank]
        if len(own) < MOST_SAMPLED:
            own.add(each)
    return sets


def test_ranks_are_those_of_a_geometric_distribution() -> None:
    ranks = [mark(number).rank for number in range(4000)]
    assert ranks.count(0) / 4000 == pytest.approx(3 / 4, abs=0.03)
    assert ranks.count(1) / 4000 == pytest.approx(3 / 16, abs=0.03)
    assert CallMark(0, "0" * 16).rank == 8


@pytest.mark.parametrize("calls", [10, 25])
def test_few_calls_are_counted_exactly(calls: int) -> None:
    assert estimated(sample(calls, 600, 600), NOW - timedelta(minutes=10), NOW) == calls


@pytest.mark.parametrize("calls", [300, 3000, 30000])
def test_many_calls_are_estimated_from_a_sample_of_bounded_size(calls: int) -> None:
    kept = sample(calls, 600, 599)
    assert sum(map(len, kept.values())) <= 9 * MOST_SAMPLED * 2
    assert estimated(kept, NOW - timedelta(minutes=10), NOW) == pytest.approx(calls, rel=0.5)


def test_a_surge_is_noticed_and_steady_traffic_is_none() -> None:
    limits = SCORECARD.limits
    assert limits.is_surge(300, 20)
    assert not limits.is_surge(300, 200)
    assert not limits.is_surge(40, 0), "few calls are no surge, whatever there was before"


def test_a_full_block_counts_as_many_calls_only_where_the_window_reaches_into_it() -> None:
    marks = frozenset(mark(number, 25 * 3600) for number in range(MOST_MARKS))
    block = int(NOW.timestamp() // BLOCK.total_seconds())
    assert CallCount(marks, frozenset({block})).calls(NOW, HOUR) == MOST_MARKS
    for before in (block - 1, block - 2):
        found = CallCount(marks, frozenset({before}), frozenset({(before, "00000001")}))
        assert found.calls(NOW + HOUR, HOUR) == 0
    assert CallCount(marks).calls(NOW, HOUR) == 0


def test_whom_calls_were_with_that_a_full_set_did_not_take_counts_for_a_day() -> None:
    block = int(NOW.timestamp() // BLOCK.total_seconds())
    found = CallCount(late=frozenset({(block, "00000001"), (block, "00000002"), (block - 3, "00000003")}))
    assert found.others(NOW, DAY, own="00000001") == 1
