"""Callers: real recordings, of the person claimed or of somebody else, sent at a steady rate."""

import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from layers.golden.readers import RATE, Reader, wav
from local.demo.client import Client, Document, audio, consent

DOMAIN = "rehearsal"
# The readers' recordings are short, so the domain asks for less speech than by default.
SETTINGS: Document = {"policy": {"minimum_enrolment_seconds": 6, "minimum_decision_seconds": 1.5}}
SHORT_SECONDS, LONG_SECONDS = 3, 10
# Of a hundred calls.
IMPOSTORS, LONG = 6, 30
CALLERS = 6
# Part of the calls that time waits for, and how long it does so at once.
ENOUGH, PATIENCE_SECONDS = 0.9, 15


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One recording and whom it claims to be."""

    claimed: str
    body: Document


def enroll(client: Client, readers: Mapping[str, Reader]) -> list[str]:
    """Makes the domain and enrolls everybody who said enough; returns their names.

    Raises:
        RuntimeError: the service does not take them.
    """
    if (reply := client.send("PUT", f"/v1/domains/{DOMAIN}", SETTINGS)).status != 200:
        raise RuntimeError(f"the domain could not be made: {reply.document}")
    replies = {name: _enroll(client, reader) for name, reader in readers.items()}
    enrolled = [name for name, outcome in replies.items() if outcome == "ENROLLED"]
    if len(enrolled) < 2:
        raise RuntimeError(f"nobody to call could be enrolled: {replies}")
    return enrolled


def _enroll(client: Client, reader: Reader) -> str:
    body = {"audio": audio(wav(reader.enrollment)), "consent": consent(f"rehearsal-{reader.name}")}
    return client.send("POST", f"/v1/domains/{DOMAIN}/speakers/{reader.name}/enrollments", body).outcome


def calls(readers: Mapping[str, Reader], enrolled: Sequence[str], seed: int = 0) -> Iterator[RecordedCall]:
    """Draws calls forever: genuine or impostor, short or long, each the same way every time."""
    dice = random.Random(seed)  # noqa: S311 - has to repeat, not to be unpredictable
    recordings = {
        (name, seconds): {"audio": audio(wav(np.resize(readers[name].call, seconds * RATE)))}
        for name in enrolled
        for seconds in (SHORT_SECONDS, LONG_SECONDS)
    }
    while True:
        claimed = dice.choice(enrolled)
        others = [name for name in enrolled if name != claimed]
        spoke = dice.choice(others) if dice.randrange(100) < IMPOSTORS else claimed
        yield RecordedCall(claimed, recordings[spoke, LONG_SECONDS if dice.randrange(100) < LONG else SHORT_SECONDS])


class Traffic:
    """Calls the service until it is stopped."""

    def __init__(self, endpoint: str, source: Iterator[RecordedCall], calls_a_second: float) -> None:
        """Starts.

        Args:
            endpoint: URL of the API's stage.
            source: of the calls.
            calls_a_second: that are begun, as far as the machine can follow; 0 for silence.
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
        """Waits until most of the calls have begun that belong to this time, but not forever."""
        wanted, patience = ENOUGH * seconds * self._rate, time.monotonic() + PATIENCE_SECONDS
        while self._begun < wanted and time.monotonic() < patience:
            time.sleep(0.05)

    def _pause(self) -> float:
        """Seconds until the next call is due."""
        return max(0.0, self._started + self._begun / self._rate - time.monotonic())

    def _run(self) -> None:
        client = Client(self._endpoint)
        while not self._stop.wait(self._pause()):
            with self._lock:
                self._begun += 1
                call = next(self._source)
            client.send("POST", f"/v1/domains/{DOMAIN}/speakers/{call.claimed}/authentications", call.body)
        client.close()
