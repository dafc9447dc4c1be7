"""How much audio is turned away, by how far scoring is behind."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory import MemoryAudioStream, MemorySessionStore
from bonafide.errors import AudioOverload
from bonafide.ports import Lag
from bonafide.services.pressure import (
    MOST_LAG_SECONDS,
    MOST_REFUSED_FOR_SILENCE,
    TOLERATED_LAG_SECONDS,
    Pressure,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CALL = "acme#call"


class Shard:
    """One shard, its door and its scoring, with a clock and a dice that are set by hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.dice = 0.0
        self._sessions, self._stream = MemorySessionStore(), MemoryAudioStream()
        self._pressure = Pressure(self._sessions, self._stream, lambda: self.now, lambda: self.dice)

    def scored(self, lag: float = 0.0) -> None:
        self._sessions.report_lag(self._stream.shard(CALL), Lag(lag, self.now))

    def took(self) -> None:
        self._pressure.took(CALL, self.now)

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def lets_in(self, dice: float = 0.0) -> bool:
        self.dice = dice
        try:
            self._pressure.require_room(CALL)
        except AudioOverload:
            return False
        return True


def lets_in(lag: float, dice: float) -> bool:
    shard = Shard()
    shard.scored(lag)
    return shard.lets_in(dice)


@given(dice=st.floats(0, 1, exclude_max=True), lag=st.floats(0, TOLERATED_LAG_SECONDS))
def test_a_lag_that_is_tolerated_turns_nothing_away(dice: float, lag: float) -> None:
    assert lets_in(lag, dice)


@given(dice=st.floats(0, 1, exclude_max=True), lag=st.floats(MOST_LAG_SECONDS, 1e6))
def test_beyond_the_highest_lag_everything_is_turned_away(dice: float, lag: float) -> None:
    assert not lets_in(lag, dice)


@pytest.mark.parametrize(("lag", "share"), [(1.5, 0.25), (2.0, 0.5), (2.5, 0.75)])
def test_between_them_the_share_that_is_turned_away_grows_with_the_lag(lag: float, share: float) -> None:
    assert [lets_in(lag, dice) for dice in (share - 0.01, share + 0.01)] == [False, True]


@pytest.mark.parametrize(("silence", "share"), [(1.5, 0.25), (2.5, 0.75), (3.0, 0.9), (600.0, 0.9)])
def test_a_consumer_that_says_nothing_about_what_went_in_closes_the_door_but_for_a_trickle(
    silence: float, share: float
) -> None:
    assert share <= MOST_REFUSED_FOR_SILENCE
    shard = Shard()
    shard.took()
    shard.after(silence)
    assert [shard.lets_in(dice) for dice in (share - 0.01, share + 0.01)] == [False, True]


def test_a_consumer_that_stops_is_noticed_after_whatever_it_said_before() -> None:
    shard = Shard()
    shard.scored()
    shard.after(2.0)
    shard.took()
    assert shard.lets_in()
    shard.after(2.5)
    assert not shard.lets_in(0.7)


def test_a_consumer_that_came_back_opens_the_door() -> None:
    shard = Shard()
    shard.took()
    shard.after(60.0)
    assert not shard.lets_in()
    shard.after(1.0)
    shard.scored()
    assert shard.lets_in()


@pytest.mark.parametrize(("after", "share"), [(2.0, 1.0), (4.0, 1.0), (4.5, 0.75), (5.0, 0.5), (5.5, 0.25), (6.0, 0.0)])
def test_when_no_word_follows_the_door_opens_as_the_shard_may_have_been_worked_off(after: float, share: float) -> None:
    shard = Shard()
    shard.scored(5.0)
    shard.after(after)
    assert [shard.lets_in(dice) for dice in (share - 0.01, share + 0.01)] == [False, True]


def test_where_nothing_went_in_silence_says_nothing() -> None:
    shard = Shard()
    assert shard.lets_in()
    shard.took()
    shard.after(0.2)
    shard.scored()
    assert shard.lets_in()
    shard.after(3600.0)
    assert shard.lets_in()


def test_of_a_shards_batches_the_late_one_counts_whatever_the_others_say() -> None:
    shard = Shard()
    for lag in (0.1, 5.0, 0.1, 0.1):
        shard.scored(lag)
        shard.after(0.3)
    assert not shard.lets_in(0.99)
    shard.after(2.0)
    shard.scored(0.1)
    assert shard.lets_in()
