"""A proxy between functions and the emulator, which observes requests and injects faults."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from local.aws.http import HttpHandler, LoopbackServer

HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}
PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """A request of a function to an AWS service.

    Attributes:
        target: service and operation, such as `DynamoDB_20120810.GetItem`; empty for S3.
        method: HTTP method.
        body: raw bytes.
        path: path and query.
    """

    target: str
    method: str
    body: bytes
    path: str = "/"


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """The response to a relayed request."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


type RelayObserver = Callable[[RelayRequest, RelayAnswer], None]
# Answers instead of AWS, or returns None to let the request pass, perhaps after a delay.
type Fault = Callable[[RelayRequest], RelayAnswer | None]


def ignore(_request: RelayRequest, _answer: RelayAnswer) -> None:
    """Observes nothing."""


def healthy(_request: RelayRequest) -> RelayAnswer | None:
    """Injects no fault."""
    return None


class Relay:
    """Forwards requests to the emulator.

    Attributes:
        upstream: URL of the emulator; has to be set before the first request.
        fault: the fault that is injected.
    """

    def __init__(self, observe: RelayObserver = ignore) -> None:
        self.upstream = ""
        self.fault: Fault = healthy
        self._observe = observe
        self._server = LoopbackServer(0, _interface(self))
        self._server.start()

    @property
    def endpoint(self) -> str:
        """URL for the AWS clients of functions."""
        return f"http://{self._server.address}"

    def stop(self) -> None:
        """Frees the port."""
        self._server.stop()

    def answer(self, request: RelayRequest, path: str, headers: dict[str, str]) -> RelayAnswer:
        """Answers one request, and tells the observer."""
        answer = self.fault(request) or self._pass(request, path, headers)
        self._observe(request, answer)
        return answer

    def _pass(self, request: RelayRequest, path: str, headers: dict[str, str]) -> RelayAnswer:
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=PATIENCE_SECONDS)
        try:
            connection.request(request.method, path, request.body or None, headers)
            response = connection.getresponse()
            kept = tuple(each for each in response.getheaders() if each[0].lower() not in HOP_BY_HOP)
            # A HEAD is answered without a body, but with the size that one would have.
            size = int(response.headers["Content-Length"] or 0) if request.method == "HEAD" else 0
            return RelayAnswer(response.status, response.read() or bytes(size), kept)
        finally:
            connection.close()


def _interface(relay: Relay) -> type[HttpHandler]:
    class RelayInterface(HttpHandler):
        """Passes requests through the relay."""

        def _pass(self) -> None:
            target, body = self.headers.get("X-Amz-Target", ""), self.read_body(1 << 28)
            request = RelayRequest(target, self.command, body, self.path)
            answer = relay.answer(request, self.path, dict(self.headers.items()))
            self.answer(answer.status, list(answer.headers), answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815 - names that http.server looks up

    return RelayInterface
