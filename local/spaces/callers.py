"""People who enroll and call while a deployment moves to another embedding space, and what they were answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bonafide_client import Client, bodies
from layers.golden.readers import RATE, Reader, wav
from local.rehearse.traffic import client_without_retries

KEPT, UNKEPT = "audio-kept", "audio-not-kept"
# The readers' recordings are short, so the domains require less speech than by default.
POLICY = {"minimum_enrolment_seconds": 6, "minimum_decision_seconds": 1.5}
IMPOSTORS_PER_HUNDRED = 15
CALLERS = 3
CALL_SECONDS = 5
MOST_READERS = 6


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to one call.

    Attributes:
        phase: of the release when it came.
        domain: that was called.
        genuine: whether the claimed speaker spoke.
        status: of HTTP.
        decision: or the problem's code.
        bundle: digest of the bundle that decided, if any.
        milliseconds: until it came.
    """

    phase: str
    domain: str
    genuine: bool
    status: int
    decision: str
    bundle: str
    milliseconds: float


@dataclass
class Callers:
    """Readers who call without a pause until they are stopped.

    Attributes:
        endpoint: URL of the API's stage.
        readers: by name.
        rate: calls a second at most.
        phase: of the release, for the answers to come.
        answers: so far.
    """

    endpoint: str
    readers: Mapping[str, Reader]
    rate: float
    phase: str = "enrolled"
    answers: list[CallAnswer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._recordings = {
            name: {"audio": bodies.audio(wav(np.resize(each.call, CALL_SECONDS * RATE)))}
            for name, each in self.readers.items()
        }
        self._threads = [threading.Thread(target=self._run, args=(seed,), daemon=True) for seed in range(CALLERS)]

    def start(self) -> None:
        """Begins to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all calls."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def enroll(self, domain: str, names: Iterable[str]) -> Counter[str]:
        """Enrolls readers; counts the answers."""
        client = client_without_retries(self.endpoint)
        found = Counter(self._enroll(client, domain, name) for name in names)
        client.close()
        return found

    def _enroll(self, client: Client, domain: str, name: str) -> str:
        body = {"audio": bodies.audio(wav(self.readers[name].enrollment)), "consent": bodies.consent(f"form-{name}")}
        answer = client.request("POST", f"/v1/domains/{domain}/speakers/{name}/enrollments", body)
        return str(answer.document.get("status") if answer.status == 200 else answer.status)

    def _run(self, seed: int) -> None:
        client, generator = client_without_retries(self.endpoint), random.Random(seed)  # noqa: S311 - reproducible
        names = sorted(self.readers)
        while not self._stop.is_set():
            started = time.monotonic()
            claimed = generator.choice(names)
            genuine = generator.randrange(100) >= IMPOSTORS_PER_HUNDRED
            spoke = claimed if genuine else generator.choice([name for name in names if name != claimed])
            self._call(client, generator.choice((KEPT, UNKEPT)), claimed, spoke)
            self._stop.wait(max(0.0, CALLERS / self.rate - (time.monotonic() - started)))
        client.close()

    def _call(self, client: Client, domain: str, claimed: str, spoke: str) -> None:
        phase, started = self.phase, time.monotonic()
        path = f"/v1/domains/{domain}/speakers/{claimed}/authentications"
        answer = client.request("POST", path, self._recordings[spoke])
        document: Any = answer.document if isinstance(answer.document, dict) else {}
        told = str(document.get("decision") or document.get("code") or answer.status)
        took = (time.monotonic() - started) * 1000
        bundle = str(document.get("bundle", ""))
        self.answers.append(CallAnswer(phase, domain, claimed == spoke, answer.status, told, bundle, took))


def enrollable(client: Client, readers: Mapping[str, Reader]) -> Mapping[str, Reader]:
    """Creates the domains; returns the readers who have enough speech to be enrolled and to call."""
    for domain, keep in ((KEPT, True), (UNKEPT, False)):
        client.put_domain(domain, policy=POLICY, retention={"keep_audio": keep, "decision_days": 30})
    enough = POLICY["minimum_enrolment_seconds"] * 1.2 * RATE
    chosen = [name for name, each in readers.items() if len(each.enrollment) > enough]
    return {name: readers[name] for name in chosen[:MOST_READERS]}


def refusals(answers: Sequence[CallAnswer]) -> list[CallAnswer]:
    """Returns the answers that are no decision: conflicts, failures and whatever is no answer at all."""
    return [each for each in answers if each.status != 200]
