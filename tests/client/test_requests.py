"""Requests against a service that answers as it is told: what is repeated, and when the client gives up."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide_client import NO_RETRIES, Client, ProblemError, RetriesExhausted, RetryBudget, TooManyRequests
from local.aws.http import HttpHandler, LoopbackServer

PATH = "/v1/domains/acme"

type Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (200, {}, b'{"done": true}')
# No answer at all: the connection just ends.
HANG_UP: Reply = (0, {}, b"")


def refusal(status: int, code: str, **headers: str) -> Reply:
    document = {"code": code, "detail": "why", "errors": [{"field": "audio"}], "request_id": "r-1"}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(document).encode()


@dataclass
class Service:
    """Gives the answers that it was told to, the last one again and again."""

    replies: list[Reply]
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    endpoint: str = ""
    cleanup: ExitStack = field(default_factory=ExitStack)

    def client(self, **budget: float) -> Client:
        client = Client(self.endpoint, retries=RetryBudget(**budget))
        self.cleanup.callback(client.close)
        return client.sleeping(self.slept.append)


type Serve = Callable[..., Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as cleanup:

        def start(*replies: Reply) -> Service:
            service = Service(list(replies), cleanup=cleanup)
            server = LoopbackServer(0, _handler(service))
            server.start()
            cleanup.callback(server.stop)
            service.endpoint = f"http://{server.address}/dev"
            return service

        yield start


def _handler(service: Service) -> type[HttpHandler]:
    class Scripted(HttpHandler):
        def serve(self) -> None:
            service.seen.append((self.command, self.path, dict(self.headers), self.read_body(1 << 20)))
            status, headers, body = service.replies.pop(0) if len(service.replies) > 1 else service.replies[0]
            self.close_connection = status == 0
            if status:
                self.answer(status, list(headers.items()), body)

    for method in ("DELETE", "GET", "POST", "PUT"):
        setattr(Scripted, f"do_{method}", Scripted.serve)
    return Scripted


@pytest.mark.parametrize(
    "first",
    [
        refusal(429, "audio_overload"),
        refusal(500, "internal_error"),
        refusal(502, "internal_error"),
        refusal(503, "store_unavailable"),
        refusal(504, "timed_out"),
        refusal(409, "request_in_progress"),
        (503, {}, b"<html>"),
        HANG_UP,
    ],
)
def test_what_may_pass_is_sent_again_with_the_same_key_and_body(serve: Serve, first: Reply) -> None:
    service = serve(first, OK)
    client = service.client()
    assert client.send("POST", PATH, {"a": 1}) == {"done": True}
    assert client.counts.retries == 1
    assert client.counts.throttled == (first[0] == 429)
    one, other = service.seen
    assert (one[1], one[3], one[2]["Idempotency-Key"]) == (other[1], other[3], other[2]["Idempotency-Key"])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_a_refusal_that_stays_is_told_at_once(serve: Serve, status: int) -> None:
    service = serve(refusal(status, "chunk_out_of_range"))
    with pytest.raises(ProblemError, match="chunk_out_of_range: why") as raised:
        service.client().send("PUT", PATH, {})
    assert len(service.seen) == 1
    assert not isinstance(raised.value, RetriesExhausted)
    assert (raised.value.status, raised.value.detail, raised.value.request_id) == (status, "why", "r-1")
    assert raised.value.errors == [{"field": "audio"}]


def test_every_request_has_a_key_of_its_own(serve: Serve) -> None:
    service = serve(OK)
    client = service.client()
    for _ in range(3):
        client.send("POST", PATH, {})
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in service.seen}) == 3


def test_the_caller_may_choose_the_key(serve: Serve) -> None:
    service = serve(OK)
    service.client().send("POST", PATH, {}, key="mine")
    assert service.seen[0][2]["Idempotency-Key"] == "mine"


def test_it_waits_at_least_as_long_as_it_was_asked_to(serve: Serve) -> None:
    busy = refusal(429, "throttled", Retry_After="7")
    service = serve(busy, busy, OK)
    service.client().send("PUT", PATH, {})
    assert all(pause >= 7 for pause in service.slept)
    assert len(service.slept) == 2


def test_it_gives_up_rather_than_wait_beyond_its_budget(serve: Serve) -> None:
    service = serve(refusal(429, "throttled", Retry_After="7"))
    with pytest.raises(TooManyRequests, match=r"throttled: why .gave up after 1 attempts") as raised:
        service.client(seconds=5).send("PUT", PATH, {})
    assert raised.value.retry_after == 7
    assert service.slept == []


@pytest.mark.parametrize("header", ["soon", "-1", ""])
def test_a_pause_that_cannot_be_read_counts_as_none(serve: Serve, header: str) -> None:
    service = serve(refusal(503, "store_unavailable", Retry_After=header), OK)
    service.client(base=0.5).send("PUT", PATH, {})
    assert 0 <= service.slept[0] <= 0.5


def test_without_retries_there_is_one_attempt(serve: Serve) -> None:
    service = serve(refusal(503, "store_unavailable"))
    with Client(service.endpoint, retries=NO_RETRIES) as client:
        response = client.request("GET", PATH)
    assert (response.status, response.code, response.attempts, len(service.seen)) == (503, "store_unavailable", 1, 1)


def test_a_sleep_that_says_so_ends_the_retries(serve: Serve) -> None:
    service = serve(refusal(503, "store_unavailable"))
    with pytest.raises(RetriesExhausted):
        service.client().sleeping(lambda _: True).send("PUT", PATH, {})
    assert len(service.seen) == 1


def test_nobody_who_listens_is_no_answer() -> None:
    nowhere = Client("http://127.0.0.1:1", retries=RetryBudget(base=1e-9, seconds=0.05))
    with nowhere, pytest.raises(RetriesExhausted, match="no_answer") as raised:
        nowhere.send("PUT", PATH, {})
    assert raised.value.status == 0


@given(attempt=st.integers(1, 40), asked=st.floats(0, 60))
def test_a_pause_is_what_was_asked_for_and_up_to_a_bound_that_doubles(attempt: int, asked: float) -> None:
    retry = RetryBudget(base=0.5, longest=8.0).begin()
    for _ in range(attempt):
        retry = retry.increment("PUT", PATH)
    added = retry.pause_seconds(asked) - asked
    assert -1e-9 <= added <= min(8.0, 0.5 * 2.0 ** min(attempt - 1, 9)) + 1e-9


def test_a_response_does_not_show_its_content(serve: Serve) -> None:
    service = serve(OK)
    assert "done" not in repr(service.client().request("GET", PATH))
