"""Idempotency of POSTs: one effect and one answer for a key and body, for a day, while its subject is the same."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemNotFoundError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.hook import IdempotentHookFunction
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from bonafide.contracts.base import IDEMPOTENCY_KEY
from bonafide.errors import AnswerOutdated, Conflict, IdempotencyKeyReused, StoreUnavailable
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord, generation
from bonafide.services.shared.lookups import require_permitted

DAY_SECONDS = 24 * 60 * 60
# Requests are answered sooner, unless their function was killed.
USUAL_SECONDS = 5

# What is said about an answer that is about no domain.
OF_NOBODY: Mapping[str, Any] = {"about": None, "lasts": True, "domain": None, "speaker": None}

type Beginning = Callable[[Any], None]
type Find = Callable[[str, str], tuple[DomainRecord | None, SpeakerRecord | None]]
type Answer = dict[str, Any]


def answer_about(
    app: APIGatewayRestResolver, subject: str | None, *, speaker: str | None = None, lasts: bool = True
) -> None:
    """Says whose answer a POST gives, so that it is never repeated about anybody else.

    Args:
        app: answers the request.
        subject: generation of the domain, and of the speaker if the path names one, as they are after the effect.
        speaker: whom the answer names, if the path does not, so that an erasure of the speaker finds it.
        lasts: whether the answer may be repeated as it is; one that does not last is made anew, from the same effect.
    """
    app.context.update(about=subject, lasts=lasts, named=speaker)


def remember_answers(
    store: BasePersistenceLayer, begin: Beginning | None, find: Find | None
) -> Callable[..., Response[Any]]:
    """Makes the middleware that answers a repeated POST with the first answer.

    Only answers are remembered. A refused or failed request may be repeated under the same key, which is safe because
    the identifiers of what it writes derive from the key.

    Args:
        store: of answers by Idempotency-Key.
        begin: starts work without effects on the body of a POST, before the key is looked up.
        find: reads the domain and the speaker of a path before an answer is repeated; the routes then have to call
            `answer_about`. None for routes that are about neither.
    """

    def remember(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
        key = app.current_event.headers.get(IDEMPOTENCY_KEY)
        if key is None or app.current_event.http_method != "POST":
            return next_middleware(app)
        if begin:
            begin(app.current_event.json_body)

        # Keys are hashed with the qualified name of this function: renamed, it would not know those of another release.
        def respond(**_: object) -> Answer:
            return _remembered(next_middleware(app), _said(app) if find else OF_NOBODY)

        def repeat(response: Answer, idempotent_data: DataRecord) -> Answer:  # noqa: ARG001, the hook's names
            if find and response.get("about") not in {None, _subject(app, find)}:
                raise AnswerOutdated
            return response if response.get("lasts", True) else respond()

        answer = _answered(respond, store, _config(app, repeat), _request(app, key))
        return Response(answer["status"], content_type="application/json", body=answer["body"])

    return remember


def _said(app: APIGatewayRestResolver) -> Mapping[str, Any]:
    names, said = app.request.path_parameters, app.context
    owner = {"domain": names["domain"], "speaker": names.get("speaker", said["named"])}
    return {"about": said["about"], "lasts": said["lasts"], **owner}


def _remembered(response: Response[Any], said: Mapping[str, Any]) -> Answer:
    """Returns the form in which answers are stored. The release before wrote and reads status and body only."""
    # As text, so that the first answer and every later one are the same to the byte.
    body = json.dumps(response.body, separators=(",", ":"))
    return {"status": response.status_code, "body": body, **said}


def _subject(app: APIGatewayRestResolver, find: Find) -> str | None:
    """Returns the generation of the domain, and of the speaker, that the request's path names; None if one is gone."""
    names = app.request.path_parameters
    domain, speaker = find(names["domain"], names.get("speaker", ""))
    require_permitted(domain)
    if domain is None or not domain.is_open or (speaker is None and "speaker" in names):
        return None
    return generation(domain, speaker)


def _request(app: APIGatewayRestResolver, key: str) -> dict[str, str]:
    event = app.current_event
    digest = hashlib.sha256((event.body or "").encode()).hexdigest()
    return {"key": f"{event.path}#{key}", "digest": digest}


def _config(app: APIGatewayRestResolver, repeat: IdempotentHookFunction) -> IdempotencyConfig:
    """Powertools keeps one configuration for each decorated function; the path is part of the key."""
    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="digest",
        expires_after_seconds=DAY_SECONDS,
        hash_function="sha256",
        response_hook=repeat,
    )
    config.register_lambda_context(app.lambda_context)
    return config


def _answered(
    respond: Callable[..., Answer], store: BasePersistenceLayer, config: IdempotencyConfig, request: dict[str, str]
) -> Answer:
    answer: Callable[..., Answer] = idempotent_function(
        respond, data_keyword_argument="request", persistence_store=store, config=config
    )
    try:
        return answer(request=request)
    except IdempotencyAlreadyInProgressError as error:
        raise Conflict(
            "request_in_progress",
            "A request with this Idempotency-Key is in progress.",
            subject=IDEMPOTENCY_KEY,
            retry_after=_seconds_left(store, request),
        ) from error
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused(
            "idempotency_key_reused", "This Idempotency-Key was used with another body.", subject=IDEMPOTENCY_KEY
        ) from error
    except IdempotencyPersistenceLayerError as error:
        raise StoreUnavailable from error


def _seconds_left(store: BasePersistenceLayer, request: dict[str, str]) -> int:
    """Returns whole seconds after which the request in progress has ended.

    That is one for a request that has just begun. One that takes longer than usual was killed, as far as anybody can
    tell, and its key is free when the time is over that its function would have had.
    """
    try:
        record = store.get_record(request)
    except IdempotencyItemNotFoundError:
        return 1
    except Exception as error:  # whatever the store's client raises
        raise StoreUnavailable from error
    now = time.time()
    # One that has an answer by now has no end to wait for.
    if record is None or record.response_data or now < _begun(record) + USUAL_SECONDS:
        return 1
    return max(1, math.ceil(int(record.in_progress_expiry_timestamp or 0) / 1000 - now))


def _begun(record: DataRecord) -> int:
    return int(record.expiry_timestamp or 0) - DAY_SECONDS
