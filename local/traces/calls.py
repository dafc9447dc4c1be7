"""Traced requests whose names all contain a marker, so that names can be found in logs."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bonafide.audio.waveform import Samples
from bonafide_client import NO_RETRIES, Client, bodies
from layers.golden.readers import RATE, wav
from local.aws.xray import header

CHUNKS = 2
CHUNK_SECONDS = 2
FINAL_SECONDS = 30
# One call in STREAMED is streamed, and one in REFUSED has to be refused.
STREAMED, REFUSED = 20, 10


@dataclass(frozen=True, slots=True)
class TracedAnswer:
    """An answer with the ids of its request.

    Attributes:
        trace: trace id of X-Ray.
        request_id: id from the answer's header.
    """

    status: int
    document: dict[str, Any]
    trace: str
    request_id: str


@dataclass(frozen=True, slots=True)
class TracedSession:
    """The answers to the requests of one session."""

    start: TracedAnswer
    chunks: Sequence[TracedAnswer]
    final: TracedAnswer


@dataclass(slots=True)
class TracedCalls:
    """The answers to all calls, whose names contain `marker`.

    Attributes:
        marker: part of every speaker, call, receipt and key.
        decided: answers of authentications.
        streamed: sessions.
        refused: answers to requests that have to be refused.
    """

    marker: str = field(default_factory=lambda: f"mark{uuid.uuid4().hex[:12]}")
    decided: list[TracedAnswer] = field(default_factory=list)
    streamed: list[TracedSession] = field(default_factory=list)
    refused: list[TracedAnswer] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Number of calls."""
        return len(self.decided) + len(self.streamed) + len(self.refused)


class TracedCaller:
    """Calls an endpoint with sequential, traced requests."""

    def __init__(self, endpoint: str, domain: str, voices: Mapping[str, Samples]) -> None:
        """Takes endpoint, domain and voices.

        Args:
            endpoint: URL of the API's stage.
            domain: domain to create.
            voices: speech at 16 kHz by the person's name, shape (n,) each, enough to enroll and to call.
        """
        # Each request is sent once, so that each has one trace.
        self._client = Client(endpoint, timeout=60, retries=NO_RETRIES)
        self._domain = domain
        self._voices = list(voices.values())
        self.calls = TracedCalls()

    def run(self, number: int) -> TracedCalls:
        """Enrolls all voices and makes a number of calls."""
        policy = {"minimum_enrolment_seconds": 5, "minimum_decision_seconds": 1}
        self._send("PUT", "", {"policy": policy, "retention": {"keep_audio": True, "replay_days": 0}})
        for index, voice in enumerate(self._voices):
            body = {"consent": bodies.consent(self._name("receipt", index)), "audio": bodies.audio(wav(voice))}
            self._send("POST", f"{self._speaker(index)}/enrollments", body)
        for index in range(number):
            self._call(index)
        self._client.close()
        return self.calls

    def _call(self, index: int) -> None:
        if index % STREAMED == 1:
            self.calls.streamed.append(self._stream(index))
        elif index % REFUSED == 2:
            self.calls.refused.append(self._refused(index))
        else:
            self.calls.decided.append(self._authenticate(index))

    def _authenticate(self, index: int) -> TracedAnswer:
        body = {"audio": bodies.audio(wav(self._cut(index, 3))), "context": {"call_id": self._name("call", index)}}
        claimed = self._speaker(index % 3 % len(self._voices))
        return self._send("POST", f"{claimed}/authentications", body, key=self._name("key", index))

    def _refused(self, index: int) -> TracedAnswer:
        """Sends an invalid request, with names in every place that an error might quote."""
        sound, call = bodies.audio(wav(self._cut(index, 1))), {"call_id": self._name("call", index)}
        requests: list[tuple[str, Any]] = [
            (f"{self._speaker(77)}/authentications", {"audio": sound, "context": call}),
            (f"{self._speaker(0)}/authentications", {"audio": {"content": self._name("audio", index)}}),
            (f"{self._speaker(0)}/authentications", {"audio": {"upload": self._name("upload", index)}}),
            (f"{self._speaker(0)}/authentications", {"audio": sound, self._name("field", index): 1}),
            (f"{self._speaker(0)}/authentications", self._name("body", index)),
            (f"/sessions/{self._name('session', index)}/end", {"chunks": 2}),
        ]
        path, body = requests[index // REFUSED % len(requests)]
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
            self._send("PUT", f"{path}/audio/{number}", bodies.audio(_pcm(piece)))
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
        target = f"/v1/domains/{self._domain}{path}"
        response = self._client.request(method, target, body, key=key, headers={"X-Amzn-Trace-Id": trace})
        root = trace.partition(";")[0].removeprefix("Root=")
        return TracedAnswer(response.status, response.document, root, response.headers.get("X-Request-Id", ""))

    def _name(self, kind: str, index: int) -> str:
        return f"{self.calls.marker}-{kind}-{index}"

    def _speaker(self, index: int) -> str:
        return f"/speakers/{self._name('speaker', index)}"

    def _cut(self, index: int, seconds: int) -> Samples:
        voice = self._voices[index % len(self._voices)]
        start = index * RATE // 2 % (len(voice) - seconds * RATE)
        return voice[start : start + seconds * RATE]


def _pcm(samples: Samples) -> bytes:
    return wav(samples)[44:]
