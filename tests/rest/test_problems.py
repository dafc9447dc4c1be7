"""Errors become problem documents, and requests get an identity, at the edge only."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from bonafide import errors
from bonafide.contracts.sessions import EndRequest
from bonafide.errors import BonafideError, InvalidInput, Subject, Unavailable, UnsupportedAudio
from bonafide.http.identity import request_context
from bonafide.http.problems import (
    CHUNK_FIELDS,
    FORMAT_FIELDS,
    RECORDING_FIELDS,
    FieldNames,
    Problems,
    status_of,
)

STATUSES = {
    "InvalidInput": 400,
    "UnsupportedAudio": 422,
    "UnsupportedMediaType": 415,
    "IdempotencyKeyReused": 422,
    "AccessDenied": 403,
    "NotFound": 404,
    "PreconditionFailed": 412,
    "PreconditionRequired": 428,
    "Conflict": 409,
    "AnswerOutdated": 409,
    "TooLarge": 413,
    "Overloaded": 429,
    "AudioOverload": 429,
    "QuotaExceeded": 429,
    "Unavailable": 503,
    "StoreUnavailable": 503,
    "BonafideError": 500,
}


def kinds(kind: type[BonafideError]) -> set[type[BonafideError]]:
    return {kind}.union(*(kinds(each) for each in kind.__subclasses__() if each.__module__ == errors.__name__))


def test_every_error_has_its_status() -> None:
    made = {kind.__name__: status_of(kind.__new__(kind)) for kind in kinds(BonafideError)}
    assert made == STATUSES


@pytest.mark.parametrize(
    ("fields", "subject", "field"),
    [
        (RECORDING_FIELDS, Subject.AUDIO, "audio"),
        (RECORDING_FIELDS, Subject.AUDIO_TEXT, "audio.content"),
        (RECORDING_FIELDS, Subject.SAMPLE_RATE, "audio.sample_rate"),
        (RECORDING_FIELDS, Subject.CHANNEL, "audio.channel"),
        (RECORDING_FIELDS, Subject.UPLOAD, "audio.upload"),
        (RECORDING_FIELDS, Subject.CONSENT_TIME, "consent.given_at"),
        (RECORDING_FIELDS, Subject.SPEAKERS, "force"),
        (RECORDING_FIELDS, Subject.BEGIN, "from"),
        (RECORDING_FIELDS, Subject.DOMAIN, "domain"),
        (CHUNK_FIELDS, Subject.AUDIO, "content"),
        (CHUNK_FIELDS, Subject.CHUNK_NUMBER, "n"),
        (CHUNK_FIELDS, Subject.CHUNK_ENCODING, "encoding"),
        (FORMAT_FIELDS, Subject.SAMPLE_RATE, "format.sample_rate"),
        (FORMAT_FIELDS, Subject.CHANNEL, "format.channel"),
    ],
)
def test_a_subject_is_named_as_the_request_names_it(fields: FieldNames, subject: Subject, field: str) -> None:
    response = Problems(fields).response(InvalidInput("code", "Detail.", subject=subject, limit=1, found=2))
    assert json.loads(response.body or "")["errors"] == [{"field": field, "limit": "1", "found": "2"}]


def test_a_retry_time_becomes_a_header() -> None:
    response = Problems().response(Unavailable("code", "Detail.", retry_after=3))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")
    assert "Retry-After" not in Problems().response(UnsupportedAudio("code", "Detail.")).headers


@pytest.mark.parametrize(
    ("context", "principal"),
    [
        ({"identity": {"userArn": "arn:aws:iam::123456789012:role/bank"}}, "arn:aws:iam::123456789012:role/bank"),
        ({"identity": {"userArn": None}}, None),
        ({}, None),
    ],
)
def test_the_principal_is_the_identity_that_the_api_verified(context: dict[str, Any], principal: str | None) -> None:
    app = APIGatewayRestResolver()
    found = []

    @app.get("/v1/any")
    def answer() -> dict[str, Any]:
        found.append(request_context(app, EndRequest(chunks=3), "key-1"))
        return {}

    requested = {"path": "/v1/any", "httpMethod": "GET", "headers": {}, "requestContext": context}
    app.resolve(requested, None)  # type: ignore[arg-type]
    assert [(each.principal, each.key, each.body_digest) for each in found] == [
        (principal, "key-1", EndRequest(chunks=3).digest())
    ]


def test_without_a_key_no_digest_is_computed() -> None:
    app = APIGatewayRestResolver()
    app.current_event = type("Event", (), {"raw_event": {}})()
    assert request_context(app, EndRequest(chunks=3), None).body_digest == ""
