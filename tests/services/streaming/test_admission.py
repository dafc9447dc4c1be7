"""Share of the audio that is refused, by the lag of scoring."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory.audio import MemoryAudioStream
from bonafide.adapters.memory.sessions import MemoryShardLagStore
from bonafide.errors import AudioOverload
from bonafide.records.stream import ShardLag
from bonafide.services.streaming.admission import (
    MOST_LAG_SECONDS,
    MOST_REFUSED_WITHOUT_LAG,
    TOLERATED_LAG_SECONDS,
    AdmissionControl,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SESSION = ("acme", "session")


class Shard:
    """One shard, its admission control and its scoring, with a clock and a random share that are set by hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.share = 0.0
        self._lags, self._stream = MemoryShardLagStore(), MemoryAudioStream()
        self._admission = AdmissionControl(self._lags, self._stream, lambda: self.now, lambda: self.share)

    def scored(self, lag: float = 0.0) -> None:
        self._lags.publish(self._stream.shard(*SESSION), ShardLag(lag, self.now))

    def accepted(self) -> None:
        self._admission.accepted(*SESSION, self.now)

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def admits(self, drawn: float = 0.0) -> bool:
        self.share = drawn
        try:
            self._admission.require_capacity(*SESSION)
        except AudioOverload:
            return False
        return True


def admits(lag: float, drawn: float) -> bool:
    shard = Shard()
    shard.scored(lag)
    return shard.admits(drawn)


@given(drawn=st.floats(0, 1, exclude_max=True), lag=st.floats(0, TOLERATED_LAG_SECONDS))
def test_a_tolerated_lag_refuses_nothing(drawn: float, lag: float) -> None:
    assert admits(lag, drawn)


@given(drawn=st.floats(0, 1, exclude_max=True), lag=st.floats(MOST_LAG_SECONDS, 1e6))
def test_beyond_the_highest_lag_everything_is_refused(drawn: float, lag: float) -> None:
    assert not admits(lag, drawn)


@pytest.mark.parametrize(("lag", "share"), [(1.5, 0.25), (2.0, 0.5), (2.5, 0.75)])
def test_between_them_the_refused_share_grows_with_the_lag(lag: float, share: float) -> None:
    assert [admits(lag, drawn) for drawn in (share - 0.01, share + 0.01)] == [False, True]


@pytest.mark.parametrize(("silence", "share"), [(1.5, 0.25), (2.5, 0.75), (3.0, 0.9), (600.0, 0.9)])
def test_without_a_published_lag_after_accepted_chunks_all_but_a_few_are_refused(silence: float, share: float) -> None:
    assert share <= MOST_REFUSED_WITHOUT_LAG
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
    shard.after(2.5)
    assert not shard.admits(0.7)


def test_after_a_consumer_came_back_all_is_admitted() -> None:
    shard = Shard()
    shard.accepted()
    shard.after(60.0)
    assert not shard.admits()
    shard.after(1.0)
    shard.scored()
    assert shard.admits()


@pytest.mark.parametrize(("after", "share"), [(2.0, 1.0), (4.0, 1.0), (4.5, 0.75), (5.0, 0.5), (5.5, 0.25), (6.0, 0.0)])
def test_without_a_newer_lag_the_estimate_shrinks_as_time_passes(after: float, share: float) -> None:
    shard = Shard()
    shard.scored(5.0)
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
    for lag in (0.1, 5.0, 0.1, 0.1):
        shard.scored(lag)
        shard.after(0.3)
    assert not shard.admits(0.99)
    shard.after(2.0)
    shard.scored(0.1)
    assert shard.admits()
