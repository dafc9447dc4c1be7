"""Load: authentications with recordings of genuine callers and impostors, at a steady rate."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bonafide_client import NO_RETRIES, ApiResponse, Client, ProblemError, bodies
from layers.golden.readers import RATE, Reader, wav

DOMAIN = "rehearsal"
# The readers' recordings are short, so the domains require less speech than by default.
# Impostors call without end here, and would limit everybody.
POLICY: dict[str, Any] = {
    "minimum_enrolment_seconds": 6,
    "minimum_decision_seconds": 1.5,
    "failure_limit": None,
    "disclosure": "full",
}
CALLERS = 6
# Fraction of the due calls to wait for, and the longest single wait.
ENOUGH, PATIENCE_SECONDS = 0.9, 15


@dataclass(frozen=True, slots=True)
class CallMix:
    """The calls that make a load.

    Attributes:
        domains: called equally often.
        impostors: of a hundred calls.
        long: of a hundred calls.
        short_seconds: length of a call.
        long_seconds: length of a long one.
    """

    domains: Sequence[str] = (DOMAIN,)
    impostors: int = 6
    long: int = 30
    short_seconds: int = 3
    long_seconds: int = 10


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A recording with the speaker that it claims.

    Attributes:
        domain: that is called.
        claimed: speaker.
        genuine: whether the claimed speaker speaks.
        body: of the request.
    """

    domain: str
    claimed: str
    genuine: bool
    body: dict[str, Any]


# Takes a call, its answer, and the seconds until it came.
type TakeAnswer = Callable[[RecordedCall, ApiResponse, float], None]


def enroll(client: Client, readers: Mapping[str, Reader]) -> list[str]:
    """Creates the domain and enrolls the readers with enough speech; returns their names.

    Raises:
        RuntimeError: the domain or fewer than two speakers could be created.
    """
    try:
        client.put_domain(DOMAIN, policy=POLICY, retention={"replay_days": 0})
    except ProblemError as problem:
        raise RuntimeError(f"the domain could not be created: {problem}") from problem
    outcomes = enroll_all(client, DOMAIN, readers)
    enrolled = [name for name, outcome in outcomes.items() if outcome == "ENROLLED"]
    if len(enrolled) < 2:
        raise RuntimeError(f"too few speakers could be enrolled: {outcomes}")
    return enrolled


def enroll_all(client: Client, domain: str, readers: Mapping[str, Reader]) -> dict[str, str]:
    """Enrolls readers; returns the status, or the code of the problem, of each."""
    return {name: _enroll(client, domain, reader) for name, reader in readers.items()}


def _enroll(client: Client, domain: str, reader: Reader) -> str:
    receipt = bodies.consent(f"rehearsal-{reader.name}")
    try:
        return client.enroll(domain, reader.name, wav(reader.enrollment), receipt)["status"]
    except ProblemError as problem:
        return problem.code


def client_without_retries(endpoint: str) -> Client:
    """Returns a client that sends every request once, so that a failed call counts as one."""
    return Client(endpoint, timeout=60, retries=NO_RETRIES)


def calls(
    readers: Mapping[str, Reader], enrolled: Sequence[str], mix: CallMix = CallMix(), seed: int = 0
) -> Iterator[RecordedCall]:
    """Yields random calls without end, genuine or impostor, short or long, in the same order each time."""
    generator = random.Random(seed)  # noqa: S311 - reproducible, not for security
    recordings = {
        (name, seconds): {"audio": bodies.audio(wav(np.resize(readers[name].call, seconds * RATE)))}
        for name in enrolled
        for seconds in (mix.short_seconds, mix.long_seconds)
    }
    while True:
        claimed = generator.choice(enrolled)
        others = [name for name in enrolled if name != claimed]
        spoke = generator.choice(others) if generator.randrange(100) < mix.impostors else claimed
        seconds = mix.long_seconds if generator.randrange(100) < mix.long else mix.short_seconds
        yield RecordedCall(generator.choice(mix.domains), claimed, spoke == claimed, recordings[spoke, seconds])


def ignore(_call: RecordedCall, _answer: ApiResponse, _seconds: float) -> None:
    """Leaves answers to alarms and logs."""


class Traffic:
    """Authenticates callers until it is stopped."""

    def __init__(
        self, endpoint: str, source: Iterator[RecordedCall], calls_a_second: float, take: TakeAnswer = ignore
    ) -> None:
        """Starts the calls.

        Args:
            endpoint: URL of the API's stage.
            source: calls.
            calls_a_second: rate of calls, as far as the machine can follow; 0 for none.
            take: is given each answer, by several threads.
        """
        self._endpoint = endpoint
        self._source = source
        self._rate = calls_a_second
        self._take = take
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
            path, started = f"/v1/domains/{call.domain}/speakers/{call.claimed}/authentications", time.monotonic()
            self._take(call, client.request("POST", path, call.body), time.monotonic() - started)
        client.close()
