"""How much audio is turned away, by how far scoring is behind."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory import MemorySessionStore
from bonafide.errors import Overloaded
from bonafide.ports import Lag
from bonafide.services.pressure import MOST_LAG_SECONDS, TOLERATED_LAG_SECONDS, Pressure

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def lets_in(lag: float, dice: float) -> bool:
    sessions = MemorySessionStore()
    sessions.report_lag("shard", Lag(lag, NOW))
    pressure = Pressure(sessions, lambda: NOW, lambda: dice)
    pressure.learn("acme#call", "shard")
    try:
        pressure.require_room("acme#call")
    except Overloaded:
        return False
    return True


@given(dice=st.floats(0, 1, exclude_max=True), lag=st.floats(0, TOLERATED_LAG_SECONDS))
def test_a_lag_that_is_tolerated_turns_nothing_away(dice: float, lag: float) -> None:
    assert lets_in(lag, dice)


@given(dice=st.floats(0, 1, exclude_max=True), lag=st.floats(MOST_LAG_SECONDS, 1e6))
def test_beyond_the_highest_lag_everything_is_turned_away(dice: float, lag: float) -> None:
    assert not lets_in(lag, dice)


@pytest.mark.parametrize(("lag", "share"), [(1.5, 0.25), (2.0, 0.5), (2.5, 0.75)])
def test_between_them_the_share_that_is_turned_away_grows_with_the_lag(lag: float, share: float) -> None:
    assert [lets_in(lag, dice) for dice in (share - 0.01, share + 0.01)] == [False, True]
