"""Between functions and their state: all passes as it was, is seen, and can be broken."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from local.aws.http import HttpHandler, LoopbackServer
from local.aws.relay import Relay, RelayAnswer, RelayRequest


class Echo(HttpHandler):
    def do_POST(self) -> None:  # noqa: N802 - the name that http.server looks up
        body = self.read_body(1 << 20)
        self.answer(201, [("X-Seen", self.headers["X-Amz-Target"] or "")], body)


@pytest.fixture
def seen() -> list[tuple[RelayRequest, RelayAnswer]]:
    return []


@pytest.fixture
def relay(seen: list[tuple[RelayRequest, RelayAnswer]]) -> Iterator[Relay]:
    upstream = LoopbackServer(0, Echo)
    upstream.start()
    running = Relay(lambda request, answer: seen.append((request, answer)))
    running.upstream = f"http://{upstream.address}"
    yield running
    running.stop()
    upstream.stop()


def post(relay: Relay, body: bytes) -> tuple[int, bytes]:
    with closing(HTTPConnection(relay.endpoint.removeprefix("http://"))) as connection:
        connection.request("POST", "/path", body)
        response = connection.getresponse()
        return response.status, response.read()


def test_what_passes_comes_back_as_the_upstream_said_it_and_is_seen(
    relay: Relay, seen: list[tuple[RelayRequest, RelayAnswer]]
) -> None:
    assert post(relay, b"question") == (201, b"question")
    ((request, answer),) = seen
    assert (request.method, request.body, answer.status) == ("POST", b"question", 201)


def test_a_fault_answers_instead_of_the_upstream_until_it_is_mended(relay: Relay) -> None:
    whole = relay.fault
    relay.fault = lambda request: RelayAnswer(500, b"broken") if request.method == "POST" else None
    assert post(relay, b"question") == (500, b"broken")
    relay.fault = whole
    assert post(relay, b"question") == (201, b"question")
