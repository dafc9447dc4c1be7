"""An HTTP server for the REST API, the runtime interface and other services on the loopback interface."""

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


class TooLongError(Exception):
    """The body of a request exceeds the limit."""


class HttpHandler(BaseHTTPRequestHandler):
    """Reads whole requests and writes whole responses over persistent connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered, so that head and body are sent in one packet.
    wbufsize = -1
    timeout = 120

    def handle_expect_100(self) -> bool:
        """Sends `100 Continue` at once; the buffer would hold it back."""
        result = super().handle_expect_100()
        self.wfile.flush()
        return result

    def read_body(self, limit: int) -> bytes:
        """Reads the body of the request, of at most `limit` bytes.

        Raises:
            TooLongError: it has more.
            ValueError: its length is missing or contradictory.
        """
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks(limit)
        length = _size((self.headers.get("Content-Length") or "0").strip(), 10)
        if length > limit:
            self.close_connection = True
            self._discard(length)
            raise TooLongError
        return self.rfile.read(length)

    def _read_chunks(self, limit: int) -> bytes:
        body = bytearray()
        while size := _size(self.rfile.readline(64).split(b";")[0].strip().decode("latin-1"), 16):
            if len(body) + size > limit:
                self.close_connection = True
                raise TooLongError
            body += self.rfile.read(size)
            self.rfile.readline(8)
        while self.rfile.readline(65536).strip():
            pass
        return bytes(body)

    def _discard(self, length: int) -> None:
        # A client that is still sending when the connection closes would never see the response.
        remaining = min(length, 64_000_000)
        while remaining > 0 and (piece := self.rfile.read(min(remaining, 1 << 20))):
            remaining -= len(piece)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Sends one response."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status >= 200 and status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in {204, 304}:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Logs nothing; functions have logs of their own."""


def _size(text: str, base: int) -> int:
    """Reads a number of bytes; with a sign the connection would wait for data that never comes.

    Raises:
        ValueError: it is not one.
    """
    if not (text.isascii() and text.isalnum()):
        raise ValueError("not a number of bytes")
    return int(text, base)


class LoopbackServer(ThreadingHTTPServer):
    """Serves each connection in a thread, on the loopback interface only."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, handler: type[HttpHandler]) -> None:
        super().__init__((LOOPBACK, port), handler)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{LOOPBACK}:{self.server_address[1]}"

    def start(self) -> None:
        """Serves in a background thread."""
        threading.Thread(target=self.serve_forever, args=(3600,), daemon=True).start()

    def stop(self) -> None:
        """Frees the port."""
        with contextlib.suppress(OSError):
            # Wakes the thread, which otherwise polls only once per interval.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self.server_close()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """Ignores clients that disconnected."""
