"""A call as its producer sees it: chunks go out as they are recorded, and what the service makes of them comes back."""

import base64
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from local.demo.client import Document
from local.stream.client import Client, GaveUpError
from local.stream.recording import CHUNK_SECONDS, SourceRecording

# More than one, so that a chunk whose turn comes again later does not hold up those behind it.
SENDERS = 4
POLL_SECONDS = 0.25
# The service decides at the latest 30 s after the end, or when it looks for forgotten calls a minute later.
FINAL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """One look at the call.

    Attributes:
        seconds: since its start.
        played: seconds of audio that were recorded so far.
        accepted: chunks that the service took.
        lag: seconds from acceptance until evidence showed, of the newest chunk whose evidence did; None before.
        retries: requests that had to be repeated so far.
        evaluation: as the service answered.
    """

    seconds: float
    played: float
    accepted: int
    lag: float | None
    retries: int
    evaluation: Document

    @property
    def final(self) -> bool:
        """Whether the decision stands."""
        return bool(self.evaluation["status"] == "FINAL")


class StreamedSession:
    """Plays a recording into a session of its own."""

    def __init__(self, endpoint: str, domain: str, speaker: str | None, recording: SourceRecording) -> None:
        self._endpoint = endpoint
        self._recording = recording
        self._own = threading.local()
        self._stopped = threading.Event()
        self._clients: list[Client] = []
        self._accepted: list[float] = []
        self._lag: float | None = None
        self._seen = 0
        audio = {"encoding": recording.encoding, "sample_rate": recording.rate}
        sessions = f"/v1/domains/{domain}/sessions"
        session = self._client.send("POST", sessions, {"speaker": speaker, "format": audio})
        self.session = str(session["session_id"])
        self._path = f"{sessions}/{self.session}"

    def play(self, speed: float = 1.0, chunk_seconds: float = CHUNK_SECONDS) -> Iterator[SessionSnapshot]:
        """Sends each chunk when it would have been recorded, ends the call, and looks at it until it is decided.

        Args:
            speed: how much faster than it was spoken; 0 is as fast as the service takes it.
            chunk_seconds: length of a chunk.

        Raises:
            RefusedError: the service refuses the call or a chunk for good.
            GaveUpError: it does not answer, or does not decide.
        """
        chunks = list(self._recording.chunks(chunk_seconds))
        senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        sending: list[Future[None]] = []
        started, ended_at = time.monotonic(), float("inf")
        try:
            while time.monotonic() < ended_at + FINAL_SECONDS:
                played = self._played(time.monotonic() - started, speed)
                while len(sending) < len(chunks) and self._recorded(len(sending), chunks, chunk_seconds) <= played:
                    sending.append(senders.submit(self._put, len(sending), chunks[len(sending)]))
                if ended_at == float("inf") and len(sending) == len(chunks) and _all_done(sending):
                    self._client.send("POST", f"{self._path}/end", {"chunks": len(chunks)})
                    ended_at = time.monotonic()
                look = self._look(time.monotonic() - started, played)
                yield look
                if look.final:
                    return
                time.sleep(POLL_SECONDS)
        finally:
            self._stopped.set()
            senders.shutdown(cancel_futures=True)
            for client in self._clients:
                client.close()
        raise GaveUpError(f"the call {self.session} was not decided {FINAL_SECONDS:.0f} s after its end")

    def _played(self, elapsed: float, speed: float) -> float:
        return min(elapsed * speed, self._recording.seconds) if speed else self._recording.seconds

    def _recorded(self, number: int, chunks: list[bytes], chunk_seconds: float) -> float:
        """When a chunk has been spoken, in seconds of the recording."""
        last = number == len(chunks) - 1
        return self._recording.seconds if last else (number + 1) * chunk_seconds

    def _put(self, number: int, chunk: bytes) -> None:
        self._client.send("PUT", f"{self._path}/audio/{number}", {"content": base64.b64encode(chunk).decode()})
        self._accepted.append(time.monotonic())

    def _look(self, seconds: float, played: float) -> SessionSnapshot:
        evaluation = self._client.send("GET", f"{self._path}/evaluation")
        scored = int(evaluation["chunks"]["scored"])
        if self._seen < scored <= len(self._accepted):
            self._seen, self._lag = scored, time.monotonic() - self._accepted[scored - 1]
        retries = sum(client.retries for client in self._clients)
        return SessionSnapshot(seconds, played, len(self._accepted), self._lag, retries, evaluation)

    @property
    def _client(self) -> Client:
        """One a thread, since a connection takes one request at a time."""
        if not hasattr(self._own, "client"):
            self._own.client = Client(self._endpoint, sleep=self._stopped.wait)
            self._clients.append(self._own.client)
        client: Client = self._own.client
        return client


def _all_done(sending: list[Future[None]]) -> bool:
    """Raises what a sender raised, as soon as it is known."""
    done = [each for each in sending if each.done()]
    for each in done:
        each.result()
    return len(done) == len(sending)
