"""Between functions and their state: all passes as it was, is seen, and can be broken."""

from collections.abc import Iterator

import pytest

from local.demo.client import Client
from local.http import Handler, Server
from local.relay import Answer, Relay, Request


class Echo(Handler):
    def do_POST(self) -> None:
        body = self.read_body(1 << 20)
        self.answer(201, [("X-Seen", self.headers["X-Amz-Target"] or "")], body)


@pytest.fixture
def seen() -> list[tuple[Request, Answer]]:
    return []


@pytest.fixture
def relay(seen: list[tuple[Request, Answer]]) -> Iterator[Relay]:
    upstream = Server(0, Echo)
    upstream.start()
    running = Relay(lambda request, answer: seen.append((request, answer)))
    running.upstream = f"http://{upstream.address}"
    yield running
    running.stop()
    upstream.stop()


def test_what_passes_comes_back_as_the_upstream_said_it_and_is_seen(
    relay: Relay, seen: list[tuple[Request, Answer]]
) -> None:
    reply = Client(relay.endpoint).send("POST", "/path", {"key": "value"})
    assert (reply.status, reply.document) == (201, {"key": "value"})
    ((request, answer),) = seen
    assert (request.method, request.body, answer.status) == ("POST", b'{"key": "value"}', 201)


def test_a_fault_answers_instead_of_the_upstream_until_it_is_mended(relay: Relay) -> None:
    client, whole = Client(relay.endpoint), relay.fault
    relay.fault = lambda request: Answer(500, b'{"broken": true}') if request.method == "POST" else None
    assert client.send("POST", "/path", {}).status == 500
    relay.fault = whole
    assert client.send("POST", "/path", {}).status == 201
