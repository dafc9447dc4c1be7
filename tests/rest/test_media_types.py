"""Bodies of chunks by the media type that is stated, as API Gateway passes them on."""

import base64
import json
from typing import Any

import pytest

from bonafide.http.app import create_app, lambda_entry
from tests.test_observability import CONTEXT, event

JSON = '{"content": "AAAA"}'
BYTES = base64.b64encode(bytes(range(256))).decode()
# Bytes whose media type is not binary to API Gateway reach the function as text.
TEXT = bytes(range(256)).decode(errors="replace")


def put(body: str, media_type: str | None, *, coded: bool = False) -> tuple[int, str]:
    app = create_app(access=None)

    @app.put("/v1/chunk")
    def take() -> dict[str, Any]:
        return dict(app.current_event.json_body)

    headers = {"Content-Type": media_type} if media_type else {}
    sent = {**event("/v1/chunk"), "httpMethod": "PUT", "headers": headers, "body": body, "isBase64Encoded": coded}
    answer = lambda_entry(app, octets=True)(sent, CONTEXT)
    document = json.loads(answer["body"])
    return answer["statusCode"], document.get("detail", "taken")


@pytest.mark.parametrize(
    ("body", "media_type", "coded"),
    [
        (JSON, "application/json", False),
        (JSON, "application/json; charset=utf-8", False),
        (f"\ufeff {JSON}", None, False),
        (BYTES, "application/octet-stream", True),
    ],
)
def test_documents_and_bytes_are_taken(body: str, media_type: str | None, *, coded: bool) -> None:
    assert put(body, media_type, coded=coded) == (200, "taken")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(TEXT, None), (TEXT, "audio/wav"), (TEXT, "application/x-www-form-urlencoded"), ("RIFF", None)],
)
def test_bytes_without_their_media_type_are_refused_with_what_to_state(body: str, media_type: str | None) -> None:
    status, detail = put(body, media_type)
    assert status == 415
    assert "application/octet-stream for its bytes" in detail
