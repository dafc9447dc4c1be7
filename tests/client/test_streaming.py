"""A producer against a service that throttles, and one that never decides."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bonafide_client import (
    Client,
    LiveAudio,
    NotDecided,
    ProblemError,
    SessionProducer,
    SourceRecording,
    StreamProgress,
)
from local.aws.http import HttpHandler, LoopbackServer
from tests.client.evaluations import evaluation

SECONDS = 9
RECORDING = SourceRecording("mulaw", 8000, bytes(range(256)) * (SECONDS * 8000 // 256 + 1))
THROTTLED = (429, {"code": "audio_overload", "detail": "busy"})


class Service:
    """Takes one call. Each chunk is throttled once; evidence is there as soon as a chunk was taken."""

    def __init__(self, *, decides: bool = True, refuses: bool = False, old: bool = False) -> None:
        self.decides = decides
        self.old = old
        self.refuses = refuses
        self.lock = threading.Lock()
        self.started: dict[str, Any] = {}
        self.asked: list[int] = []
        self.chunks: dict[int, bytes] = {}
        self.count: int | None = None

    def answer(self, method: str, path: str, media_type: str, content: bytes) -> tuple[int, dict[str, Any]]:
        body: Any = json.loads(content or b"{}") if media_type == "application/json" else content
        with self.lock:
            if path.endswith("/sessions"):
                self.started = body
                return 200, {"session_id": "s-1"}
            if "/audio/" in path:
                return self._take(int(path.rsplit("/", 1)[1]), body)
            if path.endswith("/end"):
                self.count = body["chunks"]
                return 200, {}
            return 200, self._evaluation()

    def _take(self, number: int, body: Any) -> tuple[int, dict[str, Any]]:
        if self.old and isinstance(body, bytes):
            return 415, {"code": "media_type_unsupported", "detail": "Only JSON bodies are accepted."}
        self.asked.append(number)
        if self.refuses:
            return 409, {"code": "session_expired", "detail": "over"}
        if self.asked.count(number) == 1:
            return THROTTLED
        self.chunks[number] = body if isinstance(body, bytes) else base64.b64decode(body["content"])
        return 200, {"session_id": "s-1", "chunk": number, "accepted_at": "2026-01-01T00:00:00Z"}

    def _evaluation(self) -> dict[str, Any]:
        scored = len(self.chunks)
        final = self.decides and self.count == scored
        answer: dict[str, Any] = evaluation(scored, final=final)
        return answer


def serve(service: Service) -> LoopbackServer:
    class Scripted(HttpHandler):
        def serve(self) -> None:
            media_type, content = self.headers.get("Content-Type", ""), self.read_body(1 << 20)
            status, document = service.answer(self.command, self.path, media_type, content)
            self.answer(status, [], json.dumps(document).encode())

    for method in ("GET", "POST", "PUT"):
        setattr(Scripted, f"do_{method}", Scripted.serve)
    server = LoopbackServer(0, Scripted)
    server.start()
    return server


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Service, Client]]:
    service = Service(**getattr(request, "param", {}))
    server = serve(service)
    with Client(f"http://{server.address}/dev") as client:
        yield service, client
    server.stop()


def play(client: Client, **given: float) -> list[StreamProgress]:
    return list(SessionProducer(client, "acme", "ann", RECORDING).play(**{"speed": 0, **given}))


@pytest.mark.parametrize("running", [{}, {"old": True}], ids=["bytes", "base64"], indirect=True)
def test_every_chunk_arrives_though_each_was_turned_away_once(running: tuple[Service, Client]) -> None:
    service, client = running
    last = play(client)[-1]
    assert service.started == {"speaker": "ann", "format": {"encoding": "mulaw", "sample_rate": 8000}}
    assert b"".join(service.chunks[number] for number in sorted(service.chunks)) == RECORDING.data
    assert service.count == len(service.chunks) == last.accepted
    assert last.final
    assert last.retries == len(service.chunks)


def test_receipts_are_handed_on(running: tuple[Service, Client]) -> None:
    service, client = running
    receipts: list[int] = []
    producer = SessionProducer(client, "acme", "ann", RECORDING, lambda receipt: receipts.append(receipt["chunk"]))
    list(producer.play(speed=0))
    assert sorted(receipts) == sorted(service.chunks)


def test_audio_is_sent_while_it_is_recorded(running: tuple[Service, Client]) -> None:
    service, client = running
    counted: list[int] = []

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(RECORDING.data), 8000):
            counted.append(len(service.chunks))
            yield RECORDING.data[at : at + 8000]
            time.sleep(0.1)

    last = list(SessionProducer(client, "acme", "ann", LiveAudio("mulaw", 8000, pieces())).play(speed=0))[-1]
    assert last.final
    assert last.played == RECORDING.seconds
    assert counted[-1] > 0
    assert b"".join(service.chunks[number] for number in sorted(service.chunks)) == RECORDING.data


def test_a_recording_takes_as_long_as_it_was_spoken(running: tuple[Service, Client]) -> None:
    progress = play(running[1], speed=8.0)
    assert progress[-1].accepted == 3
    assert progress[-1].seconds >= RECORDING.seconds / 8.0
    assert progress[0].accepted == 0
    assert 0 <= progress[0].played < 8.0


@pytest.mark.parametrize("running", [{"refuses": True}], indirect=True)
def test_a_call_that_is_refused_ends_with_the_reason(running: tuple[Service, Client]) -> None:
    with pytest.raises(ProblemError, match="session_expired"):
        play(running[1])


@pytest.mark.parametrize("running", [{"refuses": True}], indirect=True)
def test_a_refusal_is_told_before_the_audio_ends(running: tuple[Service, Client]) -> None:
    with pytest.raises(ProblemError, match="session_expired"):
        play(running[1], speed=1.0, chunk_seconds=0.5)


@pytest.mark.parametrize("running", [{"decides": False}], indirect=True)
def test_a_call_that_nobody_decides_is_given_up(running: tuple[Service, Client]) -> None:
    with pytest.raises(NotDecided, match="was not decided"):
        play(running[1], decision_seconds=0.0)


@pytest.mark.parametrize("running", [{"decides": False}], indirect=True)
def test_waiting_for_a_decision_ends_as_well(running: tuple[Service, Client]) -> None:
    with pytest.raises(NotDecided, match="no final decision"):
        running[1].wait_for_decision("acme", "s-1", seconds=0.0, poll=0.0)


def test_a_decision_is_waited_for(running: tuple[Service, Client]) -> None:
    service, client = running
    service.count = 0
    assert client.wait_for_decision("acme", "s-1")["decision_id"] == "d-1"
