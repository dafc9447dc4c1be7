"""Load: authentications with recordings of genuine callers and impostors, at a steady rate."""

import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bonafide_client import NO_RETRIES, Client, ProblemError, bodies
from layers.golden.readers import RATE, Reader, wav

DOMAIN = "rehearsal"
# The readers' recordings are short, so the domain requires less speech than by default.
SETTINGS: dict[str, Any] = {"policy": {"minimum_enrolment_seconds": 6, "minimum_decision_seconds": 1.5}}
SHORT_SECONDS, LONG_SECONDS = 3, 10
# Per hundred calls.
IMPOSTORS, LONG = 6, 30
CALLERS = 6
# Fraction of the due calls to wait for, and the longest single wait.
ENOUGH, PATIENCE_SECONDS = 0.9, 15


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A recording with the speaker that it claims."""

    claimed: str
    body: dict[str, Any]


def enroll(client: Client, readers: Mapping[str, Reader]) -> list[str]:
    """Creates the domain and enrolls the readers with enough speech; returns their names.

    Raises:
        RuntimeError: the domain or fewer than two speakers could be created.
    """
    try:
        client.put_domain(DOMAIN, **SETTINGS)
    except ProblemError as problem:
        raise RuntimeError(f"the domain could not be created: {problem}") from problem
    outcomes = {name: _enroll(client, reader) for name, reader in readers.items()}
    enrolled = [name for name, outcome in outcomes.items() if outcome == "ENROLLED"]
    if len(enrolled) < 2:
        raise RuntimeError(f"too few speakers could be enrolled: {outcomes}")
    return enrolled


def _enroll(client: Client, reader: Reader) -> str:
    receipt = bodies.consent(f"rehearsal-{reader.name}")
    try:
        return client.enroll(DOMAIN, reader.name, wav(reader.enrollment), receipt)["status"]
    except ProblemError as problem:
        return problem.code


def client_without_retries(endpoint: str) -> Client:
    """Returns a client that sends every request once, so that a failed call counts as one."""
    return Client(endpoint, timeout=60, retries=NO_RETRIES)


def calls(readers: Mapping[str, Reader], enrolled: Sequence[str], seed: int = 0) -> Iterator[RecordedCall]:
    """Yields random calls without end, genuine or impostor, short or long, in the same order each time."""
    generator = random.Random(seed)  # noqa: S311 - reproducible, not for security
    recordings = {
        (name, seconds): {"audio": bodies.audio(wav(np.resize(readers[name].call, seconds * RATE)))}
        for name in enrolled
        for seconds in (SHORT_SECONDS, LONG_SECONDS)
    }
    while True:
        claimed = generator.choice(enrolled)
        others = [name for name in enrolled if name != claimed]
        spoke = generator.choice(others) if generator.randrange(100) < IMPOSTORS else claimed
        yield RecordedCall(
            claimed, recordings[spoke, LONG_SECONDS if generator.randrange(100) < LONG else SHORT_SECONDS]
        )


class Traffic:
    """Authenticates callers until it is stopped."""

    def __init__(self, endpoint: str, source: Iterator[RecordedCall], calls_a_second: float) -> None:
        """Starts the calls.

        Args:
            endpoint: URL of the API's stage.
            source: calls.
            calls_a_second: rate of calls, as far as the machine can follow; 0 for none.
        """
        self._endpoint = endpoint
        self._source = source
        self._rate = calls_a_second
        self._begun = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CALLERS if self._rate else 0)]
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all calls."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, seconds: float) -> None:
        """Waits, within limits, until most of the calls that are due have begun."""
        wanted, patience = ENOUGH * seconds * self._rate, time.monotonic() + PATIENCE_SECONDS
        while self._begun < wanted and time.monotonic() < patience:
            time.sleep(0.05)

    def _pause(self) -> float:
        """Returns the seconds until the next call is due."""
        return max(0.0, self._started + self._begun / self._rate - time.monotonic())

    def _run(self) -> None:
        client = client_without_retries(self._endpoint)
        while not self._stop.wait(self._pause()):
            with self._lock:
                self._begun += 1
                call = next(self._source)
            client.request("POST", f"/v1/domains/{DOMAIN}/speakers/{call.claimed}/authentications", call.body)
        client.close()
