"""Access checks of requests: the path as IAM judged it, and the sender's roles."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from bonafide.access.operations import OPERATIONS, may_exist
from bonafide.errors import AccessDenied, NotFound
from bonafide.http.identity import sender_of
from bonafide.observability import Event, request_id
from bonafide.services.access import StageAccess
from bonafide.services.audit import ActRequested, Audit

# Every path of the contract, and every name that a path may hold, consists of these. Nothing needs to be encoded, so
# that a percent sign, a double slash, a dot segment or a slash at the end is there to say one thing to IAM, which
# judges the path, and another to the router.
PATH = re.compile(r"(?:/[^\s/%\\.\x00-\x20\x7f-\uffff][^\s/%\\\x00-\x20\x7f-\uffff]*)+")


class CheckedResolver(APIGatewayRestResolver):
    """A resolver that answers only senders who have a role that the operation needs.

    It checks them first: Powertools validates a request before any middleware, and whoever has no role learns nothing
    from that, nor from an Idempotency-Key.
    """

    def __init__(self, access: StageAccess | None, audit: Audit | None, **settings: Any) -> None:
        """Takes the check of senders, None for a function whose routes anybody may call, and the audit of its acts."""
        super().__init__(**settings)
        self._access = access
        self._audit = audit

    def resolve(self, event: Any, context: Any) -> dict[str, Any]:
        """Answers a request.

        Raises:
            AccessDenied: the sender has no role that the operation needs.
            NotFound: the table of operations has no such route.
        """
        if self._access is None:
            return super().resolve(event, context)
        found = OPERATIONS.find(event["httpMethod"], event["path"])
        if found is None:
            raise route_not_found()
        operation, parameters = found
        audited = operation.audited and may_exist(parameters.get("domain", "stage"))
        act = _act(operation.name, parameters, event) if self._audit and audited else None
        try:
            with self._access.granted(sender_of(event), operation, parameters.get("domain")):
                return self._answer(event, context, act)
        except AccessDenied as error:
            if self._audit and act:
                self._audit.refused(act, HTTPStatus.FORBIDDEN, error.code)
            raise

    def _answer(self, event: Any, context: Any, act: ActRequested | None) -> dict[str, Any]:
        if not self._audit or act is None:
            return super().resolve(event, context)
        end = self._audit.begin(act)
        answer = super().resolve(event, context)
        end(answer["statusCode"], _code(answer))
        return answer


def _act(operation: str, parameters: Mapping[str, str], event: Event) -> ActRequested:
    sender, body = sender_of(event) or "", event.get("body") or ""
    return ActRequested(operation, parameters, request_id() or "", sender, body)


def _code(answer: Mapping[str, Any]) -> str | None:
    """Returns the code of a problem document."""
    code: str | None = json.loads(answer["body"]).get("code") if answer["statusCode"] >= 400 else None
    return code


def route_not_found() -> NotFound:
    """Makes the error for a path or method that the contract does not have."""
    return NotFound("route_not_found", "There is no such path, or it does not support this method.")


def is_canonical(event: Event) -> bool:
    """Tells whether a request's path has the one spelling that permissions by path rely on, wherever it is told.

    API Gateway tells it three times: as it was sent, with the stage before it (`requestContext.path`); as the router
    takes it (`path`); and by the resource with its parameters, decoded (`resource`, `pathParameters`).
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    path = event.get("path") or ""
    # A slash that was sent encoded is in a value, and would make the path look like that of another route.
    values = (event.get("pathParameters") or {}).values()
    whole = bool(PATH.fullmatch(path)) and not any("/" in str(each) for each in values)
    return whole and path == _of_resource(event, path) and path == _as_sent(event, path)


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
