"""A producer: sends audio into a session chunk by chunk, and yields what the service makes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bonafide_client.answers import EvaluationDocument, ReceiptDocument
from bonafide_client.chunks import CHUNK_SECONDS, width
from bonafide_client.client import DECISION_SECONDS, POLL_SECONDS, Client
from bonafide_client.errors import NotDecided

# More than one, so that a chunk that waits for its next attempt does not hold up those behind it.
SENDERS = 4


class ChunkSource(Protocol):
    """Audio that can be cut into chunks: a `SourceRecording` or `LiveAudio`."""

    @property
    def encoding(self) -> str:
        """pcm_s16le, alaw or mulaw."""

    @property
    def rate(self) -> int:
        """Samples a second."""

    @property
    def seconds(self) -> float | None:
        """Duration; None while it is recorded."""

    def chunks(self, seconds: float) -> Iterator[bytes]:
        """Cuts into chunks of so many seconds."""


@dataclass(frozen=True)
class StreamProgress:
    """State of a session that is streamed.

    Attributes:
        seconds: since its start.
        played: seconds of audio that were recorded so far.
        accepted: chunks that the service took.
        lag: seconds from acceptance to evidence, of the newest chunk whose evidence showed; None before.
        retries: requests that had to be repeated so far.
        evaluation: as the service answered.
    """

    seconds: float
    played: float
    accepted: int
    lag: float | None
    retries: int
    evaluation: EvaluationDocument

    @property
    def final(self) -> bool:
        """True once the decision is final."""
        return self.evaluation["status"] == "FINAL"


class SessionProducer:
    """Starts a session and streams one source of audio into it.

    Attributes:
        session: its id.
    """

    def __init__(
        self,
        client: Client,
        domain: str,
        speaker: str | None,
        source: ChunkSource,
        on_receipt: Callable[[ReceiptDocument], object] | None = None,
    ) -> None:
        """Starts the session.

        Args:
            client: stays open.
            domain: of the speaker.
            speaker: who the caller claims to be; None if nobody said it yet.
            source: of audio.
            on_receipt: called with each receipt, in a thread of a sender.

        Raises:
            ProblemError: the service does not take the session.
        """
        self._stopped = threading.Event()
        # A retry that waits ends with the producer.
        self._client = client.sleeping(self._stopped.wait)
        self._domain = domain
        self._source = source
        self._on_receipt = on_receipt
        self._recorded = 0.0
        self._sending: list[Future[None]] = []
        self._accepted: list[float] = []
        self._scored = 0
        self._lag: float | None = None
        audio = {"encoding": source.encoding, "sample_rate": source.rate}
        self.session = self._client.start_session(domain, audio, speaker=speaker)["session_id"]

    def play(
        self, speed: float = 1.0, chunk_seconds: float = CHUNK_SECONDS, decision_seconds: float = DECISION_SECONDS
    ) -> Iterator[StreamProgress]:
        """Sends each chunk when it would have been recorded, ends the session, and evaluates it until it is decided.

        Args:
            speed: times real time; 0 is as fast as the source and the service allow.
            chunk_seconds: length of a chunk.
            decision_seconds: to wait for the decision after the end.

        Raises:
            ProblemError: the service refuses the session or a chunk.
            NotDecided: there is no decision in time.
        """
        senders = ThreadPoolExecutor(SENDERS + 1, thread_name_prefix="bonafide-sender")
        started, ended = time.monotonic(), float("inf")
        try:
            feeding = senders.submit(self._feed, senders, started, speed, chunk_seconds)
            while time.monotonic() < ended + decision_seconds:
                if ended == float("inf") and self._all_sent(feeding):
                    self._client.end_session(self._domain, self.session, len(self._sending))
                    ended = time.monotonic()
                progress = self._progress(time.monotonic() - started, speed)
                yield progress
                if progress.final:
                    return
                time.sleep(POLL_SECONDS)
        finally:
            self._stopped.set()
            senders.shutdown(cancel_futures=True)
        raise NotDecided(f"the session {self.session} was not decided {decision_seconds:.0f} s after its end")

    def _feed(self, senders: ThreadPoolExecutor, started: float, speed: float, chunk_seconds: float) -> None:
        """Hands out each chunk when it has been recorded."""
        total, bytes_a_second = 0, width(self._source.encoding) * self._source.rate
        for number, chunk in enumerate(self._source.chunks(chunk_seconds)):
            total += len(chunk)
            self._recorded = total / bytes_a_second
            due = started + self._recorded / speed if speed else 0.0
            if self._stopped.wait(max(0.0, due - time.monotonic())):
                break
            self._sending.append(senders.submit(self._put, number, chunk))

    def _all_sent(self, feeding: Future[None]) -> bool:
        """Returns True once all chunks are accepted; raises the error of any chunk as soon as it is known."""
        fed = feeding.done()
        done = [each for each in [feeding, *self._sending] if each.done()]
        for each in done:
            each.result()
        return fed and len(done) == len(self._sending) + 1

    def _put(self, number: int, chunk: bytes) -> None:
        receipt = self._client.put_audio(self._domain, self.session, number, chunk)
        self._accepted.append(time.monotonic())
        if self._on_receipt:
            self._on_receipt(receipt)

    def _progress(self, seconds: float, speed: float) -> StreamProgress:
        evaluation = self._client.evaluate(self._domain, self.session)
        scored = int(evaluation["chunks"]["scored"])
        if self._scored < scored <= len(self._accepted):
            self._scored, self._lag = scored, time.monotonic() - self._accepted[scored - 1]
        played, retries = self._played(seconds, speed), self._client.counts.retries
        return StreamProgress(seconds, played, len(self._accepted), self._lag, retries, evaluation)

    def _played(self, elapsed: float, speed: float) -> float:
        length = self._source.seconds
        if length is None:
            return self._recorded
        return min(elapsed * speed, length) if speed else length
