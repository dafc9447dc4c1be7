"""The REST API in front of the functions: routes, proxy events and refusals as API Gateway makes them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ACCOUNT, REGION, ThrottledError
from local.aws.http import HttpHandler, LoopbackServer, TooLongError
from local.aws.template import ApiRoute, GatewayResponse
from local.aws.xray import header

API_ID = "local00000"
MAX_BODY = 10 * 1024 * 1024
# Of the event that the body becomes a part of, and of the answer.
MAX_PAYLOAD = 6 * 1024 * 1024
HOP_BY_HOP = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"}

DEFAULT = GatewayResponse(None, "application/json", '{"message":$context.error.messageString}', {})

type Submit = Callable[[str, bytes, str, str], Future[InvocationResult]]


class GatewayError(Exception):
    """The API answers by itself."""

    def __init__(self, kind: str, status: int, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    """What the template says about the API.

    Attributes:
        stage: name of the stage, the first part of each path.
        routes: what is sent where.
        refusals: what is answered without any function.
        binary_types: media types whose bodies are passed on in base64.
        submit: sends an event to a function: name, payload, trace header, request id.
    """

    stage: str
    routes: Sequence[ApiRoute]
    refusals: Mapping[str, GatewayResponse]
    binary_types: Sequence[str]
    submit: Submit

    def match(self, method: str, target: str) -> "RouteMatch":
        """Finds the route of a request; fixed parts win over parameters."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(f"/{self.stage}")
        every = (RouteMatch(route, path, values, parts.query) for route, values in self._candidates(method, path))
        found = sorted(every, key=lambda match: (len(match.values), match.route.method == "ANY"))
        if not found or path == parts.path:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
        return found[0]

    def _candidates(self, method: str, path: str) -> Iterator[tuple[ApiRoute, dict[str, str]]]:
        for route in self.routes:
            values = _values(route, method, path)
            if values is not None:
                yield route, values

    def is_binary(self, content_type: str) -> bool:
        """Tells whether bodies of this media type are binary."""
        media_type = content_type.partition(";")[0].strip().lower()
        return any(fnmatch(media_type, each) for each in self.binary_types)

    def refusal(self, refused: GatewayError) -> tuple[GatewayResponse, int]:
        """Returns the response that is set for a kind of refusal, and its status."""
        fallback = "DEFAULT_4XX" if refused.status < 500 else "DEFAULT_5XX"
        chosen = self.refusals.get(refused.kind) or self.refusals.get(fallback) or DEFAULT
        return chosen, chosen.status or refused.status


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route of a request with what its target says.

    Attributes:
        route: the route.
        path: the target's path below the stage, as it was sent.
        values: path parameters by name.
        query: the target's query, as it was sent.
    """

    route: ApiRoute
    path: str
    values: Mapping[str, str]
    query: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, before a route has been found for it."""

    id: str
    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    client: str
    body: bytes

    def header(self, name: str) -> str:
        """Returns the last value of a header, or nothing."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")

    @property
    def trace(self) -> str:
        """X-Ray's header, made as API Gateway makes it; nothing is sampled, for nobody would collect it."""
        return self.header("x-amzn-trace-id") or header(self.id)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def handle(api: ApiDefinition, request: HttpRequest) -> HttpResponse:
    """Answers one request as API Gateway would."""
    try:
        response = _integrate(api, request)
    except GatewayError as refused:
        response = _refuse(api, request, refused)
    ids = [("x-amzn-RequestId", request.id), ("x-amz-apigw-id", request.id), ("X-Amzn-Trace-Id", request.trace)]
    return HttpResponse(response.status, [*response.headers, *ids], response.body)


def _integrate(api: ApiDefinition, request: HttpRequest) -> HttpResponse:
    match = api.match(request.method, request.target)
    payload = json.dumps(_event(api, request, match)).encode()
    if len(payload) > MAX_PAYLOAD:
        raise GatewayError("REQUEST_TOO_LARGE", 413, "Request Entity Too Large")
    return _response(api, request, _invoke(api, request, match.route, payload))


def _invoke(api: ApiDefinition, request: HttpRequest, route: ApiRoute, payload: bytes) -> InvocationResult:
    try:
        future = api.submit(route.function, payload, request.trace, request.id)
    except ThrottledError as error:
        raise GatewayError("THROTTLED", 429, "Too Many Requests") from error
    try:
        return future.result(route.seconds)
    except TimeoutError as error:
        future.cancel()
        raise GatewayError("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out") from error


def _values(route: ApiRoute, method: str, path: str) -> dict[str, str] | None:
    """Returns the path parameters if the route takes the request."""
    if route.method not in {method, "ANY"}:
        return None
    wanted, given = route.path.split("/")[1:], path.rstrip("/").split("/")[1:]
    values: dict[str, str] = {}
    for position, part in enumerate(wanted):
        rest = given[position:]
        if not rest or not rest[0]:
            return None
        if part.endswith("+}"):
            return values | {part[1:-2]: unquote("/".join(rest))}
        if part.startswith("{"):
            values[part[1:-1]] = unquote(rest[0])
        elif part != rest[0]:
            return None
    return values if len(wanted) == len(given) else None


def _event(api: ApiDefinition, request: HttpRequest, match: RouteMatch) -> dict[str, Any]:
    headers = [*request.headers, *_forwarded(request)]
    parameters = parse_qsl(match.query, keep_blank_values=True)
    return {
        "resource": match.route.path,
        "path": unquote(match.path),
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _multi(headers),
        "queryStringParameters": dict(parameters) or None,
        "multiValueQueryStringParameters": _multi(parameters) or None,
        "pathParameters": dict(match.values) or None,
        "stageVariables": None,
        "requestContext": _context(api, request, match),
        **_body(api, request),
    }


def _forwarded(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        ("X-Amzn-Trace-Id", request.trace),
        ("X-Forwarded-For", request.client),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]


def _multi(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _context(api: ApiDefinition, request: HttpRequest, match: RouteMatch) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "deploymentId": "local",
        "domainName": f"{API_ID}.execute-api.{REGION}.amazonaws.com",
        "domainPrefix": API_ID,
        "extendedRequestId": request.id,
        "httpMethod": request.method,
        "identity": _identity(request, signed=match.route.signed),
        "path": f"/{api.stage}{unquote(match.path)}",
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.route.path,
        "stage": api.stage,
    }


def _identity(request: HttpRequest, *, signed: bool) -> dict[str, str | None]:
    user = f"arn:aws:iam::{ACCOUNT}:user/local" if signed else None
    nobody = dict.fromkeys(("cognitoIdentityId", "cognitoIdentityPoolId", "cognitoAuthenticationType"))
    return {
        **nobody,
        "accessKey": "AKIALOCAL" if signed else None,
        "accountId": ACCOUNT if signed else None,
        "caller": "AIDALOCAL" if signed else None,
        "principalOrgId": None,
        "sourceIp": request.client,
        "user": "AIDALOCAL" if signed else None,
        "userAgent": request.header("user-agent") or None,
        "userArn": user,
    }


def _body(api: ApiDefinition, request: HttpRequest) -> dict[str, Any]:
    if api.is_binary(request.header("content-type")):
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode(errors="replace") or None, "isBase64Encoded": False}


def _response(api: ApiDefinition, request: HttpRequest, outcome: InvocationResult) -> HttpResponse:
    if outcome.error or len(outcome.payload) > MAX_PAYLOAD:
        raise GatewayError("INTERNAL_SERVER_ERROR", 502, "Internal server error")
    try:
        return _translate(api, request, json.loads(outcome.payload))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GatewayError("INTERNAL_SERVER_ERROR", 502, "Internal server error") from error


def _translate(api: ApiDefinition, request: HttpRequest, answer: Mapping[str, Any]) -> HttpResponse:
    """Turns what a function returned into HTTP; any other shape than AWS documents is an error."""
    several = answer.get("multiValueHeaders") or {}
    single = {name: [value] for name, value in (answer.get("headers") or {}).items() if name not in several}
    headers = [(name, _text(value)) for name, values in (single | several).items() for value in values]
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("a body has to be text")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
    binary = answer.get("isBase64Encoded") and api.is_binary(request.header("accept").split(",")[0])
    content = base64.b64decode(body) if binary else body.encode()
    return HttpResponse(HTTPStatus(int(answer["statusCode"])).value, kept, content)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value).replace("\r", "").replace("\n", "")
    raise TypeError("a header has to be text or a number")


def _refuse(api: ApiDefinition, request: HttpRequest, refused: GatewayError) -> HttpResponse:
    refusal, status = api.refusal(refused)
    body = refusal.template.replace("$context.error.messageString", json.dumps(refused.message))
    body = body.replace("$context.requestId", request.id)
    headers = [("Content-Type", refusal.content_type), ("x-amzn-ErrorType", refused.kind), *refusal.headers.items()]
    return HttpResponse(status, headers, body.encode())


def _malformed(code: int, message: str | None) -> GatewayError:
    """Says what is wrong with a request that has no method or no form that HTTP knows."""
    if code == HTTPStatus.NOT_IMPLEMENTED:
        return GatewayError("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
    return GatewayError("BAD_REQUEST", code if code < 500 else 400, message or HTTPStatus(code).phrase)


def serve(api: ApiDefinition, port: int) -> LoopbackServer:
    """Starts to serve the API on the loopback interface."""
    server = listen(api, port)
    server.start()
    return server


def listen(api: ApiDefinition, port: int) -> LoopbackServer:
    """Takes a port for the API; whoever connects waits until the server is started."""

    class FrontHandler(HttpHandler):
        def serve(self) -> None:
            try:
                self._send(handle(api, self._request(self.read_body(MAX_BODY))))
            except TooLongError:
                refused = GatewayError("REQUEST_TOO_LARGE", 413, "Request Entity Too Large")
                self._send(_refuse(api, self._request(b""), refused))
            except ValueError:
                self.send_error(HTTPStatus.BAD_REQUEST)

        def _request(self, body: bytes) -> HttpRequest:
            headers = [(name, value) for name, value in self.headers.items() if name.lower() != "connection"]
            return HttpRequest(str(uuid.uuid4()), self.command, self.path, headers, self.client_address[0], body)

        def _send(self, response: HttpResponse) -> None:
            self.answer(response.status, response.headers, response.body)

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Answers what is not even HTTP, in the form of all other refusals."""
            self.close_connection = True
            self.command = getattr(self, "command", None) or "GET"
            request = HttpRequest(str(uuid.uuid4()), self.command, "", [], self.client_address[0], b"")
            self._send(_refuse(api, request, _malformed(code, message or explain)))

    for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
        setattr(FrontHandler, f"do_{method}", FrontHandler.serve)

    return LoopbackServer(port, FrontHandler)
