"""The REST API in front of the functions, with the errors that API Gateway answers by itself."""

import json
import uuid
from collections.abc import Callable
from http import HTTPStatus

from local.aws.api.definition import ApiDefinition, GatewayError
from local.aws.api.proxy import MAX_PAYLOAD, HttpRequest, HttpResponse, proxy_event, proxy_response
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ThrottledError
from local.aws.http import HttpHandler, LoopbackServer, TooLongError
from local.aws.template import ApiRoute

MAX_BODY = 10 * 1024 * 1024

# Answers what is not the API's.
type Pages = Callable[[HttpRequest], HttpResponse | None]


def handle(api: ApiDefinition, request: HttpRequest) -> HttpResponse:
    """Answers one request as API Gateway would."""
    try:
        response = _integrate(api, request)
    except GatewayError as error:
        response = _gateway_response(api, request, error)
    api.observe(response.status)
    ids = [("x-amzn-RequestId", request.id), ("x-amz-apigw-id", request.id), ("X-Amzn-Trace-Id", request.trace)]
    return HttpResponse(response.status, [*response.headers, *ids], response.body)


def _integrate(api: ApiDefinition, request: HttpRequest) -> HttpResponse:
    match = api.match(request.method, request.target)
    sender = api.sender(request) if match.route.signed else None
    api.admit(match.route)
    payload = json.dumps(proxy_event(api, request, match, sender)).encode()
    if len(payload) > MAX_PAYLOAD:
        raise GatewayError("REQUEST_TOO_LARGE", 413, "Request Entity Too Large")
    return proxy_response(api, request, _invoke(api, request, match.route, payload))


def _invoke(api: ApiDefinition, request: HttpRequest, route: ApiRoute, payload: bytes) -> InvocationResult:
    try:
        future = api.submit(route.function, payload, request.trace, request.id)
    except ThrottledError as error:
        # Not 429: "Execution failed due to configuration error: Rate Exceeded." is an integration failure.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
        raise GatewayError("INTEGRATION_FAILURE", 504, "Internal server error") from error
    try:
        return future.result(route.seconds)
    except TimeoutError as error:
        future.cancel()
        raise GatewayError("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out") from error


def _gateway_response(api: ApiDefinition, request: HttpRequest, error: GatewayError) -> HttpResponse:
    response, status = api.response(error)
    body = response.template.replace("$context.error.messageString", json.dumps(error.message))
    body = body.replace("$context.requestId", request.id)
    headers = [("Content-Type", response.content_type), ("x-amzn-ErrorType", error.type), *response.headers.items()]
    return HttpResponse(status, headers, body.encode())


def _malformed(code: int, message: str | None) -> GatewayError:
    """Returns the error for a request that is not valid HTTP or has an unknown method."""
    if code == HTTPStatus.NOT_IMPLEMENTED:
        return GatewayError("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
    return GatewayError("BAD_REQUEST", code if code < 500 else 400, message or HTTPStatus(code).phrase)


def serve(api: ApiDefinition, port: int) -> LoopbackServer:
    """Serves the API on the loopback interface."""
    server = listen(api, port)
    server.start()
    return server


def listen(api: ApiDefinition, port: int, pages: Pages = lambda _request: None) -> LoopbackServer:
    """Binds a port for the API, and for pages beside it; connections wait until the server is started."""

    class FrontHandler(HttpHandler):
        """Passes requests to the API."""

        def serve(self) -> None:
            try:
                request = self._request(self.read_body(MAX_BODY))
                self._send(pages(request) or handle(api, request))
            except TooLongError:
                error = GatewayError("REQUEST_TOO_LARGE", 413, "Request Entity Too Large")
                self._send(_gateway_response(api, self._request(b""), error))
            except ValueError:
                self.send_error(HTTPStatus.BAD_REQUEST)

        def _request(self, body: bytes) -> HttpRequest:
            headers = [(name, value) for name, value in self.headers.items() if name.lower() != "connection"]
            return HttpRequest(str(uuid.uuid4()), self.command, self.path, headers, self.client_address[0], body)

        def _send(self, response: HttpResponse) -> None:
            self.answer(response.status, response.headers, response.body)

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Answers malformed HTTP with a gateway response."""
            self.close_connection = True
            self.command = getattr(self, "command", None) or "GET"
            request = HttpRequest(str(uuid.uuid4()), self.command, "", [], self.client_address[0], b"")
            self._send(_gateway_response(api, request, _malformed(code, message or explain)))

    for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
        setattr(FrontHandler, f"do_{method}", FrontHandler.serve)

    return LoopbackServer(port, FrontHandler)
