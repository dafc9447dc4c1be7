"""People who call and stream sessions without end, each request sent once."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bonafide_client import Client, ProblemError, bodies
from layers.golden.readers import RATE, Reader, wav
from local.rehearse.traffic import client_without_retries

CHUNKS, CHUNK_SECONDS = 3, 1.5
CALL_SECONDS = 3
POLL_SECONDS, DECISION_SECONDS = 0.2, 60.0


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision as the caller's platform was told it.

    Attributes:
        decision_id: None while it is provisional.
        decision: action.
        policy_version: of the policy that is said to have made it.
        asked_at: when the request was sent, monotonic seconds; None where somebody else may have decided before.
        began_under: policy version that the first evaluation of a session named; None of a recording.
    """

    decision_id: str | None
    decision: str
    policy_version: int
    asked_at: float | None
    began_under: int | None = None


@dataclass
class Callers:
    """Threads that call until they are stopped.

    Attributes:
        endpoint: of the API.
        domain: that they call.
        readers: who call.
        told: answers so far.
        failed: requests that failed.
        requests: number of those that were sent.
        throttled: chunks that this machine could not score in time, which were sent again as producers do.
    """

    endpoint: str
    domain: str
    readers: Sequence[Reader]
    told: list[ToldDecision] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    requests: int = 0
    throttled: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, callers: int, streamers: int) -> None:
        """Starts threads that call once each time, and threads that stream sessions."""
        for number in range(callers + streamers):
            work = self._call if number < callers else self._stream
            self._threads.append(threading.Thread(target=self._keep, args=(work, number)))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets everybody end what they are at, and waits for that."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait(self, count: int, kind: Callable[[ToldDecision], bool] = lambda _: True) -> None:
        """Waits until so many more decisions of a kind were told."""
        wanted = sum(map(kind, list(self.told))) + count
        while sum(map(kind, list(self.told))) < wanted and any(thread.is_alive() for thread in self._threads):
            time.sleep(0.05)

    def _keep(self, work: Callable[[Client, Reader, str], None], number: int) -> None:
        client, count = client_without_retries(self.endpoint), len(self.readers)
        while not self._stopped.is_set():
            claimed = self.readers[number % count].name
            # Every third call is somebody else's.
            spoke = self.readers[(number + (self.requests % 3 == 0)) % count]
            try:
                work(client, spoke, claimed)
            except (ProblemError, OSError, TimeoutError) as error:
                self.failed.append(str(error))
        client.close()

    def _sent(self) -> float:
        self.requests += 1
        return time.monotonic()

    def _call(self, client: Client, spoke: Reader, claimed: str) -> None:
        at = self._sent()
        answer = client.authenticate(self.domain, claimed, wav(np.resize(spoke.call, CALL_SECONDS * RATE)))
        self.told.append(_told(answer, at))

    def _stream(self, client: Client, spoke: Reader, claimed: str) -> None:
        self._sent()
        session = client.start_session(self.domain, {"encoding": "wav"}, speaker=claimed)["session_id"]
        began_under = None
        speech = np.resize(spoke.call, round(CHUNKS * CHUNK_SECONDS * RATE))
        for number, part in enumerate(np.split(speech, CHUNKS)):
            # As fast as people speak.
            self._stopped.wait(CHUNK_SECONDS)
            while not self._is_taken(client, session, number, wav(part)):
                time.sleep(1)
            answer = self._evaluated(client, session)
            began_under = began_under or answer["policy_version"]
        self._sent()
        client.end_session(self.domain, session, CHUNKS)
        until = time.monotonic() + DECISION_SECONDS
        while (answer := self._evaluated(client, session))["status"] != "FINAL":
            if time.monotonic() > until:
                raise TimeoutError(f"session {session} was not decided")
            time.sleep(POLL_SECONDS)
        self.told.append(_told(answer, None, began_under))

    def _is_taken(self, client: Client, session: str, number: int, chunk: bytes) -> bool:
        self._sent()
        try:
            client.put_audio(self.domain, session, number, chunk)
        except ProblemError as problem:
            if problem.code != "audio_overload":
                raise
            self.throttled += 1
            return False
        return True

    def _evaluated(self, client: Client, session: str) -> Any:
        at = self._sent()
        answer = client.evaluate(self.domain, session)
        if answer["status"] != "FINAL":
            self.told.append(_told(answer, at))
        return answer


def enroll(client: Client, domain: str, readers: Sequence[Reader]) -> None:
    """Enrolls readers."""
    for reader in readers:
        client.enroll(domain, reader.name, wav(reader.enrollment), bodies.consent(f"form-{reader.name}"))


def _told(answer: Any, asked_at: float | None, began_under: int | None = None) -> ToldDecision:
    return ToldDecision(answer["decision_id"], answer["decision"], answer["policy_version"], asked_at, began_under)
