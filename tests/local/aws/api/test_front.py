import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.api.definition import ApiDefinition, GatewayError
from local.aws.api.front import MAX_BODY, serve
from local.aws.api.limits import RateLimit
from local.aws.api.proxy import MAX_PAYLOAD
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ThrottledError
from local.aws.http import LoopbackServer
from local.aws.template import ApiRoute, StackTemplate

HERE = "/v1/places/{place}"


def route(method: str, path: str, function: str = "echo", *, signed: bool = True, seconds: float = 29) -> ApiRoute:
    return ApiRoute(method, path, function, signed, seconds)


ROUTES = [
    route("GET", "/v1/health", signed=False),
    route("GET", HERE),
    route("GET", "/v1/places/here"),
    route("POST", HERE),
    route("PUT", "/v1/files/{name+}"),
    route("GET", "/v1/slow", "slow", seconds=0.05),
    route("GET", "/v1/throttled", "throttled"),
    replace(route("GET", "/v1/limited"), limit=RateLimit(rate=0.001, burst=2)),
    *(route("GET", f"/v1/answers/{name}", name) for name in ("failed", "malformed", "huge", "odd", "binary", "bare")),
]


def done(outcome: InvocationResult) -> Future[InvocationResult]:
    future: Future[InvocationResult] = Future()
    future.set_result(outcome)
    return future


def answered(**answer: Any) -> Callable[[bytes], Future[InvocationResult]]:
    return lambda _: done(InvocationResult(json.dumps(answer).encode()))


def throttled(_: bytes) -> Future[InvocationResult]:
    raise ThrottledError


FUNCTIONS: dict[str, Callable[[bytes], Future[InvocationResult]]] = {
    "echo": lambda event: answered(statusCode=200, body=event.decode())(event),
    "slow": lambda _: Future(),
    "throttled": throttled,
    "failed": lambda _: done(InvocationResult(b'{"errorType": "KeyError"}', "Handled")),
    "malformed": lambda _: done(InvocationResult(b'"fine"')),
    "huge": answered(statusCode=200, body="x" * MAX_PAYLOAD),
    "odd": answered(statusCode="201", headers={"X-One": 1, "X-Yes": True}, multiValueHeaders={"X-Two": ["a", "b"]}),
    "binary": answered(statusCode=200, body=base64.b64encode(b"\0\1").decode(), isBase64Encoded=True),
    "bare": answered(statusCode=204),
}


@pytest.fixture(scope="module")
def api(assembly: Path) -> ApiDefinition:
    responses = StackTemplate.read(assembly, "Bonafide-dev-Service", {}).gateway_responses()
    return ApiDefinition("test", ROUTES, responses, ["audio/*"], lambda name, event, *_: FUNCTIONS[name](event))


@pytest.fixture(scope="module")
def server(api: ApiDefinition) -> Iterator[LoopbackServer]:
    server = serve(api, 0)
    yield server
    server.stop()


@pytest.fixture
def connection(server: LoopbackServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(server.address, timeout=30)
    yield connection
    connection.close()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(connection: http.client.HTTPConnection, method: str, path: str, **arguments: Any) -> Answer:
    connection.request(method, f"/test{path}", **arguments)
    return Answer(connection.getresponse())


def test_a_route_with_a_limit_is_throttled_after_its_burst(connection: http.client.HTTPConnection) -> None:
    answers = [ask(connection, "GET", "/v1/limited").status for _ in range(4)]
    assert answers == [200, 200, 429, 429]


def test_an_event_has_the_documented_shape(connection: http.client.HTTPConnection) -> None:
    event = ask(connection, "GET", "/v1/places/a%20b?x=1&x=2&y=", headers={"X-Name": "value"}).json
    assert event["resource"] == HERE
    assert event["path"] == "/v1/places/a%20b"
    assert event["httpMethod"] == "GET"
    assert event["pathParameters"] == {"place": "a b"}
    assert event["queryStringParameters"] == {"x": "2", "y": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert event["headers"]["X-Name"] == "value"
    assert event["multiValueHeaders"]["X-Name"] == ["value"]
    assert event["headers"]["X-Forwarded-Proto"] == "https"
    assert event["body"] is None
    assert event["isBase64Encoded"] is False


def test_the_request_context_names_the_request(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/v1/places/x")
    context = answer.json["requestContext"]
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    assert context["path"] == "/test/v1/places/x"
    assert context["resourcePath"] == HERE
    assert context["stage"] == "test"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userArn"].startswith("arn:aws:iam::")


def test_nobody_is_named_where_nobody_signs(connection: http.client.HTTPConnection) -> None:
    event = ask(connection, "GET", "/v1/health").json
    assert event["requestContext"]["identity"]["userArn"] is None
    assert event["queryStringParameters"] is None
    assert event["pathParameters"] is None


def test_fixed_parts_win_over_parameters(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/v1/places/here").json["resource"] == "/v1/places/here"


def test_a_trailing_slash_is_the_same_resource(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/v1/places/x/").json["resource"] == HERE


def test_a_greedy_parameter_takes_the_rest(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "PUT", "/v1/files/a/b%2Fc").json["pathParameters"] == {"name": "a/b/c"}


def test_an_encoded_slash_stays_inside_its_parameter(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/v1/places/a%2Fb").json["pathParameters"] == {"place": "a/b"}


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/places", "/v1/places/", "/v1/places//", "/", "/v1/health/more"])
def test_an_unknown_route_is_refused_as_a_problem(connection: http.client.HTTPConnection, path: str) -> None:
    answer = ask(connection, "GET", path)
    assert answer.status == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "route_unknown_or_unsigned"
    assert answer.json["detail"] == "Missing Authentication Token"


def test_a_path_outside_the_stage_is_refused(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/v1/health")
    assert Answer(connection.getresponse()).status == 403


def test_an_unknown_method_is_refused(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "DELETE", "/v1/health").status == 403
    assert ask(connection, "BREW", "/v1/health").json["code"] == "route_unknown_or_unsigned"


def test_a_text_body_is_passed_as_text(connection: http.client.HTTPConnection) -> None:
    event = ask(connection, "POST", "/v1/places/x", body="grüß".encode()).json
    assert event["body"] == "grüß"


def test_a_binary_body_is_passed_in_base64(connection: http.client.HTTPConnection) -> None:
    event = ask(connection, "POST", "/v1/places/x", body=b"\0\xff", headers={"Content-Type": "audio/wav"}).json
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\0\xff"


def test_a_body_may_come_in_chunks(connection: http.client.HTTPConnection) -> None:
    event = ask(connection, "POST", "/v1/places/x", body=iter([b"one ", b"two"]), encode_chunked=True).json
    assert event["body"] == "one two"


@pytest.mark.parametrize("size", [MAX_BODY + 1, MAX_PAYLOAD + 1])
def test_a_body_that_is_too_long_is_refused(connection: http.client.HTTPConnection, size: int) -> None:
    answer = ask(connection, "POST", "/v1/places/x", body=b"x" * size)
    assert answer.status == 413
    assert answer.json["code"] == "request_too_large"


def test_chunks_that_are_too_many_are_refused(connection: http.client.HTTPConnection) -> None:
    chunks = (b"x" * (1 << 20) for _ in range(11))
    try:
        answer = ask(connection, "POST", "/v1/places/x", body=chunks, encode_chunked=True)
    except BrokenPipeError:
        answer = Answer(connection.getresponse())
    assert answer.status == 413


def test_a_function_that_is_too_slow_is_a_504(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/v1/slow")
    assert (answer.status, answer.json["code"]) == (504, "timed_out")


def test_too_many_requests_are_a_429_with_advice(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/v1/throttled")
    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (504, "function_unreachable", "1")


@pytest.mark.parametrize("name", ["failed", "malformed", "huge"])
def test_a_function_without_a_proper_answer_is_a_502(connection: http.client.HTTPConnection, name: str) -> None:
    answer = ask(connection, "GET", f"/v1/answers/{name}")
    assert (answer.status, answer.json["code"]) == (502, "internal_error")


def test_headers_may_have_one_value_or_several(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/v1/answers/odd")
    assert answer.status == 201
    assert answer.headers.get_all("X-Two") == ["a", "b"]
    assert (answer.headers["X-One"], answer.headers["X-Yes"]) == ("1", "true")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_binary_answer_is_decoded_for_those_who_accept_it(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/v1/answers/binary", headers={"Accept": "audio/wav"}).body == b"\0\1"
    assert ask(connection, "GET", "/v1/answers/binary", headers={"Accept": "text/plain"}).body == b"AAE="


def test_an_answer_may_be_empty(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/v1/answers/bare")
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    "bytes_",
    [
        b"nonsense\r\n\r\n",
        b"GET /test/v1/health HTTP/9.9\r\n\r\n",
        b"POST /test/v1/places/x HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /test/v1/places/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /test/v1/places/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    ],
)
def test_what_is_not_http_is_refused_as_a_problem(server: LoopbackServer, bytes_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as raw:
        raw.sendall(bytes_)
        answer = raw.makefile("rb").read()
    assert b'"code": "' in answer
    assert b"<html" not in answer.lower()


@given(path=st.text().map(lambda text: f"/test/{text}"))
def test_any_path_has_a_route_or_is_refused(api: ApiDefinition, path: str) -> None:
    with suppress(GatewayError):
        assert api.match("GET", path).route in ROUTES


def test_an_api_without_gateway_responses_answers_like_aws(api: ApiDefinition) -> None:
    response, status = replace(api, responses={}).response(GatewayError("THROTTLED", 429, "Too Many Requests"))
    assert (response.content_type, status) == ("application/json", 429)
