"""Share of the audio that is refused: by the lag of scoring, its silence, and what waits for it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory.sessions import MemoryShardLagStore
from bonafide.errors import AudioOverload
from bonafide.records.stream import ShardLag
from bonafide.services.streaming.admission import LAG, LONGEST_RETRY_SECONDS, SILENCE, AdmissionControl
from bonafide.services.streaming.backlog import TRUSTED_RATE
from tests.services.streaming.simulation import GROUPS, simulate

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NAME = "shardId-000000000000"


class Shard:
    """One shard, its admission control and its scoring, with a clock and a random share that are set by hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.share = 0.0
        self._lags = MemoryShardLagStore()
        self._admission = AdmissionControl(lambda: self.now, lambda: self.share)

    def scored(self, lag: float = 0.0) -> None:
        self._lags.publish(NAME, ShardLag(lag, self.now))

    def accepted(self) -> None:
        self._admission.accepted(NAME, self.now)

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def retry_after(self, drawn: float = 0.0) -> int | None:
        """Returns what a refusal says; None when the chunk is admitted."""
        self.share = drawn
        try:
            self._admission.require_capacity(NAME, self._lags.lag(NAME))
        except AudioOverload as refusal:
            return refusal.retry_after
        return None

    def admits(self, drawn: float = 0.0) -> bool:
        return self.retry_after(drawn) is None


def admits(lag: float, drawn: float) -> bool:
    shard = Shard()
    shard.scored(lag)
    return shard.admits(drawn)


@given(drawn=st.floats(0, 1, exclude_max=True), lag=st.floats(0, LAG.tolerated))
def test_a_tolerated_lag_refuses_nothing(drawn: float, lag: float) -> None:
    assert admits(lag, drawn)


@given(drawn=st.floats(0, 1, exclude_max=True), lag=st.floats(LAG.most, 1e6))
def test_beyond_the_highest_lag_everything_is_refused(drawn: float, lag: float) -> None:
    assert not admits(lag, drawn)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_between_them_the_refused_share_grows_with_the_lag(share: float) -> None:
    lag = LAG.tolerated + share * (LAG.most - LAG.tolerated)
    assert [admits(lag, drawn) for drawn in (share - 0.01, share + 0.01)] == [False, True]


@pytest.mark.parametrize(("silence", "share"), [(10.0, 0.225), (12.0, 0.45), (16.0, 0.9), (600.0, 0.9)])
def test_without_a_published_lag_after_accepted_chunks_all_but_a_few_are_refused(silence: float, share: float) -> None:
    assert share <= SILENCE.share
    shard = Shard()
    shard.accepted()
    shard.after(silence)
    assert [shard.admits(drawn) for drawn in (share - 0.01, share + 0.01)] == [False, True]


def test_a_consumer_that_stops_is_noticed_whatever_lag_it_published_before() -> None:
    shard = Shard()
    shard.scored()
    shard.after(2.0)
    shard.accepted()
    assert shard.admits()
    shard.after(SILENCE.most)
    assert not shard.admits(0.7)


def test_after_a_consumer_came_back_all_is_admitted() -> None:
    shard = Shard()
    shard.accepted()
    shard.after(60.0)
    assert not shard.admits()
    shard.after(1.0)
    shard.scored()
    assert shard.admits()


@pytest.mark.parametrize(("after", "share"), [(2.5, 0.8), (3.25, 0.5), (4.0, 0.2)])
@pytest.mark.parametrize("lag", [7.5, 100.0])
def test_without_a_newer_lag_the_estimate_shrinks_as_time_passes(lag: float, after: float, share: float) -> None:
    shard = Shard()
    shard.scored(lag)
    shard.after(after)
    assert [shard.admits(drawn) for drawn in (share - 0.01, share + 0.01)] == [False, True]


def test_without_accepted_chunks_a_missing_lag_means_nothing() -> None:
    shard = Shard()
    assert shard.admits()
    shard.accepted()
    shard.after(0.2)
    shard.scored()
    assert shard.admits()
    shard.after(3600.0)
    assert shard.admits()


def test_the_largest_lag_of_a_shards_batches_wins_for_a_while() -> None:
    shard = Shard()
    for lag in (0.1, 9.0, 0.1, 0.1):
        shard.scored(lag)
        shard.after(0.3)
    assert not shard.admits(0.99)
    shard.after(2.0)
    shard.scored(0.1)
    assert shard.admits()


def test_a_smaller_lag_is_no_silence_while_a_larger_one_is_held() -> None:
    shard = Shard()
    shard.scored(4.0)
    shard.after(1.5)
    shard.accepted()
    shard.after(0.3)
    shard.scored(0.2)
    shard.after(SILENCE.most)
    assert shard.admits()


def test_chunks_that_scoring_has_not_begun_count_before_a_lag_shows_them() -> None:
    shard = Shard()
    shard.scored(0.5)
    taken = 0
    while shard.admits(0.5) and taken < 1000:
        shard.accepted()
        taken += 1
    assert LAG.tolerated * TRUSTED_RATE < taken < LAG.most * TRUSTED_RATE
    shard.after(1.0)
    shard.scored(0.5)
    assert shard.admits(0.5)


@pytest.mark.parametrize(("lag", "seconds"), [(5.5, 1), (7.5, 3), (60.0, LONGEST_RETRY_SECONDS)])
def test_a_refusal_says_when_scoring_may_have_caught_up(lag: float, seconds: int) -> None:
    shard = Shard()
    shard.scored(lag)
    assert shard.retry_after() == seconds


@pytest.mark.parametrize("sessions", [10, 20, 40, 80])
def test_healthy_producers_are_admitted_at_the_pace_of_aws(sessions: int) -> None:
    steady = simulate(sessions)
    assert steady.refused == 0
    assert len(steady.lags) == steady.accepted == steady.attempts
    assert steady.lag(0.95) < 1.5


@pytest.mark.parametrize("cold", [[1], range(GROUPS)], ids=["one group", "all groups"])
@pytest.mark.parametrize("cold_at", [0.0, 20.0])
@pytest.mark.parametrize("sessions", [10, 20, 40, 80])
def test_a_cold_start_of_scoring_refuses_no_healthy_producer(sessions: int, cold_at: float, cold: list[int]) -> None:
    started = simulate(sessions, cold=cold, cold_at=cold_at)
    assert started.refused_share <= 0.005
    assert max(started.lags) > 3.0, "nothing started"
    assert len(started.lags) == started.accepted


def test_overload_is_refused_and_what_is_accepted_is_scored_soon_and_never_lost() -> None:
    # Twice what the four groups score.
    overload = simulate(300, 80.0)
    assert overload.refused_share > 0.5
    assert len(overload.lags) == overload.accepted
    assert overload.lag(0.5) < LAG.most
    assert overload.lag(0.95) < 2 * LAG.most
    assert max(overload.lags) < 3 * LAG.most


def test_scoring_that_stops_for_half_a_minute_is_refused_meanwhile_and_loses_nothing() -> None:
    halted = simulate(40, 120.0, stopped=(40.0, 70.0))
    assert halted.refused > 0
    assert halted.given_up == 0
    assert len(halted.lags) == halted.accepted == 40 * 30
