"""Requests over their own bytes, so that anything can be sent."""

import socket
import time
from http.client import HTTPResponse
from urllib.parse import urlsplit

from bonafide_client import ApiResponse

TIMEOUT = 30


def send(
    endpoint: str, method: str, target: bytes, body: bytes = b"", headers: list[bytes] | None = None
) -> ApiResponse:
    """Sends exactly these bytes after the stage, over a connection of their own."""
    parts, started = urlsplit(endpoint), time.perf_counter()
    lines = [b"%s %s%s HTTP/1.1" % (method.encode(), parts.path.encode(), target), b"Host: local", *(headers or [])]
    head = b"\r\n".join([*lines, b"Connection: close", b"Content-Length: %d" % len(body), b"", b""])
    with socket.create_connection((parts.hostname or "", parts.port or 80), TIMEOUT) as connection:
        connection.sendall(head + body)
        response = HTTPResponse(connection, method=method)
        response.begin()
        named = {name.lower(): value for name, value in response.getheaders()}
        return ApiResponse(response.status, named, response.read(), (time.perf_counter() - started) * 1000)
