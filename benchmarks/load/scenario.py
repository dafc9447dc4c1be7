"""Scenario of locust: each of its users is one telephone call after another.

A caller is authenticated with one recording and streamed in real time, in chunks of 4 s with an evaluation after each;
one call in fifty is somebody who enrolls again. Requests are those of the client package, which signs them for an API
on AWS. Runs in an environment of its own (`make load`), which has locust and the client, and nothing of the product.
"""

import os
import random
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import User, constant, events, task  # type: ignore[import-not-found]

from bonafide_client import Client, bodies
from bonafide_client.chunks import CHUNK_SECONDS, cut, sizes

SPEECH = Path(os.environ.get("BONAFIDE_LOAD_SPEECH", ".build/load/speech"))
CALL_SECONDS = float(os.environ.get("BONAFIDE_LOAD_CALL_SECONDS", "180"))
ENROLLED_PER_CALL = 0.02
AUTHENTICATED_SECONDS = 10
# A domain of this run alone, deleted at its end.
DOMAIN = f"load-{uuid.uuid4().hex[:12]}"
# The policy's default asks for more speech than the recordings of some readers have.
POLICY = {"minimum_enrolment_seconds": 4}


@dataclass(frozen=True)
class Recording:
    """A person's speech.

    Attributes:
        name: of the person.
        enrollment: WAV file to enroll with.
        samples: PCM-16 of a call.
        rate: of the samples, Hz.
    """

    name: str
    enrollment: bytes
    samples: bytes
    rate: int

    def played(self, seconds: float) -> bytes:
        """Returns so many seconds of the call, from its beginning again where it is shorter."""
        size = round(seconds * self.rate) * 2
        return (self.samples * (1 + size // len(self.samples)))[:size]


def recordings() -> list[Recording]:
    """Reads the recordings, which `python -m benchmarks.load.speech` writes."""
    found = []
    for path in sorted(SPEECH.glob("*-call.wav")):
        name = path.name.removesuffix("-call.wav")
        with wave.open(str(path)) as sound:
            samples, rate = sound.readframes(sound.getnframes()), sound.getframerate()
        found.append(Recording(name, (SPEECH / f"{name}-enrol.wav").read_bytes(), samples, rate))
    return found


READERS = recordings()


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Any, **_: Any) -> None:
    """Enrolls everybody before the first call."""
    with Client(environment.host) as client:
        client.put_domain(DOMAIN, POLICY, {"replay_days": 0})
        for reader in READERS:
            client.enroll(DOMAIN, reader.name, reader.enrollment, bodies.consent("load"))


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def finish(environment: Any, **_: Any) -> None:
    """Deletes the domain with everybody in it."""
    with Client(environment.host) as client:
        client.delete_domain(DOMAIN, force=True)


class SimulatedCaller(User):  # type: ignore[misc]
    """One line of the contact center: when a call ends, the next one begins."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Connects; callers begin at different times, as those of a contact center do."""
        self.client = Client(self.environment.host, connections=2)
        gevent.sleep(random.uniform(0, CHUNK_SECONDS))  # noqa: S311, spreads load

    def on_stop(self) -> None:
        """Closes the connection."""
        self.client.close()

    @task  # type: ignore[untyped-decorator]
    def call(self) -> None:
        """Plays one telephone call."""
        reader = random.choice(READERS)  # noqa: S311, chooses load
        if random.random() < ENROLLED_PER_CALL:  # noqa: S311
            self._timed("enroll", self._enroll, reader)
        self._timed("authenticate", self._authenticate, reader)
        self._stream(reader)

    def _enroll(self, reader: Recording) -> Any:
        return self.client.enroll(DOMAIN, reader.name, reader.enrollment, bodies.consent("load"))

    def _authenticate(self, reader: Recording) -> Any:
        audio = bodies.audio(reader.played(AUTHENTICATED_SECONDS), encoding="pcm_s16le", sample_rate=reader.rate)
        return self.client.authenticate(DOMAIN, reader.name, audio)

    def _stream(self, reader: Recording) -> None:
        form = {"encoding": "pcm_s16le", "sample_rate": reader.rate}
        started = self._timed("start session", self.client.start_session, DOMAIN, form, speaker=reader.name)
        session, begun, sent = started["session_id"], time.monotonic(), 0
        for chunk in cut([reader.played(CALL_SECONDS)], *sizes("pcm_s16le", reader.rate, CHUNK_SECONDS)):
            gevent.sleep(max(0.0, begun + (sent + 1) * CHUNK_SECONDS - time.monotonic()))
            self._timed("put audio", self.client.put_audio, DOMAIN, session, sent, chunk)
            sent += 1
            self._timed("evaluate", self.client.evaluate, DOMAIN, session)
        self._timed("end session", self.client.end_session, DOMAIN, session, sent)
        self._timed("decision after the end", self.client.wait_for_decision, DOMAIN, session)

    def _timed(self, name: str, send: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with _reported(self.environment, name):
            return send(*arguments, **options)


@contextmanager
def _reported(environment: Any, name: str) -> Iterator[None]:
    """Reports how long a request took, retries included, and whether it failed; a failure ends the call."""
    begun, failure = time.monotonic(), None
    try:
        yield
    except Exception as error:
        failure = error
        raise
    finally:
        milliseconds = (time.monotonic() - begun) * 1000
        environment.events.request.fire(
            request_type="call", name=name, response_time=milliseconds, response_length=0, exception=failure
        )
