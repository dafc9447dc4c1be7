"""Idempotency of POSTs: one effect and one answer for a key and body, for a day."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer

from bonafide.contracts.base import IDEMPOTENCY_KEY
from bonafide.errors import Conflict, IdempotencyKeyReused, StoreUnavailable

DAY_SECONDS = 24 * 60 * 60

type Beginning = Callable[[Any], None]


def remember_answers(store: BasePersistenceLayer, begin: Beginning | None) -> Callable[..., Response[Any]]:
    """Makes the middleware that answers a repeated POST with the first answer.

    Only answers are remembered. A refused or failed request may be repeated under the same key, which is safe because
    the identifiers of what it writes derive from the key.

    Args:
        store: of answers by Idempotency-Key.
        begin: starts work without effects on the body of a POST, before the key is looked up.
    """

    def remember(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
        event = app.current_event
        key = event.headers.get(IDEMPOTENCY_KEY)
        if key is None or event.http_method != "POST":
            return next_middleware(app)
        if begin:
            begin(event.json_body)

        def respond(**_: object) -> dict[str, Any]:
            response = next_middleware(app)
            # As text, so that the first answer and every later one are the same to the byte.
            return {"status": response.status_code, "body": json.dumps(response.body, separators=(",", ":"))}

        answer: Callable[..., dict[str, Any]] = idempotent_function(
            respond, data_keyword_argument="request", persistence_store=store, config=_config(app)
        )
        digest = hashlib.sha256((event.body or "").encode()).hexdigest()
        remembered = _translated(lambda: answer(request={"key": f"{event.path}#{key}", "digest": digest}))
        return Response(remembered["status"], content_type="application/json", body=remembered["body"])

    return remember


def _config(app: APIGatewayRestResolver) -> IdempotencyConfig:
    """Powertools keeps one configuration for each decorated function; the path is part of the key."""
    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="digest",
        expires_after_seconds=DAY_SECONDS,
        hash_function="sha256",
    )
    config.register_lambda_context(app.lambda_context)
    return config


def _translated(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except IdempotencyAlreadyInProgressError as error:
        raise Conflict(
            "request_in_progress",
            "A request with this Idempotency-Key is in progress.",
            subject=IDEMPOTENCY_KEY,
            retry_after=1,
        ) from error
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused(
            "idempotency_key_reused", "This Idempotency-Key was used with another body.", subject=IDEMPOTENCY_KEY
        ) from error
    except IdempotencyPersistenceLayerError as error:
        raise StoreUnavailable from error
