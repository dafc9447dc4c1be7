"""Admission control of the audio stream: a share of the chunks is refused while scoring is behind."""

import math
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.errors import AudioOverload
from bonafide.records.stream import LAG_HELD, ShardLag
from bonafide.services.shared.clock import Clock
from bonafide.services.streaming.backlog import ShardBacklog

# The clocks of the functions differ by less.
CLOCK_DIFFERENCE = timedelta(seconds=1)
LONGEST_RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class RefusalRange:
    """Delays for which a share of the chunks is refused: the longer the delay, the larger the share.

    Attributes:
        tolerated: seconds up to which nothing is refused.
        most: seconds from which on `share` is refused.
        share: the largest share.
    """

    tolerated: float
    most: float
    share: float = 1.0

    def refused(self, seconds: float) -> float:
        """Returns the share to refuse."""
        return self.share * min(1.0, max(0.0, (seconds - self.tolerated) / (self.most - self.tolerated)))


# Lambda reads a shard about once a second, and an execution environment of scoring starts in up to four: a lag of their
# sum says nothing of load. https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
LAG = RefusalRange(5.0, 7.5)
# The same for the time without any lag. Some chunks have to be accepted for scoring to show that it works again.
SILENCE = RefusalRange(8.0, 16.0, share=0.9)


class AdmissionControl:
    """Estimates each shard's delay: by its published lag, by the time without one, and by what was accepted here."""

    def __init__(self, clock: Clock, random_share: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._random_share = random_share
        self._unanswered: dict[str, datetime] = {}
        self._backlogs: defaultdict[str, ShardBacklog] = defaultdict(ShardBacklog)

    def accepted(self, shard: str, at: datetime) -> None:
        """Notes when a chunk was accepted: a lag should be published soon afterwards."""
        self._unanswered.setdefault(shard, at)
        self._backlogs[shard].add(at)

    def require_capacity(self, shard: str, lag: ShardLag | None) -> None:
        """Refuses a chunk for a shard that is behind: the larger its delay, the larger the share that is refused.

        Args:
            shard: that the chunk would go to.
            lag: newest that was published for it.

        Raises:
            AudioOverload: the chunk is refused; it says when scoring may have caught up.
        """
        now = self._clock()
        behind = max(estimated(lag, now), self._backlogs[shard].seconds(lag, now))
        silent = self._silence(shard, lag, now)
        # Refusing all or none would admit all producers at once afterwards, and twice the lag with them.
        if self._random_share() < max(LAG.refused(behind), SILENCE.refused(silent)):
            raise AudioOverload(_retry_after(max(behind - LAG.tolerated, silent - SILENCE.tolerated)))

    def _silence(self, shard: str, lag: ShardLag | None, now: datetime) -> float:
        """Returns the seconds since the first chunk accepted here after which no lag was published."""
        since = self._unanswered.get(shard)
        if since and lag and lag.heard_at >= since - CLOCK_DIFFERENCE:
            self._unanswered.pop(shard, None)
            return 0.0
        return (now - since).total_seconds() if since else 0.0


def estimated(lag: ShardLag | None, now: datetime) -> float:
    """Returns the seconds of lag by now. Nothing is published for a shard without records.

    So the lag is taken to shrink as fast as time passes once a smaller one would have replaced it, and from no more
    than what refuses everything: a shard of which nothing is published has nothing left.
    """
    if lag is None:
        return 0.0
    unconfirmed = (now - lag.at - LAG_HELD).total_seconds()
    return lag.seconds if unconfirmed <= 0 else max(0.0, min(lag.seconds, LAG.most) - unconfirmed)


def _retry_after(seconds: float) -> int:
    """Returns whole seconds; producers that were refused at the same time return over several seconds."""
    return min(LONGEST_RETRY_SECONDS, max(1, math.ceil(seconds)))
