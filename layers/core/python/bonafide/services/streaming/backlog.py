"""Chunks that were accepted here and that scoring has not begun."""

from collections import deque
from datetime import datetime, timedelta

from bonafide.records.stream import ShardLag

# Chunks a second that scoring is trusted with before it has shown its rate, and so long it is measured.
TRUSTED_RATE = 10.0
RATE_WINDOW = timedelta(seconds=60)
SHORTEST_WINDOW = timedelta(seconds=10)
# A chunk gets its time here a little before the stream gives it another.
PUT_SECONDS = timedelta(seconds=0.1)


class ShardBacklog:
    """Backlog of one shard as one execution environment of the intake knows it.

    A published lag tells how far scoring had come; what was accepted since shows only in later ones. Counting it keeps
    producers that all return at once from being admitted before the next lag is published.
    """

    def __init__(self) -> None:
        self._waiting: deque[datetime] = deque()
        self._begun: deque[datetime] = deque()

    def add(self, at: datetime) -> None:
        """Notes when a chunk was accepted."""
        self._waiting.append(at)

    def seconds(self, lag: ShardLag | None, now: datetime) -> float:
        """Returns how long scoring takes to begin all that waits, at its rate so far.

        Args:
            lag: the newest that was published.
            now: time.
        """
        if lag:
            self._pass(lag.oldest_at + PUT_SECONDS, now)
        return len(self._waiting) / self._rate(now)

    def _pass(self, reached: datetime, now: datetime) -> None:
        while self._waiting and self._waiting[0] <= reached:
            self._waiting.popleft()
            self._begun.append(now)
        while self._begun and now - self._begun[0] > RATE_WINDOW:
            self._begun.popleft()

    def _rate(self, now: datetime) -> float:
        if not self._begun:
            return TRUSTED_RATE
        window = max(SHORTEST_WINDOW, now - self._begun[0])
        return max(TRUSTED_RATE, len(self._begun) / window.total_seconds())
