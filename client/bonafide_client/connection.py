"""Requests to one deployment, with their retries and refusals."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bonafide_client.retries import DEFAULT_BUDGET, RetryBudget
from bonafide_client.signing import Signer, signer_for
from bonafide_client.transport import ApiRequest, ApiResponse, RetryCounts, Transport

if TYPE_CHECKING:
    from typing_extensions import Self


class ApiConnection:
    """Connection to one deployment: sends requests, repeats them and raises refusals.

    Attributes:
        counts: how often requests were repeated so far.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        signer: Signer | None = None,
        timeout: float = 30.0,
        retries: RetryBudget = DEFAULT_BUDGET,
        connections: int = 8,
    ) -> None:
        """Takes where and as whom to call; connects with the first request.

        Args:
            endpoint: URL of the API, with its stage.
            signer: of requests; if it is left out, an API on AWS is called with the credentials of the environment.
            timeout: seconds to wait for the answer to one attempt.
            retries: how long requests are repeated.
            connections: that stay open between requests.

        Raises:
            MissingCredentials: the API is on AWS, and there is nothing to sign with.
        """
        self._endpoint = endpoint.rstrip("/")
        self._signer = signer or signer_for(endpoint)
        self._transport = Transport(timeout, retries, connections)
        self._sleep: Callable[[float], object] = time.sleep
        self.counts = RetryCounts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        self._transport.close()

    def sleeping(self, sleep: Callable[[float], object]) -> Self:
        """Returns a client over the same connections that counts for itself and waits with another function.

        Args:
            sleep: takes seconds; when it returns something true, the request is given up.
        """
        twin = copy.copy(self)
        twin._sleep, twin.counts = sleep, RetryCounts()
        return twin

    def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] = {}
    ) -> ApiResponse:
        """Sends a request and returns the last answer, whatever it is.

        Args:
            method: of HTTP.
            path: after the stage, with its query.
            body: of JSON; bytes are sent as they are.
            key: Idempotency-Key; a new one if it is not given.
            headers: to be sent as well.
        """
        media_type, content = _encoded(body)
        own = {"Content-Type": media_type, "Idempotency-Key": key or str(uuid.uuid4())}
        request = ApiRequest(method, f"{self._endpoint}{path}", content, {**own, **headers})
        return self._transport.send(request, self._signer, self.counts, self._sleep)

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Sends a request and returns the document that answers it; takes what `request` takes.

        Raises:
            ProblemError: the service refuses.
        """
        return accepted(self.request(method, path, body, key=key))


def accepted(response: ApiResponse) -> Any:
    """Returns the document that answers a request.

    Raises:
        ProblemError: the service refuses.
    """
    if response.status == 0 or response.status >= 400:
        raise response.problem()
    return response.document


def _encoded(body: Any) -> tuple[str, bytes]:
    """Returns media type and bytes of a body."""
    if isinstance(body, bytes):
        return "application/octet-stream", body
    return "application/json", b"" if body is None else json.dumps(body).encode()
