"""The resolver and the entry point that every function of the REST API uses."""

import time
from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_core import from_json

from bonafide.errors import BonafideError, InvalidInput, UnsupportedMediaType
from bonafide.http.access import CheckedResolver, is_canonical, route_not_found
from bonafide.http.idempotency import Beginning, Find, remember_answers
from bonafide.http.problems import (
    PROBLEM_JSON,
    RECORDING_FIELDS,
    FieldNames,
    Problems,
    service_response,
    unexpected_response,
    validation_response,
)
from bonafide.observability import Event, Handler, measurements, observed, request_id
from bonafide.services.access import StageAccess
from bonafide.services.audit import Audit

# Media type of bare bytes; the API passes it on as binary.
OCTETS = "application/octet-stream"
# Of one body, in objects and lists of any depth; the largest request, the registration of a model, has hundreds.
MOST_VALUES = 10_000


def create_app(
    access: StageAccess | None,
    idempotency: BasePersistenceLayer | None = None,
    begin: Beginning | None = None,
    find: Find | None = None,
    fields: FieldNames = RECORDING_FIELDS,
    audit: Audit | None = None,
) -> APIGatewayRestResolver:
    """Builds the resolver that every function uses.

    Args:
        access: checks the senders of all routes; None for a function whose routes anybody may call.
        idempotency: store of answers to POSTs by Idempotency-Key; None for functions without POST.
        begin: starts work without effects on the body of a POST, before its Idempotency-Key is looked up.
        find: reads what a remembered answer is about; None for functions whose POSTs are about no domain.
        fields: names of JSON fields by the subjects of errors.
        audit: records administrative acts; None for a function that has none.
    """
    app = CheckedResolver(access, audit, enable_validation=True, json_body_deserializer=_parse_json)
    app.exception_handler(BonafideError)(Problems(fields).response)
    app.exception_handler(RequestValidationError)(validation_response)
    app.exception_handler(ServiceError)(service_response)
    app.exception_handler(Exception)(unexpected_response)
    app.not_found(_refuse_unknown_route)
    if idempotency:
        app.use([remember_answers(idempotency, begin, find)])
    return app


def lambda_entry(app: APIGatewayRestResolver, *, octets: bool = False) -> Handler[dict[str, Any]]:
    """Wraps the resolver into the entry point: logged, traced, measured, and never answering with a stack trace.

    Args:
        app: resolves the routes.
        octets: whether a PUT may send the bytes of `content` instead of a JSON document with `content` in base64.
    """

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        started = time.perf_counter()
        answer = _answer(app, _as_document(event) if octets else event, context, octets=octets)
        latency_ms = (time.perf_counter() - started) * 1000
        measurements.add(Failures=answer["statusCode"] >= 500, RequestLatency=latency_ms)
        if known := request_id():
            answer["multiValueHeaders"]["X-Request-Id"] = [known]
        return answer

    return observed(handle, "requestContext.requestId")


def _as_document(event: Event) -> Event:
    """Turns a PUT of bytes into the document that holds them: API Gateway passes binary media types on in base64.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
    """
    if event.get("httpMethod") != "PUT" or not event.get("isBase64Encoded") or _media_type(event) != OCTETS:
        return event
    body = f'{{"content":"{event.get("body") or ""}"}}'
    headers = {"content-type": "application/json", "content-encoding": _header(event, "content-encoding")}
    return {**event, "headers": headers, "body": body, "isBase64Encoded": False}


def _answer(app: APIGatewayRestResolver, event: Event, context: LambdaContext, *, octets: bool) -> dict[str, Any]:
    try:
        refusal = _refuse_path(event) or (_refuse_bytes(event) if octets else None) or _refuse_media_type(event)
        return refusal or app.resolve(_with_plain_media_type(event), context)
    except BonafideError as error:
        return _refusal(error)
    except Exception as error:
        response = unexpected_response(error)
        return _plain(response.status_code, response.body)


def _refuse_unknown_route(_: NotFoundError) -> NoReturn:
    # Raised, so that it is not remembered as the answer to an Idempotency-Key.
    raise route_not_found()


def _parse_json(body: str) -> Any:
    try:
        # RFC 8259 lets a receiver ignore a byte order mark.
        document = from_json(body.removeprefix("\ufeff"), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput("body_not_json", "The body is not valid JSON.", subject="body") from error
    if not isinstance(document, dict):
        # The resolver would take the first entry of a list for the whole.
        raise InvalidInput("body_not_object", "The body is not a JSON object.", subject="body", found=document)
    _refuse_many_values(document)
    return document


def _refuse_many_values(document: dict[str, Any]) -> None:
    """Refuses a body with more values than any request has: each could become an error of a kilobyte."""
    count = 0
    rest: list[Any] = [document]
    while rest:
        each = rest.pop()
        count += len(each)
        if count > MOST_VALUES:
            raise InvalidInput("body_too_complex", "The body has too many values.", subject="body", limit=MOST_VALUES)
        values = each.values() if isinstance(each, dict) else each
        rest += [value for value in values if isinstance(value, dict | list)]


def _refuse_media_type(event: Event) -> dict[str, Any] | None:
    media_type, coding = _media_type(event), _header(event, "content-encoding").lower()
    if not event.get("body"):
        return None
    if coding not in {"", "identity"}:
        return _refusal(
            UnsupportedMediaType(
                "content_encoding_unsupported",
                "Compressed bodies are not accepted.",
                subject="content-encoding",
                limit="identity",
                found=coding,
            )
        )
    if media_type == "application/json":
        return None
    return _refusal(
        UnsupportedMediaType(
            "media_type_unsupported",
            "Only JSON bodies are accepted.",
            subject="content-type",
            limit="application/json",
            found=media_type,
        )
    )


def _refuse_bytes(event: Event) -> dict[str, Any] | None:
    """Refuses bytes that were not sent as such: without their media type API Gateway takes them for text."""
    stated = _header(event, "content-type")
    body = (event.get("body") or "").lstrip("\ufeff \t\r\n")
    if event.get("httpMethod") != "PUT" or not body:
        return None
    if _media_type(event) == "application/json" and (stated or body.startswith(("{", "["))):
        return None
    return _refusal(
        UnsupportedMediaType(
            "media_type_unsupported",
            "State the media type of a chunk: application/octet-stream for its bytes, application/json for a document.",
            subject="content-type",
            limit=f"{OCTETS}, application/json",
            found=stated or "none",
        )
    )


def _media_type(event: Event) -> str:
    return (_header(event, "content-type") or "application/json").partition(";")[0].strip().lower()


def _header(event: Event, wanted: str) -> str:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return (headers.get(wanted) or "").strip()


def _refuse_path(event: Event) -> dict[str, Any] | None:
    return None if is_canonical(event) else _refusal(route_not_found())


def _refusal(error: BonafideError) -> dict[str, Any]:
    """Answers before the resolver is asked."""
    response = Problems().response(error)
    return _plain(response.status_code, response.body, **response.headers)


def _plain(status: int, body: str | None, **headers: Any) -> dict[str, Any]:
    given = {name: [value] for name, value in {"Content-Type": PROBLEM_JSON, **headers}.items()}
    return {"statusCode": status, "multiValueHeaders": given, "body": body}


def _with_plain_media_type(event: Event) -> Event:
    """Spells the media type as the resolver knows it, which takes letter case and parameters for another type."""
    headers = event.get("headers") or {}
    plain = {name: "application/json" if name.lower() == "content-type" else value for name, value in headers.items()}
    return {**event, "headers": plain}
