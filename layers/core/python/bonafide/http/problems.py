"""Problem documents (RFC 9457): errors get their status, headers and names of JSON fields here.

Validation errors name each field, its limit and the value found, but never echo more than a few characters, so that
audio and personal data do not come back.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from bonafide.contracts.service import Problem, ProblemDetail
from bonafide.errors import (
    AccessDenied,
    BonafideError,
    Conflict,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Overloaded,
    PreconditionFailed,
    PreconditionRequired,
    Subject,
    TooLarge,
    Unavailable,
    UnsupportedAudio,
    UnsupportedMediaType,
)
from bonafide.observability import log_unexpected, logger, request_id

PROBLEM_JSON = "application/problem+json"
# Length of a rule's text, which contains nothing of the request.
LONGEST_LIMIT = 200

type FieldNames = Mapping[str, str]

# The first class that an error is an instance of decides.
STATUSES: Mapping[type[BonafideError], HTTPStatus] = {
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnsupportedAudio: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidInput: HTTPStatus.BAD_REQUEST,
    AccessDenied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

# JSON fields, path and query parameters by the subject of an error; a subject that is not here is a field's name.
COMMON: FieldNames = {
    Subject.BEGIN: "from",
    Subject.CHUNK_NUMBER: "n",
    Subject.CHUNK_COUNT: "chunks",
    Subject.CHUNK_ENCODING: "encoding",
    Subject.CHUNK_SAMPLE_RATE: "sample_rate",
    Subject.CHUNK_CHANNEL: "channel",
    Subject.CONSENT_TIME: "consent.given_at",
    Subject.CONSENT_END: "consent.expires_at",
    Subject.ADMINISTRATOR: "principals.administrator",
    Subject.IMPOSTOR_PRIOR: "policy.impostor_prior",
    Subject.SPOOF_PRIOR: "policy.spoof_prior",
    Subject.SPEAKERS: "force",
    Subject.UPLOAD: "audio.upload",
    Subject.EXPIRY: "expires_at",
}
# Where requests hold their audio.
RECORDING_FIELDS: FieldNames = {
    **COMMON,
    Subject.AUDIO_TEXT: "audio.content",
    Subject.SAMPLE_RATE: "audio.sample_rate",
    Subject.CHANNEL: "audio.channel",
}
CHUNK_FIELDS: FieldNames = {
    **COMMON,
    Subject.AUDIO: "content",
    Subject.AUDIO_TEXT: "content",
    Subject.SAMPLE_RATE: "content.sample_rate",
    Subject.CHANNEL: "content.channel",
}
FORMAT_FIELDS: FieldNames = {
    **COMMON,
    Subject.AUDIO: "format",
    Subject.SAMPLE_RATE: "format.sample_rate",
    Subject.CHANNEL: "format.channel",
}
MODEL_FIELDS: FieldNames = {**COMMON, Subject.MODEL_VERSION: "digest"}


class Problems:
    """Renders errors as responses, with the field names of one function's requests."""

    def __init__(self, fields: FieldNames = RECORDING_FIELDS) -> None:
        self._fields = fields

    def response(self, error: BonafideError) -> Response[str]:
        """Renders an error that was raised on purpose, and logs it."""
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # Only the type of the dependency's error: its message may quote the request.
            cause = type(error.__cause__).__name__
            logger.error("not answered", extra={"code": error.code, "status": int(status), "error_type": cause})
        else:
            logger.info("refused", extra={"code": error.code, "status": int(status)})
        return render(error, status, self._details(error))

    def _details(self, error: BonafideError) -> list[ProblemDetail]:
        if error.subject is None:
            return []
        field = self._fields.get(error.subject, str(error.subject))
        return [ProblemDetail(field=field, limit=_shortened(error.limit), found=_shortened(error.found))]


def status_of(error: BonafideError) -> HTTPStatus:
    """Returns the HTTP status of an error."""
    known = (status for kind, status in STATUSES.items() if isinstance(error, kind))
    return next(known, HTTPStatus.INTERNAL_SERVER_ERROR)


def render(error: BonafideError, status: HTTPStatus, details: list[ProblemDetail]) -> Response[str]:
    """Renders an error as a problem document."""
    document = Problem(
        type=f"urn:bonafide:problem:{error.code}",
        title=status.phrase,
        status=status,
        code=error.code,
        detail=error.detail,
        errors=details,
        request_id=request_id(),
    )
    body = document.model_dump_json(exclude_none=True)
    return Response(status, content_type=PROBLEM_JSON, body=body, headers=_headers(error))


def validation_response(error: RequestValidationError) -> Response[str]:
    """Renders the resolver's findings on a request that does not match the contract."""
    details = [_validation_detail(entry) for entry in error.errors()[:10]]
    refusal = InvalidInput("request_invalid", "The request does not match the contract; `errors` names each field.")
    logger.info("refused", extra={"code": refusal.code, "status": int(HTTPStatus.BAD_REQUEST)})
    return render(refusal, HTTPStatus.BAD_REQUEST, details)


def service_response(error: ServiceError) -> Response[str]:
    """Renders an error of the resolver itself."""
    refusal = InvalidInput("request_invalid", "The request cannot be served.")
    return render(refusal, HTTPStatus(error.status_code), [])


def unexpected_response(error: Exception) -> Response[str]:
    """Logs and renders an unforeseen exception, without any of its text."""
    log_unexpected(error)
    unexpected = BonafideError("internal_error", "Something went wrong here; the request may be repeated.")
    return render(unexpected, HTTPStatus.INTERNAL_SERVER_ERROR, [])


def _headers(error: BonafideError) -> dict[str, str | list[str]]:
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def _validation_detail(entry: Mapping[str, Any]) -> ProblemDetail:
    context = {key: value for key, value in (entry.get("ctx") or {}).items() if isinstance(value, int | float | str)}
    limit = ", ".join(f"{key} {value}" for key, value in context.items()) or str(entry.get("msg", entry["type"]))
    field = ".".join(str(part) for part in entry["loc"]).removeprefix("body.") or "body"
    # The input of a missing field's error is all that stands beside it.
    found = None if entry["type"] == "missing" else _shortened(entry.get("input"))
    return ProblemDetail(field=_shortened(field) or "body", limit=limit[:LONGEST_LIMIT], found=found)


def _shortened(value: object) -> str | None:
    """Cuts a value to a length that helps a person and discloses nothing."""
    if value is None or isinstance(value, dict | list):
        return None if value is None else type(value).__name__
    text = str(value)
    return text if len(text) <= 64 else f"{text[:16]}... ({len(text)} characters)"
