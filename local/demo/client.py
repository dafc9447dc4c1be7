"""The API as an integrator would call it."""

import base64
import json
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: of HTTP.
        document: the parsed body.
        milliseconds: as the caller waited.
    """

    status: int
    document: Document
    milliseconds: float

    @property
    def outcome(self) -> str:
        """The decision, the state of the speaker, or the problem's code."""
        keys = ("decision", "status") if self.status < 400 else ("code",)
        return next((str(self.document[key]) for key in keys if key in self.document), str(self.status))


class Client:
    """Keeps one connection."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._base = parts.path
        self._connection = HTTPConnection(parts.netloc, timeout=60)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def send(self, method: str, path: str, body: Document | None = None) -> Reply:
        """Sends one request; each POST has a key of its own."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        started = time.perf_counter()
        self._connection.request(method, f"{self._base}{path}", json.dumps(body) if body else None, headers)
        response = self._connection.getresponse()
        content = response.read()
        return Reply(response.status, json.loads(content or b"{}"), (time.perf_counter() - started) * 1000)


def audio(content: bytes) -> Document:
    """A recording inside a request."""
    return {"content": base64.b64encode(content).decode()}


def consent(reference: str) -> Document:
    """A consent receipt, given a minute ago."""
    given = datetime.now(UTC) - timedelta(minutes=1)
    return {"receipt_id": reference, "given_at": given.isoformat()}
