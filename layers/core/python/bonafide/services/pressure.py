"""How much audio the door turns away, by how far scoring is behind."""

import random
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from bonafide.errors import Overloaded
from bonafide.ports import SessionStore
from bonafide.services.clock import Clock

# Between these lags the door refuses a growing share of the chunks; what is behind it was accepted and will be scored.
TOLERATED_LAG_SECONDS = 1.0
MOST_LAG_SECONDS = 3.0
LAG_REMEMBERED = timedelta(seconds=1)
LAG_VALID = timedelta(seconds=10)
SHARDS_REMEMBERED = 4096


class Pressure:
    """Knows how far the shard of each call is behind, from what scoring leaves word of."""

    def __init__(self, sessions: SessionStore, clock: Clock, dice: Callable[[], float] = random.random) -> None:
        self._sessions = sessions
        self._clock = clock
        self._dice = dice
        self._shards: OrderedDict[str, str] = OrderedDict()
        self._known: dict[str, tuple[datetime, float]] = {}

    def learn(self, partition: str, shard: str) -> None:
        """Remembers the shard that took a call's last chunk."""
        self._shards[partition] = shard
        self._shards.move_to_end(partition)
        if len(self._shards) > SHARDS_REMEMBERED:
            self._shards.popitem(last=False)

    def require_room(self, partition: str) -> None:
        """Refuses audio for a shard that is behind, the more of it the further.

        Raises:
            Overloaded: it is.
        """
        shard = self._shards.get(partition)
        # A door that is either open or shut lets all that waited in at once, and twice the lag with it.
        if shard is not None and self._dice() < self._refused_share(shard):
            raise Overloaded(
                "audio_overload", "More audio arrives than can be scored in time.", headers={"Retry-After": "1"}
            )

    def _refused_share(self, shard: str) -> float:
        now = self._clock()
        looked, share = self._known.get(shard, (datetime.min.replace(tzinfo=now.tzinfo), 0.0))
        if now - looked > LAG_REMEMBERED:
            lag = self._sessions.lag(shard)
            seconds = lag.seconds if lag and now - lag.at < LAG_VALID else 0.0
            over = (seconds - TOLERATED_LAG_SECONDS) / (MOST_LAG_SECONDS - TOLERATED_LAG_SECONDS)
            share = min(1.0, max(0.0, over))
            self._known[shard] = (now, share)
        return share
