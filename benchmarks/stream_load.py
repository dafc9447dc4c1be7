"""Many callers at once, in one process: `python -m benchmarks.stream_load`, told on stdin what to do as JSON.

Each caller is a thread that sleeps nearly always. The audio is prepared before the clock starts.
"""

import base64
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
from local.demo.readers import RATE, load
from local.produce_audio import CHUNK_SECONDS, Recording
from local.produce_client import Backoff, Client, GaveUpError
from training.corpus.telephone import telephone

# What the time from accepted to readable is held against, as a caller would see it.
LOOK_AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of the callers.

    Attributes:
        endpoint: URL.
        domain: that everybody calls.
        speakers: who is claimed, one after the other.
        calls: at the same time.
        seconds: that each call lasts.
        rate: 8000 for telephone audio in mu-law, 16000 for PCM.
        ramp: seconds over which the calls begin.
    """

    endpoint: str
    domain: str
    speakers: Sequence[str]
    calls: int
    seconds: float
    rate: int
    ramp: float = CHUNK_SECONDS


@dataclass(slots=True)
class Heard:
    """What the callers were answered; appended to by all.

    Attributes:
        sessions: by name.
        accepted: session, chunk, and when its request was answered, seconds since the epoch.
        request_ms: how long a chunk's request took, from its first attempt to its last answer.
        looks: evaluations two seconds after a chunk was accepted: whether its evidence was there.
        throttled: how often 429 was the answer.
        retried: how often a request was repeated for any other reason.
        given_up: chunks that were never taken.
    """

    sessions: list[str] = field(default_factory=list)
    accepted: list[tuple[str, int, float]] = field(default_factory=list)
    request_ms: list[float] = field(default_factory=list)
    looks: list[bool] = field(default_factory=list)
    throttled: int = 0
    retried: int = 0
    given_up: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        """What `main` wrote."""
        return cls(**json.loads(text))


def audio(rate: int, seconds: float) -> list[Recording]:
    """A call's worth of each reader, over and over."""
    size = round(min(seconds, 60.0) * RATE)
    spoken = [Waveform(np.resize(np.concatenate(reader.clips), size), RATE) for reader in load().values()]
    lines = [telephone(each) if rate < RATE else each for each in spoken]
    return [Recording("pcm_s16le", rate, np.rint(each.samples * 32767).astype("<i2").tobytes()) for each in lines]


def run(load: Load) -> Heard:
    """Lets everybody call."""
    heard, lock = Heard(), threading.Lock()
    bodies = [
        [{"content": base64.b64encode(chunk).decode()} for chunk in each.chunks()]
        for each in audio(load.rate, load.seconds)
    ]
    started = time.monotonic() + 1.0

    def call(number: int) -> None:
        Caller(load, heard, lock, bodies[number % len(bodies)]).call(number, started)

    with ThreadPoolExecutor(load.calls) as callers:
        list(callers.map(call, range(load.calls)))
    return heard


class Caller:
    """One call at a time."""

    def __init__(self, load: Load, heard: Heard, lock: threading.Lock, bodies: Sequence[dict[str, str]]) -> None:
        self._load = load
        self._heard = heard
        self._lock = lock
        self._bodies = bodies
        # More patient than the call is long would hide that chunks are turned away for good.
        self._client = Client(load.endpoint, Backoff(patience=30.0))

    def call(self, number: int, started: float) -> None:
        """Starts a session, sends its chunks in real time, and ends it."""
        load, begin = self._load, started + number * self._load.ramp / self._load.calls
        sleep_until(begin)
        form = {"encoding": "pcm_s16le", "sample_rate": load.rate}
        claim = {"speaker": load.speakers[number % len(load.speakers)], "format": form}
        session = self._client.send("POST", f"/v1/domains/{load.domain}/sessions", claim)["session_id"]
        self._heard.sessions.append(session)
        path = f"/v1/domains/{load.domain}/sessions/{session}"
        count = round(load.seconds / CHUNK_SECONDS)
        taken = 0
        for chunk in range(count):
            sleep_until(begin + (chunk + 1) * CHUNK_SECONDS)
            taken += self._put(path, session, chunk, taken)
        self._client.send("POST", f"{path}/end", {"chunks": count})
        with self._lock:
            self._heard.throttled += self._client.throttled
            self._heard.retried += self._client.retries - self._client.throttled
        self._client.close()

    def _put(self, path: str, session: str, chunk: int, taken: int) -> bool:
        asked = time.time()
        try:
            self._client.send("PUT", f"{path}/audio/{chunk}", self._bodies[chunk % len(self._bodies)])
        except GaveUpError:
            with self._lock:
                self._heard.given_up += 1
            return False
        accepted = time.time()
        self._heard.request_ms.append((accepted - asked) * 1000)
        self._heard.accepted.append((session, chunk, accepted))
        time.sleep(LOOK_AFTER_SECONDS)
        evaluation = self._client.send("GET", f"{path}/evaluation")
        self._heard.looks.append(evaluation["chunks"]["scored"] > taken)
        return True


def sleep_until(moment: float) -> None:
    """Waits for a moment of the monotonic clock; not at all if it has passed."""
    time.sleep(max(0.0, moment - time.monotonic()))


def main() -> None:
    """The command."""
    json.dump(asdict(run(Load(**json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
