"""Sends hostile requests to a deployment on this machine, one after the other, and says what they did."""

import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from random import Random
from typing import Any
from urllib.parse import urlsplit

from benchmarks.hostile.audio import OddAudio, odd_audio
from benchmarks.hostile.bodies import Contract, OddRequest, with_audio
from benchmarks.hostile.meter import ProcessMeter
from bonafide.audio.waveform import Samples
from bonafide_client import Client, bodies
from local.runner import Deployment

DOMAIN, SPEAKER = "hostile", "ann"
# Functions that answer nobody; they have work of their own meanwhile.
APART = {"close_sessions", "compare_speakers", "probe_release", "probe_service", "score_audio", "shadow_challenger"}
APART |= {"watch_drift"}
TIMEOUT = 60
# Of a function's memory, and processor seconds of one request, whose function would be ended after 29 s.
MOST_MEMORY, MOST_SECONDS = 0.8, 10.0
AUDIO_SHARE = 0.4


@dataclass
class HostileRun:
    """The effect of the requests.

    Attributes:
        statuses: how often each status was answered.
        faults: requests that were answered by 5xx or by nothing, with their number.
        slowest: processor seconds of the costliest request, with its number and name.
        memory: the most memory of each function, as a part of what it has.
        ended: functions of which a process ended.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    memory: Mapping[str, float] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    @property
    def bounded(self) -> bool:
        """Tells whether nothing failed, and memory and time stayed below their bounds."""
        within = self.slowest[0] <= MOST_SECONDS and max(self.memory.values()) <= MOST_MEMORY
        return within and not self.faults and not self.ended

    def report(self) -> str:
        """Returns a few lines for people."""
        most = sorted(self.memory.items(), key=lambda each: -each[1])[:4]
        return "\n".join(
            [
                f"answers      {', '.join(f'{status}: {count}' for status, count in sorted(self.statuses.items()))}",
                f"5xx or none  {len(self.faults)} {self.faults[:5]}",
                f"ended        {', '.join(self.ended) or 'no process'}",
                f"memory       {', '.join(f'{name} {share:.0%}' for name, share in most)} (bound {MOST_MEMORY:.0%})",
                f"longest      {self.slowest[0]:.2f} s of processor, {self.slowest[1]} (bound {MOST_SECONDS:.0f} s)",
            ]
        )


def prepare(endpoint: str, recording: dict[str, Any]) -> str:
    """Creates a domain, a speaker and a session that the requests may name; returns the session.

    Args:
        endpoint: URL of the API's stage.
        recording: of one person, as requests hold it.
    """
    with Client(endpoint) as client:
        client.request("PUT", f"/v1/domains/{DOMAIN}", {})
        enrollment = {"consent": bodies.consent("receipt"), "audio": recording}
        client.request("POST", f"/v1/domains/{DOMAIN}/speakers/{SPEAKER}/enrollments", enrollment)
        opened = client.request("POST", f"/v1/domains/{DOMAIN}/sessions", {"format": {"encoding": "flac"}})
        return str(opened.document["session_id"])


def hostile_requests(seed: int, speech: Samples, session: str = "none") -> Iterator[OddRequest]:
    """Yields requests without end; the same seed yields the same ones."""
    random = Random(seed)  # noqa: S311
    recordings = odd_audio(random, speech)
    names = {"domain": DOMAIN, "speaker": SPEAKER, "session": session, "n": "0", "version": "1"}
    documents = Contract(names).requests(random)
    while True:
        yield _recording(next(recordings), session, random) if random.random() < AUDIO_SHARE else next(documents)


def _recording(audio: OddAudio, session: str, random: Random) -> OddRequest:
    """Puts a recording into a call, an enrollment or a chunk."""
    place = random.choice(("call", "call", "enrollment", "chunk"))
    if place == "chunk":
        target = f"/v1/domains/{DOMAIN}/sessions/{session}/audio/{random.randrange(50)}"
        return OddRequest(audio.name, "PUT", target, audio.content, "application/octet-stream")
    if place == "call":
        return with_audio(audio, "POST", f"/v1/domains/{DOMAIN}/speakers/{SPEAKER}/authentications", random)
    consent = {"receipt_id": "receipt", "given_at": datetime.now(UTC).isoformat()}
    target = f"/v1/domains/{DOMAIN}/speakers/eve{random.randrange(9)}/enrollments"
    return with_audio(audio, "POST", target, random, consent=consent)


def attack(running: Deployment, requests: Iterator[OddRequest], count: int) -> HostileRun:
    """Sends so many requests."""
    functions = {name: each for name, each in running.functions.items() if name not in APART}
    meter, result = ProcessMeter.of(functions), HostileRun()
    for number in range(count):
        request = next(requests)
        _take(result, f"{number} ({request.name}, {request.method} {request.target[:60]})", running.endpoint, request)
        seconds = meter.seconds()
        result.slowest = max(result.slowest, (seconds, f"request {number}, {request.name}"))
    result.memory, result.ended = meter.memory(), meter.ended()
    return result


def _take(result: HostileRun, name: str, endpoint: str, request: OddRequest) -> None:
    try:
        status = send(endpoint, request)
    except (OSError, HTTPException) as error:
        result.faults.append(f"{name}: {error!r}")
        return
    result.statuses[status] += 1
    if status >= 500:
        result.faults.append(f"{name}: {status}")


def send(endpoint: str, request: OddRequest) -> int:
    """Sends a request as it is, over a connection of its own; returns the status of the answer."""
    parts = urlsplit(endpoint)
    head = [f"{request.method} {parts.path}{request.target} HTTP/1.1", "Host: local", "Connection: close"]
    head += [
        f"Content-Length: {len(request.body)}",
        *([f"Content-Type: {request.media_type}"] if request.media_type else []),
    ]
    with socket.create_connection((parts.hostname or "", parts.port or 80), TIMEOUT) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + request.body)
        response = HTTPResponse(connection, method=request.method)
        response.begin()
        response.read()
        return response.status
