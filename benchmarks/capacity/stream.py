"""Simulation of one shard of the audio stream: arrivals, its limits, Lambda's polls, and the scoring of batches.

Each session sends a chunk of fixed length at its own phase, which wanders a little. What the shard cannot take in a
second it refuses, and the client sends it again a second later. Lambda reads a shard once a second, gives each record
to one of the partition groups by its session, and each group scores one batch at a time, in order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

# A measurement of a minute, after what fills the pipe.
SECONDS = 90.0
WARM_SECONDS = 30.0
JITTER_SECONDS = 0.2
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ShardRules:
    """Rules by which a shard works.

    Attributes:
        chunk_seconds: length of a chunk.
        chunk_bytes: of a record in the stream.
        scoring_seconds: to score one chunk.
        batch_seconds: to begin and end a batch, whatever its size.
        batch: chunks of a batch at most.
        groups: batches at once (ParallelizationFactor).
        in_bytes: bytes a second that the shard takes.
        out_bytes: bytes a second that it gives.
        poll_seconds: between two reads.
    """

    chunk_seconds: float
    chunk_bytes: float
    scoring_seconds: float
    batch_seconds: float
    batch: int
    groups: int
    in_bytes: float
    out_bytes: float
    poll_seconds: float


@dataclass(frozen=True, slots=True)
class ShardRun:
    """Result of a simulated minute.

    Attributes:
        throttled: share of attempts to put a chunk that the shard refused.
        lag_p99: seconds from the first attempt to the end of the chunk's scoring, 99th percentile.
        busy: share of the time that the groups score.
    """

    throttled: float
    lag_p99: float
    busy: float


def simulate(rules: ShardRules, sessions: int, seed: int = 0) -> ShardRun:
    """Simulates a minute of a shard that `sessions` send to; the same arguments give the same result."""
    source = random.Random(seed)  # noqa: S311, a simulation
    arrivals = sorted(_sent(rules, sessions, source))
    accepted, refused = _accept(rules, arrivals)
    read = _read(rules, accepted)
    finished, busy = _score(rules, read)
    lags = sorted(end - sent for end, sent in finished if sent > WARM_SECONDS)
    return ShardRun(
        throttled=refused / (refused + len(accepted)) if accepted else 0.0,
        lag_p99=lags[int(len(lags) * 0.99)] if lags else 0.0,
        busy=busy / (SECONDS * rules.groups),
    )


@cache
def capacity(rules: ShardRules, most_lag: float, most_throttled: float = 0.001) -> int:
    """Returns the largest number of sessions that a shard serves with a 99th percentile of the lag below `most_lag`."""
    low, high = 0, 1
    while _serves(rules, high, most_lag, most_throttled):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _serves(rules, middle, most_lag, most_throttled) else (low, middle)
    return low


def _serves(rules: ShardRules, sessions: int, most_lag: float, most_throttled: float) -> bool:
    runs = [simulate(rules, sessions, seed) for seed in range(3)]
    return all(run.lag_p99 <= most_lag and run.throttled <= most_throttled for run in runs)


def _sent(rules: ShardRules, sessions: int, source: random.Random) -> list[tuple[float, int]]:
    chunks = []
    for session in range(sessions):
        phase = source.uniform(0, rules.chunk_seconds)
        times = (phase + number * rules.chunk_seconds for number in range(int(SECONDS / rules.chunk_seconds)))
        chunks += [(time + source.uniform(0, JITTER_SECONDS), session) for time in times]
    return chunks


def _accept(rules: ShardRules, arrivals: Sequence[tuple[float, int]]) -> tuple[list[tuple[float, float, int]], int]:
    """Fills the shard second by second; returns (accepted at, first sent at, session), and how many were refused."""
    accepted: list[tuple[float, float, int]] = []
    refused = 0
    room = int(rules.in_bytes // rules.chunk_bytes)
    used: dict[int, int] = {}
    for sent, session in arrivals:
        at = sent
        while used.get(int(at), 0) >= room:
            refused += 1
            at += RETRY_SECONDS
        used[int(at)] = used.get(int(at), 0) + 1
        accepted.append((at, sent, session))
    return sorted(accepted), refused


def _read(rules: ShardRules, accepted: Sequence[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """Returns (read at, first sent at, session); a read that found more than a second's bytes delays the next ones."""
    read: list[tuple[float, float, int]] = []
    poll, place = rules.poll_seconds, 0
    while place < len(accepted):
        before = place
        while place < len(accepted) and accepted[place][0] <= poll:
            read.append((poll, accepted[place][1], accepted[place][2]))
            place += 1
        got = (place - before) * rules.chunk_bytes
        poll += max(rules.poll_seconds, got / rules.out_bytes)
    return read


def _score(rules: ShardRules, read: Sequence[tuple[float, float, int]]) -> tuple[list[tuple[float, float]], float]:
    """Returns (scored at, first sent at) of each chunk, and the seconds that all groups together were busy."""
    finished: list[tuple[float, float]] = []
    busy = 0.0
    for group in range(rules.groups):
        waiting = [(at, sent) for at, sent, session in read if session % rules.groups == group]
        free, place = 0.0, 0
        while place < len(waiting):
            begin = max(free, waiting[place][0])
            batch = [each for each in waiting[place : place + rules.batch] if each[0] <= begin]
            free = begin + rules.batch_seconds + len(batch) * rules.scoring_seconds
            finished += [(free, sent) for _, sent in batch]
            busy += free - begin
            place += len(batch)
    return finished, busy
