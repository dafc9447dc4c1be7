"""Admission control of the audio stream: a share of the chunks is refused while scoring is behind."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from bonafide.errors import AudioOverload
from bonafide.ports.stream import AudioStream, ShardLagStore
from bonafide.records.stream import LAG_HELD, ShardLag
from bonafide.services.shared.clock import Clock

# Between these lags a growing share of the chunks is refused; what was accepted before will be scored.
TOLERATED_LAG_SECONDS = 1.0
MOST_LAG_SECONDS = 3.0
LAG_REMEMBERED = timedelta(seconds=0.5)
LAG_VALID = timedelta(seconds=10)
# Some chunks have to be accepted for scoring to show that it works again.
MOST_REFUSED_WITHOUT_LAG = 0.9


class AdmissionControl:
    """Estimates each shard's lag: from the published lag, and from the time without one after accepted chunks."""

    def __init__(
        self,
        lags: ShardLagStore,
        stream: AudioStream,
        clock: Clock,
        random_share: Callable[[], float] = random.random,
    ) -> None:
        self._lags = lags
        self._stream = stream
        self._clock = clock
        self._random_share = random_share
        self._known: dict[str, tuple[datetime, ShardLag | None]] = {}
        self._unanswered: dict[str, datetime] = {}

    def accepted(self, domain: str, session: str, at: datetime) -> None:
        """Notes when a chunk was accepted: a lag should be published soon afterwards."""
        self._unanswered.setdefault(self._stream.shard(domain, session), at)

    def require_capacity(self, domain: str, session: str) -> None:
        """Refuses audio for a shard that is behind: the larger its lag, the larger the share that is refused.

        Raises:
            AudioOverload: the chunk is refused.
        """
        # Refusing all or none would admit all producers at once afterwards, and twice the lag with them.
        if self._random_share() < self._refused_share(self._stream.shard(domain, session)):
            raise AudioOverload

    def _refused_share(self, shard: str) -> float:
        now = self._clock()
        lag = self._lag(shard, now)
        without_lag = _share(self._seconds_without_lag(shard, lag, now))
        return max(_share(_estimated(lag, now)), min(without_lag, MOST_REFUSED_WITHOUT_LAG))

    def _seconds_without_lag(self, shard: str, lag: ShardLag | None, now: datetime) -> float:
        """Returns the seconds since the first chunk accepted here after which no lag was published."""
        since = self._unanswered.get(shard)
        # The clocks of the functions differ by less than the tolerated lag.
        if since and lag and lag.at >= since - timedelta(seconds=TOLERATED_LAG_SECONDS):
            self._unanswered.pop(shard, None)
            return 0.0
        return (now - since).total_seconds() if since else 0.0

    def _lag(self, shard: str, now: datetime) -> ShardLag | None:
        looked, lag = self._known.get(shard, (None, None))
        if looked is None or now - looked > LAG_REMEMBERED:
            lag = self._lags.lag(shard)
            self._known[shard] = (now, lag)
        return lag


def _estimated(lag: ShardLag | None, now: datetime) -> float:
    """Returns the seconds of lag by now. Nothing is published for a shard without records.

    So the lag is taken to shrink as fast as time passes, once a smaller one would have replaced it.
    """
    if lag is None or now - lag.at >= LAG_VALID:
        return 0.0
    return lag.seconds - max(0.0, (now - lag.at - LAG_HELD).total_seconds())


def _share(lag_seconds: float) -> float:
    over = (lag_seconds - TOLERATED_LAG_SECONDS) / (MOST_LAG_SECONDS - TOLERATED_LAG_SECONDS)
    return min(1.0, max(0.0, over))
