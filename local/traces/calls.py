"""Calls whose every name is a marker, so that a name that gets into a log can be found there."""

import base64
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE, wav
from local.aws.xray import header

CHUNKS = 2
CHUNK_SECONDS = 2
FINAL_SECONDS = 30
# Every n-th call is streamed, and every n-th is one that has to be refused.
STREAMED, REFUSED = 20, 10

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TracedAnswer:
    """What came back for one request.

    Attributes:
        trace: the id that X-Ray knows the request by.
        request_id: the id that the answer's header gave.
    """

    status: int
    document: Document
    trace: str
    request_id: str


@dataclass(frozen=True, slots=True)
class TracedSession:
    """The requests of one streamed call."""

    start: TracedAnswer
    chunks: Sequence[TracedAnswer]
    final: TracedAnswer


@dataclass(slots=True)
class TracedCalls:
    """What was called; all names in it hold `marker`.

    Attributes:
        marker: part of every speaker, call, receipt and key.
        decided: answers of authentications.
        streamed: calls in chunks.
        refused: answers to requests that have to be refused.
    """

    marker: str = field(default_factory=lambda: f"mark{uuid.uuid4().hex[:12]}")
    decided: list[TracedAnswer] = field(default_factory=list)
    streamed: list[TracedSession] = field(default_factory=list)
    refused: list[TracedAnswer] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many calls there were."""
        return len(self.decided) + len(self.streamed) + len(self.refused)


class TracedCaller:
    """Calls an endpoint, one request after the other, and has each of them traced."""

    def __init__(self, endpoint: str, domain: str, voices: Mapping[str, Samples]) -> None:
        """Prepares to call.

        Args:
            endpoint: URL.
            domain: to create and call.
            voices: speech at 16 kHz by the person's name, shape (n,) each; enough to enroll with and to call.
        """
        parts = urlsplit(endpoint)
        self._place, self._base, self._domain = parts.netloc, parts.path, domain
        self._voices = list(voices.values())
        self.calls = TracedCalls()

    def run(self, number: int) -> TracedCalls:
        """Enrolls everybody and makes that many calls."""
        policy = {"minimum_enrolment_seconds": 5, "minimum_decision_seconds": 1}
        self._send("PUT", "", {"policy": policy, "retention": {"keep_audio": True}})
        for index, voice in enumerate(self._voices):
            given_at = datetime.now(UTC) - timedelta(minutes=1)
            consent = {"receipt_id": self._name("receipt", index), "given_at": given_at.isoformat()}
            self._send("POST", f"{self._speaker(index)}/enrollments", {"consent": consent, "audio": _audio(voice)})
        for index in range(number):
            self._call(index)
        return self.calls

    def _call(self, index: int) -> None:
        if index % STREAMED == 1:
            self.calls.streamed.append(self._stream(index))
        elif index % REFUSED == 2:
            self.calls.refused.append(self._refused(index))
        else:
            self.calls.decided.append(self._authenticate(index))

    def _authenticate(self, index: int) -> TracedAnswer:
        body = {"audio": _audio(self._cut(index, 3)), "context": {"call_id": self._name("call", index)}}
        claimed = self._speaker(index % 3 % len(self._voices))
        return self._send("POST", f"{claimed}/authentications", body, key=self._name("key", index))

    def _refused(self, index: int) -> TracedAnswer:
        """Asks for what cannot be, with names in every place that an error might quote."""
        sound, call = _audio(self._cut(index, 1)), {"call_id": self._name("call", index)}
        bodies: list[tuple[str, Any]] = [
            (f"{self._speaker(77)}/authentications", {"audio": sound, "context": call}),
            (f"{self._speaker(0)}/authentications", {"audio": {"content": self._name("audio", index)}}),
            (f"{self._speaker(0)}/authentications", {"audio": {"upload": self._name("upload", index)}}),
            (f"{self._speaker(0)}/authentications", {"audio": sound, self._name("field", index): 1}),
            (f"{self._speaker(0)}/authentications", self._name("body", index)),
            (f"/sessions/{self._name('session', index)}/end", {"chunks": 2}),
        ]
        path, body = bodies[index // REFUSED % len(bodies)]
        return self._send("POST", path, body, key=self._name("key", index))

    def _stream(self, index: int) -> TracedSession:
        speaker, call = self._speaker(0).rpartition("/")[2], {"call_id": self._name("call", index)}
        start = self._send(
            "POST", "/sessions", {"speaker": speaker, "format": {"encoding": "pcm_s16le", "sample_rate": RATE},
            "context": call}
        )  # fmt: skip
        path = f"/sessions/{start.document['session_id']}"
        pieces = [self._cut(index + number, CHUNK_SECONDS) for number in range(CHUNKS)]
        chunks = [
            self._send("PUT", f"{path}/audio/{number}", {"content": _base64(_pcm(piece))})
            for number, piece in enumerate(pieces)
        ]
        self._send("POST", f"{path}/end", {"chunks": CHUNKS})
        return TracedSession(start, chunks, self._final(f"{path}/evaluation"))

    def _final(self, path: str) -> TracedAnswer:
        deadline = time.monotonic() + FINAL_SECONDS
        while (answer := self._send("GET", path)).document.get("status") != "FINAL":
            if time.monotonic() > deadline:
                raise TimeoutError(f"no final decision: {answer}")
            time.sleep(0.1)
        return answer

    def _send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> TracedAnswer:
        trace = header(str(uuid.uuid4()), sampled=True)
        headers = {"Content-Type": "application/json", "X-Amzn-Trace-Id": trace}
        headers |= {"Idempotency-Key": key} if key else {}
        with closing(HTTPConnection(self._place, timeout=60)) as connection:
            connection.request(method, f"{self._base}/v1/domains/{self._domain}{path}", json.dumps(body), headers)
            response = connection.getresponse()
            document = json.loads(response.read() or b"{}")
        root = trace.partition(";")[0].removeprefix("Root=")
        return TracedAnswer(response.status, document, root, response.getheader("X-Request-Id", ""))

    def _name(self, kind: str, index: int) -> str:
        return f"{self.calls.marker}-{kind}-{index}"

    def _speaker(self, index: int) -> str:
        return f"/speakers/{self._name('speaker', index)}"

    def _cut(self, index: int, seconds: int) -> Samples:
        voice = self._voices[index % len(self._voices)]
        start = index * RATE // 2 % (len(voice) - seconds * RATE)
        return voice[start : start + seconds * RATE]


def _audio(samples: Samples) -> Document:
    return {"content": _base64(wav(samples))}


def _pcm(samples: Samples) -> bytes:
    return wav(samples)[44:]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
