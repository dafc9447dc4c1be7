"""One shard at AWS's pace, with the product's own admission control, in simulated time.

Lambda reads the shard once a second, at once again only while full reads show that more waits, and processes batches
of up to BATCH records in GROUPS partition groups. Producers send a chunk every CHUNK_SECONDS and repeat refused ones as
the Python client does: after Retry-After and a growing jitter, for a minute, four at a time.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

from bonafide.adapters.memory.sessions import MemoryShardLagStore
from bonafide.errors import AudioOverload
from bonafide.records.stream import ShardLag
from bonafide.services.streaming.admission import AdmissionControl

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)
SHARD = "shardId-000000000000"
CHUNK_SECONDS = 4.0
BATCH, GROUPS = 8, 4
INTAKES = 3
PUT_SECONDS = 0.02
BATCH_SECONDS, SCORING_SECONDS = 0.03, 0.108
SENDERS, BUDGET_SECONDS = 4, 60.0


@dataclass
class Outcome:
    """Counts of attempts, refusals, accepted chunks and those that were given up; lags of the scored, seconds."""

    attempts: int = 0
    refused: int = 0
    accepted: int = 0
    given_up: int = 0
    lags: list[float] = field(default_factory=list)

    @property
    def refused_share(self) -> float:
        return self.refused / self.attempts

    def lag(self, share: float) -> float:
        return sorted(self.lags)[int(share * (len(self.lags) - 1))]


class Schedule:
    """What happens when, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._number = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def pending(self) -> bool:
        return bool(self._due)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._number), action))

    def run(self) -> None:
        while self._due:
            self.now, _, action = heapq.heappop(self._due)
            action()

    def clock(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now)


class Scoring:
    """Scoring of the shard.

    Attributes:
        waiting: when each chunk was accepted, and its session.
        cold: groups whose next batch waits for an environment to start, from a time on.
        stopped: from when to when no batch begins.
    """

    def __init__(self, schedule: Schedule, lags: MemoryShardLagStore, outcome: Outcome, draw: random.Random) -> None:
        self.waiting: deque[tuple[float, int]] = deque()
        self.cold: dict[int, float] = {}
        self.stopped = (0.0, 0.0)
        self._schedule, self._lags, self._outcome, self._draw = schedule, lags, outcome, draw
        self._groups: list[deque[float]] = [deque() for _ in range(GROUPS)]
        self._busy = [False] * GROUPS
        self._more = False

    def poll(self) -> None:
        self._read()
        if self._schedule.pending or self.waiting:
            self._schedule.after(1.0, self.poll)

    def _read(self) -> None:
        if sum(map(len, self._groups)) < BATCH * GROUPS:
            found = [self.waiting.popleft() for _ in range(min(len(self.waiting), BATCH * GROUPS))]
            self._more = len(found) == BATCH * GROUPS
            for at, session in found:
                self._groups[session % GROUPS].append(at)
        for group in range(GROUPS):
            self._start(group)

    def _start(self, group: int) -> None:
        records = self._groups[group]
        if records and not self._busy[group]:
            self._busy[group] = True
            batch = [records.popleft() for _ in range(min(len(records), BATCH))]
            self._schedule.after(self._delay(group), partial(self._begin, group, batch))

    def _delay(self, group: int) -> float:
        begin, end = self.stopped
        if begin <= self._schedule.now < end:
            return end - self._schedule.now
        if self.cold.get(group, float("inf")) <= self._schedule.now:
            del self.cold[group]
            return 3.0 + self._draw.random()
        return 0.05

    def _begin(self, group: int, batch: list[float]) -> None:
        now = self._schedule.now
        self._lags.publish(SHARD, ShardLag(now - batch[0], self._schedule.clock()))
        for place, at in enumerate(batch, 1):
            self._outcome.lags.append(now + BATCH_SECONDS + place * SCORING_SECONDS - at)
        self._schedule.after(BATCH_SECONDS + len(batch) * SCORING_SECONDS, partial(self._finish, group))

    def _finish(self, group: int) -> None:
        self._busy[group] = False
        self._start(group)
        if self._more:
            self._read()


class Producer:
    """One session in real time."""

    def __init__(self, session: int, intake: "Intakes", schedule: Schedule, draw: random.Random) -> None:
        self._session, self._intake, self._schedule, self._draw = session, intake, schedule, draw
        self._recorded = 0
        self._sending = 0

    def record(self, until: float) -> None:
        if self._schedule.now < until:
            self._recorded += 1
            self._fill()
            self._schedule.after(CHUNK_SECONDS, partial(self.record, until))

    def _fill(self) -> None:
        while self._recorded and self._sending < SENDERS:
            self._recorded, self._sending = self._recorded - 1, self._sending + 1
            self._send(0, self._schedule.now)

    def _send(self, repeats: int, since: float) -> None:
        pause = self._intake.take(self._session)
        if pause is not None:
            pause += self._draw.uniform(0, min(8.0, 0.2 * 2.0**repeats))
            if self._schedule.now + pause <= since + BUDGET_SECONDS:
                self._schedule.after(pause, partial(self._send, repeats + 1, since))
                return
            self._intake.outcome.given_up += 1
        self._sending -= 1
        self._schedule.after(0.0, self._fill)


class Intakes:
    """Execution environments of the intake; each knows only what it accepted itself."""

    def __init__(self, schedule: Schedule, outcome: Outcome, scoring: Scoring, lags: MemoryShardLagStore, seed: int):
        self.outcome = outcome
        self._draw = random.Random(seed)
        self._schedule, self._scoring, self._lags = schedule, scoring, lags
        self._admissions = [AdmissionControl(schedule.clock, self._draw.random) for _ in range(INTAKES)]

    def take(self, session: int) -> float | None:
        """Offers a chunk; returns None when it is accepted, and Retry-After when it is refused."""
        self.outcome.attempts += 1
        admission = self._draw.choice(self._admissions)
        try:
            admission.require_capacity(SHARD, self._lags.lag(SHARD))
        except AudioOverload as refusal:
            self.outcome.refused += 1
            return float(refusal.retry_after or 0)
        admission.accepted(SHARD, self._schedule.clock())
        self.outcome.accepted += 1
        self._schedule.after(PUT_SECONDS, lambda: self._scoring.waiting.append((self._schedule.now, session)))
        return None


def simulate(
    sessions: int,
    seconds: float = 60.0,
    *,
    cold: Collection[int] = (),
    cold_at: float = 20.0,
    stopped: tuple[float, float] = (0.0, 0.0),
    seed: int = 1,
) -> Outcome:
    """Runs sessions for a time, and until all that was accepted is scored.

    Args:
        sessions: that all go to one shard.
        seconds: of real-time audio in each.
        cold: partition groups whose environment has to start.
        cold_at: when.
        stopped: from when to when scoring begins no batch.
        seed: of the phases of sessions and of all that is drawn.
    """
    schedule, outcome, lags, draw = Schedule(), Outcome(), MemoryShardLagStore(), random.Random(seed)
    scoring = Scoring(schedule, lags, outcome, draw)
    scoring.cold, scoring.stopped = dict.fromkeys(cold, cold_at), stopped
    intakes = Intakes(schedule, outcome, scoring, lags, seed)
    for session in range(sessions):
        producer = Producer(session, intakes, schedule, draw)
        schedule.after(draw.uniform(0, CHUNK_SECONDS), partial(producer.record, seconds))
    schedule.after(draw.random(), scoring.poll)
    schedule.run()
    return outcome
