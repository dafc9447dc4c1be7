"""X-Ray on this machine: trace headers in AWS's format, and a daemon that keeps the segments of functions.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html
"""

import json
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

LARGEST_DATAGRAM = 64 * 1024
BUFFER = 8 * 1024 * 1024

type Segment = Mapping[str, Any]


def header(request_id: str, *, sampled: bool = False) -> str:
    """Returns a trace header for a request without one, whose id is a UUID."""
    unique = request_id.replace("-", "")
    return f"Root=1-{int(time.time()):08x}-{unique[:24]};Parent={unique[-16:]};Sampled={sampled:d}"


class XRayDaemon:
    """Receives segments over UDP until it is stopped; functions find it by AWS_XRAY_DAEMON_ADDRESS."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._receive, name="x-ray", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def stop(self) -> None:
        """Stops after it has received the pending segments."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while datagram := self._socket.recv(LARGEST_DATAGRAM):
            _, _, document = datagram.partition(b"\n")
            self.segments.append(json.loads(document))
