"""HTTP: one logical request, signed and repeated until it is answered for good or the retry budget is used up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import urllib3

from bonafide_client.errors import ProblemError, RetriesExhausted, TooManyRequests
from bonafide_client.retries import IN_PROGRESS, TRANSIENT, JitteredRetry, RetryBudget
from bonafide_client.signing import Signer

NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class ApiRequest:
    """One logical request, the same in every attempt apart from its signature.

    Attributes:
        method: of HTTP.
        url: with its query.
        body: empty for none.
        headers: without the signature.
    """

    method: str
    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class ApiResponse:
    """The last answer to a request.

    Attributes:
        status: of HTTP; 0 if no answer came.
        headers: by name; names in any case.
        content: the body.
        milliseconds: that the last attempt took.
        attempts: how often the request was sent.
        retry_after: seconds that the service asks to wait; 0 if it does not.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    milliseconds: float
    attempts: int = 1
    retry_after: float = 0.0

    @property
    def document(self) -> Any:
        """The parsed body; empty if it is no JSON."""
        try:
            return json.loads(self.content or b"{}")
        except ValueError:
            return {}

    @property
    def code(self) -> str:
        """The code of the problem, or the status if the body is no problem document."""
        document = self.document
        return str(document.get("code", self.status)) if isinstance(document, dict) else str(self.status)

    @property
    def transient(self) -> bool:
        """True if the same request may succeed later."""
        if self.status == HTTPStatus.CONFLICT:
            return self.code in IN_PROGRESS
        return self.status == 0 or self.status in TRANSIENT

    def problem(self) -> ProblemError:
        """Returns the error that this answer is."""
        kind = ProblemError
        if self.transient:
            kind = TooManyRequests if self.status == HTTPStatus.TOO_MANY_REQUESTS else RetriesExhausted
        document = self.document if isinstance(self.document, dict) else {}
        request_id = self.headers.get("X-Request-Id", "")
        error = kind(self.status, document, request_id=request_id, retry_after=self.retry_after)
        if isinstance(error, RetriesExhausted):
            error.attempts = self.attempts
        return error


@dataclass
class RetryCounts:
    """Counts of repeated requests.

    Attributes:
        retries: attempts after the first one.
        throttled: those of them that followed a 429.
    """

    retries: int = 0
    throttled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, response: ApiResponse) -> None:
        """Counts a retry after a response."""
        with self._lock:
            self.retries += 1
            self.throttled += response.status == HTTPStatus.TOO_MANY_REQUESTS


class Transport:
    """Pooled connections; any number of threads may send at the same time."""

    def __init__(self, timeout: float, budget: RetryBudget, connections: int) -> None:
        self._budget = budget
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=connections)

    def close(self) -> None:
        """Ends all connections."""
        self._pool.clear()

    def send(
        self, request: ApiRequest, signer: Signer, counts: RetryCounts, sleep: Callable[[float], object]
    ) -> ApiResponse:
        """Sends a request until it is answered for good, or no other attempt fits into the budget.

        Args:
            request: to send.
            signer: of each attempt, as a signature is good for minutes only.
            counts: to count retries in.
            sleep: waits between attempts; when it returns something true, there is no other one.
        """
        deadline = time.monotonic() + self._budget.seconds
        retry = self._budget.begin()
        while (response := self._attempt(request, signer, retry)).transient:
            retry = retry.increment(request.method, request.url)
            pause = retry.pause_seconds(response.retry_after)
            if time.monotonic() + pause > deadline or sleep(pause):
                break
            counts.add(response)
        return response

    def _attempt(self, request: ApiRequest, signer: Signer, retry: JitteredRetry) -> ApiResponse:
        attempts, started = len(retry.history) + 1, time.perf_counter()
        headers = signer.sign(request.method, request.url, request.body, request.headers)
        try:
            answer = self._pool.urlopen(
                request.method, request.url, body=request.body or None, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            document = {"code": NO_ANSWER, "detail": type(error).__name__}
            return ApiResponse(0, {}, json.dumps(document).encode(), _milliseconds(started), attempts)
        asked = retry.asked(answer.headers.get("Retry-After"))
        return ApiResponse(answer.status, answer.headers, answer.data, _milliseconds(started), attempts, asked)


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
