"""The console beside the local API: its files at `/console/`, with the headers that they are served with on a stage."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from local.aws.api.proxy import HttpRequest, HttpResponse
from local.aws.functions.function import REGION
from ops.synthesis import ROOT

PREFIX = "/console/"
FILES = ROOT / "console"
SETTINGS = "settings.json"
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# No script but the console's own files, no markup from text (Trusted Types), and requests to this origin only.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cache-Control", "no-cache"),
)


class ConsoleSite:
    """Answers requests for the console's files, and for the settings that tell it where the API is."""

    def __init__(self, stage: str, *, signed: bool) -> None:
        """Stores what the settings say.

        Args:
            stage: of the API, the first part of its paths.
            signed: whether requests have to be signed.
        """
        self._settings = json.dumps({"api": f"/{stage}", "region": REGION, "signed": signed}).encode()

    def answer(self, request: HttpRequest) -> HttpResponse | None:
        """Returns the answer to a request; None if it is not for the console."""
        path = urlsplit(request.target).path
        if path == PREFIX.rstrip("/"):
            return HttpResponse(308, [("Location", PREFIX)], b"")
        if not path.startswith(PREFIX):
            return None
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, [("Allow", "GET, HEAD")], b"")
        return self._file(path.removeprefix(PREFIX) or "index.html")

    def _file(self, name: str) -> HttpResponse:
        if name == SETTINGS:
            return HttpResponse(200, [("Content-Type", "application/json"), *HEADERS], self._settings)
        path = pages().get(name)
        if path is None:
            return HttpResponse(404, list(HEADERS), b"")
        return HttpResponse(200, [("Content-Type", TYPES[path.suffix]), *HEADERS], path.read_bytes())


def pages() -> Mapping[str, Path]:
    """Returns the console's files by their names below its address; nothing else is served."""
    return {path.relative_to(FILES).as_posix(): path for path in FILES.rglob("*") if path.suffix in TYPES}
