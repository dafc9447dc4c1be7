"""A producer against a service that throttles, and one that never decides; what it prints meanwhile."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.http import HttpHandler, LoopbackServer
from local.stream import call as produce_call
from local.stream.call import SessionSnapshot, StreamedSession
from local.stream.client import GaveUpError, RefusedError
from local.stream.recording import SourceRecording
from local.stream.view import SessionView

SECONDS = 9
RECORDING = SourceRecording("mulaw", 8000, bytes(range(256)) * (SECONDS * 8000 // 256 + 1))
THROTTLED = (429, {"code": "audio_overload", "detail": "busy"})


class Service:
    """Takes one call. Each chunk is throttled once; evidence is there as soon as a chunk was taken."""

    def __init__(self, *, decides: bool = True, refuses: bool = False) -> None:
        self.decides = decides
        self.refuses = refuses
        self.lock = threading.Lock()
        self.started: dict[str, Any] = {}
        self.asked: list[int] = []
        self.chunks: dict[int, bytes] = {}
        self.count: int | None = None

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
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

    def _take(self, number: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(number)
        if self.refuses:
            return 409, {"code": "session_expired", "detail": "over"}
        if self.asked.count(number) == 1:
            return THROTTLED
        self.chunks[number] = base64.b64decode(body["content"])
        return 200, {}

    def _evaluation(self) -> dict[str, Any]:
        scored = len(self.chunks)
        final = self.decides and self.count == scored
        return {
            "evaluation_id": f"e-{scored}",
            "status": "FINAL" if final else "OPEN",
            "decision_id": "d-1" if final else None,
            "decision": "ACCEPT" if scored else "INCONCLUSIVE",
            "reasons": ["VOICE_MATCH"] if scored else ["NOT_ENOUGH_SPEECH"],
            "speaker": {"llr": 5.25, "score": 93.1, "threshold": 0.0} if scored else None,
            "liveness": {"llr": 2.5, "score": 92.4, "threshold": -1.4, "state": "bona_fide"} if scored else None,
            "speech_seconds": 4.0 * scored,
            "chunks": {"scored": scored},
        }


def serve(service: Service) -> LoopbackServer:
    class Scripted(HttpHandler):
        def serve(self) -> None:
            body = json.loads(self.read_body(1 << 20) or b"{}")
            status, document = service.answer(self.command, self.path, body)
            self.answer(status, [], json.dumps(document).encode())

    for method in ("GET", "POST", "PUT"):
        setattr(Scripted, f"do_{method}", Scripted.serve)
    server = LoopbackServer(0, Scripted)
    server.start()
    return server


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Service, str]]:
    service = Service(**getattr(request, "param", {}))
    server = serve(service)
    yield service, f"http://{server.address}/dev"
    server.stop()


def test_every_chunk_arrives_though_each_was_turned_away_once(running: tuple[Service, str]) -> None:
    service, endpoint = running
    last = list(StreamedSession(endpoint, "acme", "ann", RECORDING).play(speed=0))[-1]
    assert service.started == {"speaker": "ann", "format": {"encoding": "mulaw", "sample_rate": 8000}}
    assert b"".join(service.chunks[number] for number in sorted(service.chunks)) == RECORDING.data
    assert service.count == len(service.chunks) == last.accepted
    assert last.final
    assert last.retries == len(service.chunks)


@pytest.mark.parametrize("running", [{"refuses": True}], indirect=True)
def test_a_call_that_is_refused_ends_with_the_reason(running: tuple[Service, str]) -> None:
    with pytest.raises(RefusedError, match="session_expired"):
        list(StreamedSession(running[1], "acme", "ann", RECORDING).play(speed=0))


@pytest.mark.parametrize("running", [{"decides": False}], indirect=True)
def test_a_call_that_nobody_decides_is_given_up(running: tuple[Service, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(produce_call, "FINAL_SECONDS", 0.0)
    with pytest.raises(GaveUpError, match="was not decided"):
        list(StreamedSession(running[1], "acme", "ann", RECORDING).play(speed=0))


def look(scored: int, *, final: bool = False) -> SessionSnapshot:
    service = Service()
    service.chunks = dict.fromkeys(range(scored), b"")
    service.count = scored if final else None
    return SessionSnapshot(4.5 * scored, 4.0 * scored, scored, 0.25, 0, service._evaluation())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_one_plain_line_for_each_evaluation() -> None:
    view = SessionView(io.StringIO())
    for each in (look(0), look(1), look(1), look(2), look(2), look(2, final=True)):
        view.show(each)
    view.closing(look(2, final=True))
    text = view.out.getvalue()  # type: ignore[attr-defined]
    assert "\033" not in text
    assert "\r" not in text
    assert len(text.splitlines()) == 5
    assert text.splitlines()[1].split() == ["4.5", "1", "1", "4.0", "+5.2", "93", "+2.5", "ACCEPT", "VOICE_MATCH"]
    assert "final: ACCEPT as d-1" in text.splitlines()[-1]


def test_on_a_terminal_a_line_moves_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    view = SessionView(Terminal())
    view.show(look(1))
    text = view.out.getvalue()  # type: ignore[attr-defined]
    assert text.rsplit("\n", 1)[1].strip().endswith("lag 0.2 s  retries 0")
    assert "bona fide" in text
    assert "\033[32m" in text
