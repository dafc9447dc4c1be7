"""The REST face of every function: routing, validation, idempotency and problem documents, made in one place.

Errors are RFC 9457 problem documents with a stable `code`. Validation errors name each field, its limit and what was
found, but never echo more than a few characters, so that audio and personal data do not come back.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_core import from_json

from bonafide.contracts import IDEMPOTENCY_KEY, IDENTIFIER, MAX_CHUNKS, Answer, Problem, ProblemDetail
from bonafide.errors import (
    BonafideError,
    Conflict,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    StoreUnavailable,
    UnsupportedMediaType,
)
from bonafide.observability import Event, Handler, log_unexpected, logger, measurements, observed, request_id

PROBLEM_JSON = "application/problem+json"
DAY_SECONDS = 24 * 60 * 60
# Of a rule's text, which says nothing of the request.
LONGEST_LIMIT = 200

type Beginning = Callable[[Any], None]

# Parameters that routes share. Plain aliases, since the resolver looks inside them.
Domain = Annotated[str, Path(pattern=IDENTIFIER, description="The tenant.")]
Speaker = Annotated[str, Path(pattern=IDENTIFIER, description="The person, by your own pseudonymous reference.")]
SessionId = Annotated[str, Path(pattern=IDENTIFIER, description="The call, as its start named it.")]
ChunkNumber = Annotated[int, Path(ge=0, lt=MAX_CHUNKS, description="Place of the chunk in the call, from 0.")]
Cursor = Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Speakers a page.")]
Force = Annotated[bool, Query(description="Delete the domain's speakers too.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        min_length=1,
        max_length=128,
        description="Same key and same body: same answer, one effect. Same key and another body: 422.",
    ),
]


def create_app(
    idempotency: BasePersistenceLayer | None = None, begin: Beginning | None = None
) -> APIGatewayRestResolver:
    """Builds the resolver that every function uses.

    Args:
        idempotency: where answers to POSTs are remembered by Idempotency-Key; None for functions without POST.
        begin: starts what has no effect on the body of a POST, before it is looked up whether it was answered before.
    """
    app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=_parse_json)
    app.exception_handler(BonafideError)(_problem_response)
    app.exception_handler(RequestValidationError)(_validation_response)
    app.exception_handler(ServiceError)(_service_response)
    app.exception_handler(Exception)(_unexpected_response)
    app.not_found(_refuse_unknown_route)
    if idempotency:
        app.use([_remember_answers(idempotency, begin)])
    return app


def lambda_entry(app: APIGatewayRestResolver) -> Handler[dict[str, Any]]:
    """Wraps the resolver into the entry point: logged, traced, measured, and never answering with a stack trace."""

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        started = time.perf_counter()
        answer = _answer(app, event, context)
        latency_ms = (time.perf_counter() - started) * 1000
        measurements.add(Requests=1, Failures=answer["statusCode"] >= 500, RequestLatency=latency_ms)
        if known := request_id():
            answer["multiValueHeaders"]["X-Request-Id"] = [known]
        return answer

    return observed(handle, "requestContext.requestId")


def _answer(app: APIGatewayRestResolver, event: Event, context: LambdaContext) -> dict[str, Any]:
    try:
        refusal = _refuse_path(event) or _refuse_media_type(event)
        return refusal or app.resolve(_with_plain_media_type(event), context)
    except Exception as error:
        log_unexpected(error)
        return _plain(_unexpected())


# What any route may answer with, from the API's own refusals (403, 413, 429, 502, 504) to a store that is down.
# 404 is the answer to names that no path can hold.
ANY_ROUTE = (400, 403, 404, 413, 415, 422, 429, 500, 502, 503, 504)


def responses(answer: type[Answer] | None, *statuses: int) -> dict[int, Any]:
    """OpenAPI entries of a route.

    Args:
        answer: what it answers with; None when the answer has no body.
        statuses: of the problem documents that this route adds to those of every route.
    """
    success = {200: _content(HTTPStatus.OK, "application/json", answer)} if answer else {204: _content(HTTPStatus(204))}
    return success | {code: _content(HTTPStatus(code), PROBLEM_JSON, Problem) for code in (*ANY_ROUTE, *statuses)}


def _content(status: HTTPStatus, media_type: str = "", model: type[Answer] | None = None) -> dict[str, Any]:
    content = {"content": {media_type: {"model": model}}} if model else {}
    return {"description": status.phrase, **content}


def empty(status: HTTPStatus) -> Response[None]:
    """An answer without a body."""
    return Response(status)


def problem(error: BonafideError, details: list[ProblemDetail] | None = None) -> Response[str]:
    """Renders an error as an RFC 9457 problem document."""
    document = Problem(
        type=f"urn:bonafide:problem:{error.code}",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        code=error.code,
        detail=error.detail,
        errors=details or _details(error),
        request_id=request_id(),
    )
    body = document.model_dump_json(exclude_none=True)
    return Response(error.status, content_type=PROBLEM_JSON, body=body, headers={**error.headers})


def _details(error: BonafideError) -> list[ProblemDetail]:
    if error.field is None:
        return []
    return [ProblemDetail(field=error.field, limit=_shorten(error.limit), found=_shorten(error.found))]


def _problem_response(error: BonafideError) -> Response[str]:
    if error.status >= 500:
        # Which of its dependencies failed, by the type of their error; it may quote the request.
        cause = type(error.__cause__).__name__
        logger.error("not answered", extra={"code": error.code, "status": error.status, "error_type": cause})
    else:
        logger.info("refused", extra={"code": error.code, "status": error.status})
    return problem(error)


def _validation_response(error: RequestValidationError) -> Response[str]:
    details = [_validation_detail(entry) for entry in error.errors()[:10]]
    refusal = InvalidInput("request_invalid", "The request does not match the contract; `errors` names each field.")
    logger.info("refused", extra={"code": refusal.code, "status": refusal.status})
    return problem(refusal, details)


def _validation_detail(entry: Mapping[str, Any]) -> ProblemDetail:
    context = {key: value for key, value in (entry.get("ctx") or {}).items() if isinstance(value, int | float | str)}
    limit = ", ".join(f"{key} {value}" for key, value in context.items()) or str(entry.get("msg", entry["type"]))
    field = ".".join(str(part) for part in entry["loc"]).removeprefix("body.") or "body"
    # Of a missing field, what was found is all that stands beside it.
    found = None if entry["type"] == "missing" else _shorten(entry.get("input"))
    return ProblemDetail(field=_shorten(field) or "body", limit=limit[:LONGEST_LIMIT], found=found)


def _service_response(error: ServiceError) -> Response[str]:
    refusal = InvalidInput("request_invalid", "The request cannot be served.")
    refusal.status = error.status_code
    return problem(refusal)


def _refuse_unknown_route(_: NotFoundError) -> NoReturn:
    # Raised, so that it is not remembered as the answer to an Idempotency-Key.
    raise _route_not_found()


def _route_not_found() -> NotFound:
    return NotFound("route_not_found", "There is no such path, or it does not take this method.")


def _unexpected_response(error: Exception) -> Response[str]:
    log_unexpected(error)
    return problem(_unexpected())


def _unexpected() -> BonafideError:
    return BonafideError("internal_error", "Something went wrong here; the request may be repeated.")


def _shorten(value: object) -> str | None:
    """What was found, cut to what helps a person and gives nothing away."""
    if value is None or isinstance(value, dict | list):
        return None if value is None else type(value).__name__
    text = str(value)
    return text if len(text) <= 64 else f"{text[:16]}... ({len(text)} characters)"


def _parse_json(body: str) -> Any:
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput("body_not_json", "The body is not valid JSON.", field="body") from error
    if not isinstance(document, dict):
        # The resolver would take the first entry of a list for the whole.
        raise InvalidInput("body_not_object", "The body is not a JSON object.", field="body", found=document)
    return document


def _refuse_media_type(event: Event) -> dict[str, Any] | None:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    media_type = (headers.get("content-type") or "application/json").partition(";")[0].strip().lower()
    if not event.get("body") or media_type == "application/json":
        return None
    error = UnsupportedMediaType(
        "media_type_unsupported",
        "Bodies are taken as JSON only.",
        field="content-type",
        limit="application/json",
        found=media_type,
    )
    return _plain(error)


def _refuse_path(event: Event) -> dict[str, Any] | None:
    """Refuses what the resolver would cut off: a name has one spelling, or who may use it could not be told by path."""
    return None if event.get("path", "").isprintable() else _plain(_route_not_found())


def _plain(error: BonafideError) -> dict[str, Any]:
    """An answer that is made before the resolver."""
    headers = {"Content-Type": [PROBLEM_JSON]}
    return {"statusCode": error.status, "multiValueHeaders": headers, "body": problem(error).body}


def _with_plain_media_type(event: Event) -> Event:
    """Spells the media type as the resolver knows it, which takes letter case and parameters for another type."""
    headers = event.get("headers") or {}
    plain = {name: "application/json" if name.lower() == "content-type" else value for name, value in headers.items()}
    return {**event, "headers": plain}


def _remember_answers(store: BasePersistenceLayer, begin: Beginning | None) -> Callable[..., Response[Any]]:
    """Middleware: a POST with an Idempotency-Key has one effect and one answer for a day.

    Only answers are remembered. A refused or failed request may be repeated under the same key, which is safe because
    the identifiers of what it writes derive from the key.
    """

    def remember(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
        event = app.current_event
        key = event.headers.get(IDEMPOTENCY_KEY)
        if key is None or event.http_method != "POST":
            return next_middleware(app)
        if begin:
            begin(event.json_body)

        # Powertools keeps one configuration for each decorated function; the key's owner is part of the key.
        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="digest",
            expires_after_seconds=DAY_SECONDS,
            hash_function="sha256",
        )
        config.register_lambda_context(app.lambda_context)

        def respond(**_: object) -> dict[str, Any]:
            response = next_middleware(app)
            # As text, so that the first answer and every later one are the same to the byte.
            return {"status": response.status_code, "body": json.dumps(response.body, separators=(",", ":"))}

        answer: Callable[..., dict[str, Any]] = idempotent_function(
            respond, data_keyword_argument="request", persistence_store=store, config=config
        )
        digest = hashlib.sha256((event.body or "").encode()).hexdigest()
        remembered = _translated(lambda: answer(request={"key": f"{event.path}#{key}", "digest": digest}))
        return Response(remembered["status"], content_type="application/json", body=remembered["body"])

    return remember


def _translated(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except IdempotencyAlreadyInProgressError as error:
        raise Conflict(
            "request_in_progress",
            "A request with this Idempotency-Key is being worked on.",
            field=IDEMPOTENCY_KEY,
            headers={"Retry-After": "1"},
        ) from error
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused(
            "idempotency_key_reused", "This Idempotency-Key was used with another body.", field=IDEMPOTENCY_KEY
        ) from error
    except IdempotencyPersistenceLayerError as error:
        raise StoreUnavailable from error
