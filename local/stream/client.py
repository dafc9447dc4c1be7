"""A client that does not give up at once: retries with backoff and jitter, the same request with the same key."""

import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local.demo.client import Document

type Headers = dict[str, str]

API_GATEWAY = "execute-api"
IN_PROGRESS = "request_in_progress"
# Every request may be repeated: chunks have numbers, PUTs replace, POSTs carry an Idempotency-Key.
PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class RefusedError(Exception):
    """The service said no, and would again.

    Attributes:
        code: the problem's stable code.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class GaveUpError(Exception):
    """The service could not be reached, or had no room, for longer than the client waits."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts: anything up to a bound that doubles, so that clients do not come in waves.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/

    Attributes:
        base: the first bound, seconds.
        most: the highest bound, seconds.
        patience: seconds after which no other attempt is begun.
    """

    base: float = 0.2
    most: float = 8.0
    patience: float = 60.0

    def pause(self, attempt: int, retry_after: float, dice: float) -> float:
        """Seconds to wait after an attempt, of which the first is 0; `dice` is in [0, 1).

        What the service asked for is the least.
        """
        return retry_after + dice * min(self.most, self.base * 2.0**attempt)


@dataclass(slots=True)
class Answer:
    """One attempt's outcome; status 0 when there was no answer at all."""

    status: int
    document: Document
    retry_after: float = 0.0

    @property
    def code(self) -> str:
        """Of the problem."""
        return str(self.document.get("code", self.status))

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in PASSING or self.code == IN_PROGRESS


class Client:
    """Talks to one endpoint over one connection, which a single thread uses at a time.

    `sleep` waits between attempts; when it returns something true, there is no other one.
    """

    def __init__(
        self, endpoint: str, backoff: Backoff = Backoff(), sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._parts = urlsplit(endpoint)
        self._backoff = backoff
        self._sleep = sleep
        self._sign = signer(endpoint)
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        self._connection = kind(self._parts.netloc, timeout=30)
        self.retries = 0
        self.throttled = 0

    def send(self, method: str, path: str, body: Document | None = None) -> Document:
        """Sends one request until it is answered for good.

        Raises:
            RefusedError: the answer is a refusal that no retry changes.
            GaveUpError: there was no such answer in time.
        """
        content = json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        started, attempt = time.monotonic(), 0
        while (answer := self._attempt(method, path, content, headers)).passing:
            pause = self._backoff.pause(attempt, answer.retry_after, random.random())  # noqa: S311, not a secret
            if time.monotonic() + pause - started > self._backoff.patience:
                raise GaveUpError(f"{method} {path}: {answer.code} after {attempt + 1} attempts")
            if self._sleep(pause):
                raise GaveUpError(f"{method} {path}: stopped")
            attempt += 1
            self.retries += 1
            self.throttled += answer.status == HTTPStatus.TOO_MANY_REQUESTS
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(answer.code, str(answer.document.get("detail", "")))
        return answer.document

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _attempt(self, method: str, path: str, content: bytes, headers: Headers) -> Answer:
        try:
            # A signature is good for minutes only, so each attempt has its own.
            signed = self._sign(
                method, f"{self._parts.scheme}://{self._parts.netloc}{self._path(path)}", content, headers
            )
            self._connection.request(method, self._path(path), content or None, signed)
            response = self._connection.getresponse()
            return Answer(response.status, _document(response.read()), _seconds(response.headers.get("Retry-After")))
        except (OSError, HTTPException):
            self._connection.close()
            return Answer(0, {"code": "no_answer"})

    def _path(self, path: str) -> str:
        return f"{self._parts.path.rstrip('/')}{path}"


def signer(endpoint: str) -> Callable[[str, str, bytes, Headers], Headers]:
    """What makes a request's headers: with SigV4 for an API on AWS, as they are for any other.

    Raises:
        RefusedError: an API on AWS, and nothing to sign with.
    """
    labels = (urlsplit(endpoint).hostname or "").split(".")
    if API_GATEWAY not in labels:
        return lambda _method, _url, _content, headers: headers
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise RefusedError("no_credentials", "there are no AWS credentials to sign requests with")
    region = labels[labels.index(API_GATEWAY) + 1]

    def sign(method: str, url: str, content: bytes, headers: Headers) -> Headers:
        request = AWSRequest(method, url, headers, content)
        SigV4Auth(credentials.get_frozen_credentials(), API_GATEWAY, region).add_auth(request)
        return dict(request.headers.items())

    return sign


def _document(content: bytes) -> Document:
    try:
        document = json.loads(content or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(text: str | None) -> float:
    """Of a Retry-After header; a date, which this service never sends, counts as none."""
    return min(float(text), 60.0) if text and text.isdigit() else 0.0
