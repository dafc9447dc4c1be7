"""OpenAPI entries of routes, and the published contract.

`openapi.json` is generated from the functions' own routes by `make openapi`; a test keeps the two equal.
"""

import hashlib
import json
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html

from bonafide.contracts.base import Answer
from bonafide.contracts.service import Problem
from bonafide.http.problems import PROBLEM_JSON

# Statuses that any route may answer with, from the API's own refusals (403, 413, 429, 502, 504) to a store that is
# down. 404 is the answer to names that no path can hold.
ANY_ROUTE = (400, 403, 404, 413, 415, 422, 429, 500, 502, 503, 504)


def responses(answer: type[Answer] | None, *statuses: int) -> dict[int, Any]:
    """Returns the OpenAPI entries of a route.

    Args:
        answer: contract of the answer; None when the answer has no body.
        statuses: of the problem documents that this route adds to those of every route.
    """
    success = {200: _content(HTTPStatus.OK, "application/json", answer)} if answer else {204: _content(HTTPStatus(204))}
    return success | {code: _content(HTTPStatus(code), PROBLEM_JSON, Problem) for code in (*ANY_ROUTE, *statuses)}


def empty(status: HTTPStatus) -> Response[None]:
    """Returns an answer without a body."""
    return Response(status)


@cache
def document() -> str:
    """Returns the OpenAPI 3.1 document, as JSON text without white space."""
    return json.dumps(json.loads(files("bonafide").joinpath("openapi.json").read_text()), separators=(",", ":"))


def cacheable(text: str, content_type: str, known: str | None) -> Response[str]:
    """Returns a public text for an hour, or only that a client's copy is still the right one (RFC 9110, 13.1.2).

    Args:
        text: the same for all clients until the next release.
        content_type: media type.
        known: the request's If-None-Match, if any.
    """
    tag = _tag(text)
    headers = {"Cache-Control": "public, max-age=3600", "ETag": tag}
    if known and tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(HTTPStatus.NOT_MODIFIED, body="", headers=headers)
    return Response(HTTPStatus.OK, content_type, text, headers=headers)


@cache
def _tag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@cache
def browser_page() -> str:
    """Returns a page that shows the document and loads nothing from anywhere else."""
    assets = files(swagger_ui)
    return generate_swagger_html(
        spec=document(),
        swagger_js=assets.joinpath("swagger-ui-bundle.min.js").read_text(),
        swagger_css=assets.joinpath("swagger-ui.min.css").read_text(),
        swagger_base_url="",
        oauth2_config=None,
    )


def _content(status: HTTPStatus, media_type: str = "", model: type[Answer] | None = None) -> dict[str, Any]:
    content = {"content": {media_type: {"model": model}}} if model else {}
    return {"description": status.phrase, **content}
