"""Identity of a request and of its sender."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from bonafide.contracts.base import Request
from bonafide.observability import Event, request_id
from bonafide.records.request import RequestContext


def request_context(app: APIGatewayRestResolver, request: Request, key: str | None) -> RequestContext:
    """Returns the context of the request that is being answered.

    Args:
        app: that answers it.
        request: its body.
        key: its Idempotency-Key, if any.
    """
    # Only a key makes a repeated request recognizable, so the digest is computed for one only.
    return RequestContext(key, request.digest() if key else "", request_id(), principal(app))


def principal(app: APIGatewayRestResolver) -> str | None:
    """Returns the verified identity of who sent the request that is being answered."""
    return sender_of(app.current_event.raw_event)


def sender_of(event: Event) -> str | None:
    """Returns the verified identity of who sent a request, as IAM authorization fills it in; None without that."""
    identity = (event.get("requestContext") or {}).get("identity") or {}
    found: str | None = identity.get("userArn")
    return found
