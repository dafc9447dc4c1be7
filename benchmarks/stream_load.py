"""Runs concurrent callers in one process: `python -m benchmarks.stream_load`; reads a load as JSON on stdin.

Each caller is a thread that sleeps most of the time. The audio is prepared before the first session starts.
"""

import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Self

import numpy as np

from bonafide.audio.waveform import Waveform
from bonafide_client import Client, RetriesExhausted, RetryBudget, SourceRecording
from bonafide_client.chunks import CHUNK_SECONDS
from layers.golden.readers import RATE, load
from training.corpus.telephone import telephone

# When a caller evaluates to find the evidence of a chunk that was accepted.
EVALUATE_AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """A load of sessions in real time.

    Attributes:
        endpoint: URL of the API.
        domain: of all sessions.
        speakers: claimed, one after the other.
        concurrent: number of sessions at the same time.
        seconds: of audio in each session.
        rate: 8000 for telephone audio in mu-law, 16000 for PCM.
        ramp: seconds over which the sessions start.
    """

    endpoint: str
    domain: str
    speakers: Sequence[str]
    concurrent: int
    seconds: float
    rate: int
    ramp: float = CHUNK_SECONDS


@dataclass(slots=True)
class LoadResult:
    """The answers that all callers got.

    Attributes:
        sessions: their ids.
        accepted: session, chunk, and when its request was answered, seconds since the epoch.
        request_ms: from the first attempt of a chunk's request to its last answer.
        seen: whether an evaluation two seconds after a chunk was accepted had its evidence.
        throttled: number of 429s.
        retried: number of retries for other reasons.
        given_up: number of chunks that were never accepted.
    """

    sessions: list[str] = field(default_factory=list)
    accepted: list[tuple[str, int, float]] = field(default_factory=list)
    request_ms: list[float] = field(default_factory=list)
    seen: list[bool] = field(default_factory=list)
    throttled: int = 0
    retried: int = 0
    given_up: int = 0

    @property
    def throttled_percent(self) -> float:
        """Percentage of requests with chunks that were answered with 429."""
        return 100 * self.throttled / max(1, len(self.accepted) + self.throttled)

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads the output of `main`."""
        return cls(**json.loads(text))


def audio(rate: int, seconds: float) -> list[SourceRecording]:
    """Returns a recording of each reader, repeated to a length."""
    size = round(min(seconds, 60.0) * RATE)
    spoken = [Waveform(np.resize(np.concatenate(reader.clips), size), RATE) for reader in load().values()]
    lines = [telephone(each) if rate < RATE else each for each in spoken]
    return [SourceRecording("pcm_s16le", rate, np.rint(each.samples * 32767).astype("<i2").tobytes()) for each in lines]


def run(load: StreamLoad) -> LoadResult:
    """Runs all sessions of a load."""
    result, lock = LoadResult(), threading.Lock()
    recordings = [list(each.chunks()) for each in audio(load.rate, load.seconds)]
    started = time.monotonic() + 1.0

    def stream(number: int) -> None:
        StreamCaller(load, result, lock, recordings[number % len(recordings)]).stream(number, started)

    with ThreadPoolExecutor(load.concurrent) as callers:
        list(callers.map(stream, range(load.concurrent)))
    return result


class StreamCaller:
    """Streams one session at a time."""

    def __init__(self, load: StreamLoad, result: LoadResult, lock: threading.Lock, chunks: Sequence[bytes]) -> None:
        self._load = load
        self._result = result
        self._lock = lock
        self._chunks = chunks
        # A budget longer than the session would hide chunks that are throttled for good.
        self._client = Client(load.endpoint, retries=RetryBudget(seconds=30.0))

    def stream(self, number: int, started: float) -> None:
        """Starts a session, sends its chunks in real time, and ends it."""
        load, begin = self._load, started + number * self._load.ramp / self._load.concurrent
        sleep_until(begin)
        form = {"encoding": "pcm_s16le", "sample_rate": load.rate}
        speaker = load.speakers[number % len(load.speakers)]
        session = self._client.start_session(load.domain, form, speaker=speaker)["session_id"]
        self._result.sessions.append(session)
        count = round(load.seconds / CHUNK_SECONDS)
        accepted = 0
        for chunk in range(count):
            sleep_until(begin + (chunk + 1) * CHUNK_SECONDS)
            accepted += self._put(session, chunk, accepted)
        self._client.end_session(load.domain, session, count)
        with self._lock:
            self._result.throttled += self._client.counts.throttled
            self._result.retried += self._client.counts.retries - self._client.counts.throttled
        self._client.close()

    def _put(self, session: str, chunk: int, before: int) -> bool:
        started = time.time()
        try:
            self._client.put_audio(self._load.domain, session, chunk, self._chunks[chunk % len(self._chunks)])
        except RetriesExhausted:
            with self._lock:
                self._result.given_up += 1
            return False
        accepted = time.time()
        self._result.request_ms.append((accepted - started) * 1000)
        self._result.accepted.append((session, chunk, accepted))
        time.sleep(EVALUATE_AFTER_SECONDS)
        evaluation = self._client.evaluate(self._load.domain, session)
        self._result.seen.append(evaluation["chunks"]["scored"] > before)
        return True


def sleep_until(moment: float) -> None:
    """Waits for a moment of the monotonic clock; not at all if it has passed."""
    time.sleep(max(0.0, moment - time.monotonic()))


def main() -> None:
    """Runs the command."""
    json.dump(asdict(run(StreamLoad(**json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
