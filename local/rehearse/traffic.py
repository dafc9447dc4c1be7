"""Callers: real recordings, of the person claimed or of somebody else, sent at a steady rate."""

import itertools
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.demo.client import Client, Document, audio, consent
from local.demo.readers import RATE, Reader, wav

DOMAIN = "rehearsal"
# The readers' recordings are short, so the tenant asks for less speech than by default.
SETTINGS: Document = {"policy": {"minimum_enrolment_seconds": 6}}
SHORT_SECONDS, LONG_SECONDS = 5, 8
# Of a hundred calls.
IMPOSTORS, LONG = 30, 25
CALLERS = 2


@dataclass(frozen=True, slots=True)
class Call:
    """One recording and whom it claims to be."""

    claimed: str
    body: Document


def enrol(client: Client, readers: Mapping[str, Reader]) -> list[str]:
    """Makes the tenant and enrols everybody who said enough; returns their names.

    Raises:
        RuntimeError: the service does not take them.
    """
    if (reply := client.send("PUT", f"/v1/domains/{DOMAIN}", SETTINGS)).status != 200:
        raise RuntimeError(f"the tenant could not be made: {reply.document}")
    replies = {name: _enrol(client, reader) for name, reader in readers.items()}
    enrolled = [name for name, outcome in replies.items() if outcome == "ENROLLED"]
    if len(enrolled) < 2:
        raise RuntimeError(f"nobody to call could be enrolled: {replies}")
    return enrolled


def _enrol(client: Client, reader: Reader) -> str:
    body = {"audio": audio(wav(reader.enrolment)), "consent": consent(f"rehearsal-{reader.name}")}
    return client.send("POST", f"/v1/domains/{DOMAIN}/speakers/{reader.name}/enrollments", body).outcome


def calls(readers: Mapping[str, Reader], enrolled: Sequence[str], seed: int = 0) -> Iterator[Call]:
    """Draws calls for ever: genuine or impostor, short or long, each the same way every time."""
    dice = random.Random(seed)  # noqa: S311 - has to repeat, not to be unpredictable
    recordings = {
        (name, seconds): {"audio": audio(wav(readers[name].call[: seconds * RATE]))}
        for name in enrolled
        for seconds in (SHORT_SECONDS, LONG_SECONDS)
    }
    while True:
        claimed = dice.choice(enrolled)
        others = [name for name in enrolled if name != claimed]
        spoke = dice.choice(others) if dice.randrange(100) < IMPOSTORS else claimed
        yield Call(claimed, recordings[spoke, LONG_SECONDS if dice.randrange(100) < LONG else SHORT_SECONDS])


class Traffic:
    """Calls the service until it is stopped."""

    def __init__(self, endpoint: str, source: Iterator[Call], calls_a_second: float) -> None:
        """Starts.

        Args:
            endpoint: URL of the API's stage.
            source: of the calls.
            calls_a_second: that are begun, as far as the machine can follow; 0 for silence.
        """
        self._endpoint = endpoint
        self._source = source
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pause = CALLERS / calls_a_second if calls_a_second else None
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CALLERS if self._pause else 0)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all calls."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        client = Client(self._endpoint)
        for _ in itertools.count():
            with self._lock:
                call = next(self._source)
            reply = client.send("POST", f"/v1/domains/{DOMAIN}/speakers/{call.claimed}/authentications", call.body)
            if self._stop.wait(max(0.0, (self._pause or 0) - reply.milliseconds / 1000)):
                return
