"""The API over its own bytes, so that anything can be sent."""

import base64
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from bonafide.audio.waveform import Waveform
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav
from tests.readings import reading

TIMEOUT = 30
READERS = ("train_grace", "train_atkins", "train_kennard", "train_dotrice")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The problem's code, or nothing."""
        return str(self.document.get("code", "")) if self.status >= 400 else ""


class Api:
    """A client with one connection for each request."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self.endpoint = endpoint
        self._place = (parts.hostname or "", parts.port or 80)
        self._base = parts.path.encode()

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Sends JSON, as an integrator does."""
        headers = [b"Content-Type: application/json"]
        headers += [f"Idempotency-Key: {key}".encode()] if key else []
        return self.send(method, path.encode(), b"" if body is None else json.dumps(body).encode(), headers)

    def send(self, method: str, target: bytes, body: bytes = b"", headers: list[bytes] | None = None) -> Answer:
        """Sends exactly these bytes after the stage."""
        lines = [b"%s %s%s HTTP/1.1" % (method.encode(), self._base, target), b"Host: local", *(headers or [])]
        head = b"\r\n".join([*lines, b"Connection: close", b"Content-Length: %d" % len(body), b"", b""])
        with socket.create_connection(self._place, TIMEOUT) as connection:
            connection.sendall(head + body)
            response = HTTPResponse(connection, method=method)
            response.begin()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())


def audio(waveform: Waveform) -> dict[str, Any]:
    """A recording inside a request."""
    return {"content": base64.b64encode(wav(pcm(waveform.samples), waveform.rate)).decode()}


def enrolment(waveform: Waveform, **given: Any) -> dict[str, Any]:
    """The body of an enrolment, with consent given a minute ago."""
    given_at = given.get("given_at") or datetime.now(UTC) - timedelta(minutes=1)
    return {"consent": {"receipt_id": "receipt", "given_at": given_at.isoformat()}, "audio": audio(waveform)}


def enrol(api: Api, domain: str, speaker: str, reader: str) -> None:
    """Enrols with the reader's first passage; the second is for calls."""
    answer = api.call("POST", f"/v1/domains/{domain}/speakers/{speaker}/enrollments", enrolment(reading(reader, 1)))
    assert answer.document["status"] == "ENROLLED", answer
