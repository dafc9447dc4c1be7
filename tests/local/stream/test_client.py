import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.http import HttpHandler, LoopbackServer
from local.stream.client import Backoff, Client, GaveUpError, RefusedError, signer

PATH = "/v1/domains/acme"
AWS = "https://abc123.execute-api.eu-west-1.amazonaws.com/dev"

type Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (200, {}, b'{"done": true}')
# No answer at all: the connection just ends.
HANG_UP: Reply = (0, {}, b"")


def refusal(status: int, code: str, **headers: str) -> Reply:
    document = {"code": code, "detail": "why"}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(document).encode()


@dataclass
class Service:
    """Gives the answers that it was told to, the last one again and again."""

    replies: list[Reply]
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    endpoint: str = ""
    cleanup: ExitStack = field(default_factory=ExitStack)

    def client(self, **backoff: float) -> Client:
        client = Client(self.endpoint, Backoff(**backoff), self.slept.append)
        self.cleanup.callback(client.close)
        return client


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

    for method in ("POST", "PUT"):
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
    assert client.retries == 1
    one, other = service.seen
    assert (one[1], one[3], one[2]["Idempotency-Key"]) == (other[1], other[3], other[2]["Idempotency-Key"])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_a_refusal_that_stays_is_told_at_once(serve: Serve, status: int) -> None:
    service = serve(refusal(status, "chunk_out_of_range"))
    with pytest.raises(RefusedError, match="chunk_out_of_range: why"):
        service.client().send("PUT", PATH, {})
    assert len(service.seen) == 1


def test_every_request_has_a_key_of_its_own(serve: Serve) -> None:
    service = serve(OK)
    client = service.client()
    for _ in range(3):
        client.send("POST", PATH, {})
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in service.seen}) == 3


def test_it_waits_at_least_as_long_as_it_was_asked_to(serve: Serve) -> None:
    busy = refusal(429, "throttled", Retry_After="7")
    service = serve(busy, busy, OK)
    service.client().send("PUT", PATH, {})
    assert all(pause >= 7 for pause in service.slept)
    assert len(service.slept) == 2


def test_it_gives_up_rather_than_wait_beyond_its_patience(serve: Serve) -> None:
    service = serve(refusal(429, "throttled", Retry_After="7"))
    with pytest.raises(GaveUpError, match="throttled after 1 attempts"):
        service.client(patience=5).send("PUT", PATH, {})
    assert service.slept == []


def test_nobody_who_listens_is_no_answer() -> None:
    pauses: list[float] = []
    with pytest.raises(GaveUpError, match="no_answer"):
        Client("http://127.0.0.1:1", Backoff(base=1e-9, patience=0.05), pauses.append).send("PUT", PATH, {})


@given(attempt=st.integers(0, 1000), asked=st.floats(0, 60), dice=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_what_was_asked_for_and_up_to_a_bound_that_doubles(attempt: int, asked: float, dice: float) -> None:
    backoff = Backoff(base=0.5, most=8.0)
    added = backoff.pause(attempt, asked, dice) - asked
    assert -1e-9 <= added <= min(8.0, 0.5 * 2.0 ** min(attempt, 9)) + 1e-9


def credentials(monkeypatch: pytest.MonkeyPatch, pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        monkeypatch.setenv(name, value)


def test_requests_to_an_api_on_aws_are_signed_for_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")])
    headers = signer(AWS)("PUT", f"{AWS}{PATH}", b"{}", {"Idempotency-Key": "k"})
    assert "AKIDEXAMPLE/" in headers["Authorization"]
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert headers["Idempotency-Key"] == "k"


def test_requests_to_any_other_endpoint_are_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")])
    assert signer("http://127.0.0.1:8000/dev")("PUT", "http://127.0.0.1", b"", {"a": "b"}) == {"a": "b"}
