"""Requests and answers of functions in the form of API Gateway's Lambda proxy integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from local.aws.api.definition import ApiDefinition, GatewayError, RouteMatch
from local.aws.api.identity import SenderIdentity
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ACCOUNT, REGION
from local.aws.xray import header

API_ID = "local00000"
# Limit of the event, which holds the body, and of the answer.
MAX_PAYLOAD = 6 * 1024 * 1024
HOP_BY_HOP = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"}


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
        """Returns the last value of a header, or an empty string."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")

    @property
    def trace(self) -> str:
        """Trace header of X-Ray; one made here is not sampled, since nothing would collect the trace."""
        return self.header("x-amzn-trace-id") or header(self.id)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def proxy_event(
    api: ApiDefinition, request: HttpRequest, match: RouteMatch, sender: SenderIdentity | None
) -> dict[str, Any]:
    """Returns the event that the function receives; routes without authorization have no sender.

    Paths are as they were sent, and only the values of parameters are decoded:
    https://github.com/localstack/localstack/pull/7728 and the captures of https://github.com/hotsock/voker/pull/8.
    """
    headers = [*request.headers, *_forwarded(request)]
    parameters = parse_qsl(match.query, keep_blank_values=True)
    return {
        "resource": match.route.path,
        "path": match.path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _multi(headers),
        "queryStringParameters": dict(parameters) or None,
        "multiValueQueryStringParameters": _multi(parameters) or None,
        "pathParameters": dict(match.values) or None,
        "stageVariables": None,
        "requestContext": _context(api, request, match) | {"identity": _identity(request, sender)},
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
        "path": f"/{api.stage}{match.path}",
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.route.path,
        "stage": api.stage,
    }


def _identity(request: HttpRequest, sender: SenderIdentity | None) -> dict[str, str | None]:
    nobody = dict.fromkeys(("cognitoIdentityId", "cognitoIdentityPoolId", "cognitoAuthenticationType"))
    unknown = dict.fromkeys(("accessKey", "accountId", "caller", "user", "userArn"))
    return {
        **nobody,
        "principalOrgId": None,
        "sourceIp": request.client,
        "userAgent": request.header("user-agent") or None,
        **(sender.document() if sender else unknown),
    }


def _body(api: ApiDefinition, request: HttpRequest) -> dict[str, Any]:
    if api.is_binary(request.header("content-type")):
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode(errors="replace") or None, "isBase64Encoded": False}


def proxy_response(api: ApiDefinition, request: HttpRequest, result: InvocationResult) -> HttpResponse:
    """Returns the HTTP response that a function's answer describes.

    Raises:
        GatewayError: the function failed, or its answer is too large or malformed.
    """
    if result.error or len(result.payload) > MAX_PAYLOAD:
        raise GatewayError("INTERNAL_SERVER_ERROR", 502, "Internal server error")
    try:
        return _translate(api, request, json.loads(result.payload))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GatewayError("INTERNAL_SERVER_ERROR", 502, "Internal server error") from error


def _translate(api: ApiDefinition, request: HttpRequest, answer: Mapping[str, Any]) -> HttpResponse:
    """Translates an answer into HTTP; any shape that AWS does not document is an error."""
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
