"""The API as its template defines it: routes, gateway responses and binary media types."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any
from urllib.parse import unquote, urlsplit

from local.aws.api.identity import LOCAL_ADMINISTRATOR, SenderIdentity
from local.aws.api.limits import TokenBucket
from local.aws.functions.environment import InvocationResult
from local.aws.template import ApiRoute, GatewayResponse

DEFAULT = GatewayResponse(None, "application/json", '{"message":$context.error.messageString}', {})

# The header x-amzn-ErrorType of gateway responses, as AWS's clients know them.
TYPES = {
    "ACCESS_DENIED": "AccessDeniedException",
    "BAD_REQUEST": "BadRequestException",
    "EXPIRED_TOKEN": "ExpiredTokenException",
    "INTEGRATION_FAILURE": "InternalServerErrorException",
    "INTEGRATION_TIMEOUT": "InternalServerErrorException",
    "INTERNAL_SERVER_ERROR": "InternalServerErrorException",
    "INVALID_SIGNATURE": "InvalidSignatureException",
    "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
    "REQUEST_TOO_LARGE": "RequestEntityTooLargeException",
    "THROTTLED": "TooManyRequestsException",
}

type Submit = Callable[[str, bytes, str, str], Future[InvocationResult]]


class GatewayError(Exception):
    """API Gateway answers by itself, with one of its gateway responses."""

    def __init__(self, kind: str, status: int, message: str, type_: str | None = None) -> None:
        super().__init__(message)
        self.type = type_ or TYPES.get(kind, kind)
        self.kind = kind
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    """The API as the template defines it.

    Attributes:
        stage: name of the stage, the first part of each path.
        routes: methods of resources, each with its function.
        responses: gateway responses by their type.
        binary_types: media types whose bodies are passed on in base64.
        submit: sends an event to a function: name, payload, trace header, request id.
        observe: called with the status of each answer.
        sender: returns the verified identity of who sent a request.
    """

    stage: str
    routes: Sequence[ApiRoute]
    responses: Mapping[str, GatewayResponse]
    binary_types: Sequence[str]
    submit: Submit
    observe: Callable[[int], None] = lambda _status: None
    sender: Callable[[Any], SenderIdentity] = lambda _request: LOCAL_ADMINISTRATOR
    _buckets: dict[ApiRoute, TokenBucket] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._buckets.update({route: TokenBucket(route.limit) for route in self.routes if route.limit})

    def admit(self, route: ApiRoute) -> None:
        """Counts a request against the limit of its route."""
        bucket = self._buckets.get(route)
        if bucket and not bucket.take():
            raise GatewayError("THROTTLED", 429, "Too Many Requests")

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
        """Returns whether bodies of this media type are binary."""
        media_type = content_type.partition(";")[0].strip().lower()
        return any(fnmatch(media_type, each) for each in self.binary_types)

    def response(self, error: GatewayError) -> tuple[GatewayResponse, int]:
        """Returns the gateway response to an error, and its status."""
        fallback = "DEFAULT_4XX" if error.status < 500 else "DEFAULT_5XX"
        chosen = self.responses.get(error.kind) or self.responses.get(fallback) or DEFAULT
        return chosen, chosen.status or error.status


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route of a request, with the parts of its target.

    Attributes:
        route: the route.
        path: the target's path below the stage, not decoded.
        values: path parameters by name.
        query: the target's query, not decoded.
    """

    route: ApiRoute
    path: str
    values: Mapping[str, str]
    query: str


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
