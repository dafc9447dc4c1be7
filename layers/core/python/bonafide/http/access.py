"""Access checks of requests: the path as IAM judged it, and the sender's roles."""

import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from bonafide.http.identity import principal
from bonafide.observability import Event
from bonafide.services.access import StageAccess

# Every path of the contract, and every name that a path may hold, consists of these. Nothing needs to be encoded, so
# that a percent sign, a double slash, a dot segment or a slash at the end is there to say one thing to IAM, which
# judges the path, and another to the router.
PATH = re.compile(r"(?:/[^\s/%\\.\x00-\x20\x7f-\uffff][^\s/%\\\x00-\x20\x7f-\uffff]*)+")


def check_sender(access: StageAccess) -> Callable[..., Response[Any]]:
    """Makes the middleware that refuses senders without a role that the route needs."""

    def check(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
        operation: str = app.context["_route"].operation_id
        domain: str | None = app.request.path_parameters.get("domain")
        with access.granted(principal(app), operation, domain):
            return next_middleware(app)

    return check


def is_canonical(event: Event) -> bool:
    """Tells whether a request's path has the one spelling that permissions by path rely on, wherever it is told.

    API Gateway tells it three times: as it was sent, with the stage before it (`requestContext.path`); as the router
    takes it (`path`); and by the resource with its parameters, decoded (`resource`, `pathParameters`).
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    path = event.get("path") or ""
    return bool(PATH.fullmatch(path)) and path == _of_resource(event, path) and path == _as_sent(event, path)


def _of_resource(event: Event, path: str) -> str:
    resource: str = event.get("resource") or path
    for name, value in (event.get("pathParameters") or {}).items():
        resource = resource.replace(f"{{{name}}}", str(value))
    return resource


def _as_sent(event: Event, path: str) -> str:
    context = event.get("requestContext") or {}
    sent: str = context.get("path") or path
    stage = context.get("stage") or ""
    # A domain name of one's own leads to the stage without naming it.
    return sent.removeprefix(f"/{stage}") if stage and sent != path else sent
