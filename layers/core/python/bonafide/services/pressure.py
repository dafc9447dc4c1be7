"""How much audio the door turns away, by how far scoring is behind."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from bonafide.errors import AudioOverload
from bonafide.ports import LAG_STANDS, AudioStream, Lag, SessionStore
from bonafide.services.clock import Clock

# Between these lags the door refuses a growing share of the chunks; what is behind it was accepted and will be scored.
TOLERATED_LAG_SECONDS = 1.0
MOST_LAG_SECONDS = 3.0
LAG_REMEMBERED = timedelta(seconds=0.5)
LAG_VALID = timedelta(seconds=10)
# Something has to go in for scoring to say that it works again.
MOST_REFUSED_FOR_SILENCE = 0.9


class Pressure:
    """Knows how far each shard is behind: from what scoring says of it, and from its silence about what went in."""

    def __init__(
        self,
        sessions: SessionStore,
        stream: AudioStream,
        clock: Clock,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._sessions = sessions
        self._stream = stream
        self._clock = clock
        self._dice = dice
        self._words: dict[str, tuple[datetime, Lag | None]] = {}
        self._unanswered: dict[str, datetime] = {}

    def took(self, partition: str, at: datetime) -> None:
        """Notes when a chunk went in, for scoring should say something soon afterwards."""
        self._unanswered.setdefault(self._stream.shard(partition), at)

    def require_room(self, partition: str) -> None:
        """Refuses audio for a shard that is behind, the more of it the further.

        Raises:
            AudioOverload: it is.
        """
        # A door that is either open or shut lets all that waited in at once, and twice the lag with it.
        if self._dice() < self._refused_share(self._stream.shard(partition)):
            raise AudioOverload

    def _refused_share(self, shard: str) -> float:
        now = self._clock()
        word = self._word(shard, now)
        return max(_share(_said(word, now)), min(_share(self._silence(shard, word, now)), MOST_REFUSED_FOR_SILENCE))

    def _silence(self, shard: str, word: Lag | None, now: datetime) -> float:
        """Seconds since the first chunk that went in from here and that no word on the shard came after."""
        since = self._unanswered.get(shard)
        # The clocks of those who put and those who score differ by less than what is tolerated.
        if since and word and word.at >= since - timedelta(seconds=TOLERATED_LAG_SECONDS):
            self._unanswered.pop(shard, None)
            return 0.0
        return (now - since).total_seconds() if since else 0.0

    def _word(self, shard: str, now: datetime) -> Lag | None:
        looked, word = self._words.get(shard, (None, None))
        if looked is None or now - looked > LAG_REMEMBERED:
            word = self._sessions.lag(shard)
            self._words[shard] = (now, word)
        return word


def _said(word: Lag | None, now: datetime) -> float:
    """The lag by the last word. A shard that was worked off shows it by nothing but that no word follows.

    So the lag is taken to shrink as fast as time passes, once the word does not stand for later ones any more.
    """
    if word is None or now - word.at >= LAG_VALID:
        return 0.0
    return word.seconds - max(0.0, (now - word.at - LAG_STANDS).total_seconds())


def _share(lag_seconds: float) -> float:
    over = (lag_seconds - TOLERATED_LAG_SECONDS) / (MOST_LAG_SECONDS - TOLERATED_LAG_SECONDS)
    return min(1.0, max(0.0, over))
