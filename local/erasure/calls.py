"""People who enroll, call and stream sessions, while some of them are erased."""

import threading
from contextlib import suppress
from dataclasses import dataclass, field

from bonafide_client import Client, NotDecided, ProblemError, bodies
from bonafide_client.recording import SourceRecording
from bonafide_client.streaming import SessionProducer
from layers.golden.readers import Reader, wav

PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Streamer:
    """Somebody who calls one domain."""

    domain: str
    name: str
    reader: Reader


@dataclass
class Line:
    """Calls that go on until they are stopped.

    Attributes:
        client: of the deployment.
        sessions: names of the sessions that began, by the person's name.
    """

    client: Client
    sessions: dict[str, list[str]] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def enroll(self, person: Streamer) -> None:
        """Enrolls somebody from an upload, and lets them call once."""
        upload = self.client.upload(person.domain, wav(person.reader.enrollment))
        self.client.enroll(person.domain, person.name, {"upload": upload}, bodies.consent(f"receipt-{person.name}"))
        self.call(person)

    def call(self, person: Streamer) -> str:
        """Lets somebody call; returns the decision, or the code of the problem."""
        try:
            return self.client.authenticate(person.domain, person.name, wav(person.reader.call))["decision"]
        except ProblemError as problem:
            return problem.code

    def begin(self, person: Streamer, other: Streamer | None = None) -> None:
        """Lets somebody stream sessions, one after the other; in each somebody else is claimed then, if wanted."""
        thread = threading.Thread(target=self._keep_streaming, args=(person, other))
        self._threads.append(thread)
        thread.start()

    def leave(self, *people: Streamer) -> None:
        """Lets some begin no more sessions."""
        self._gone |= {each.name for each in people}

    def stop(self) -> None:
        """Ends the sessions, and waits for that."""
        self._stopped.set()
        for each in self._threads:
            each.join()

    def _keep_streaming(self, person: Streamer, other: Streamer | None) -> None:
        while not self._stopped.is_set() and person.name not in self._gone:
            # Whoever is erased is refused from then on.
            with suppress(ProblemError, NotDecided, OSError):
                self._stream(person, other)
            self._stopped.wait(PAUSE_SECONDS)

    def _stream(self, person: Streamer, other: Streamer | None) -> None:
        producer = SessionProducer(
            self.client, person.domain, person.name, SourceRecording.read(wav(person.reader.call))
        )
        self.sessions.setdefault(person.name, []).append(producer.session)
        for _ in producer.play():
            if other:
                self.client.claim(person.domain, producer.session, other.name)
            if self._stopped.is_set():
                return
