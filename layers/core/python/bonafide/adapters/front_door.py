"""The service as callers reach it: HTTPS requests, signed with SigV4."""

import json
import time

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bonafide.ports import Document, Reply

SERVICE = "execute-api"


class FrontDoor:
    """`Door` to the API."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials, seconds: float) -> None:
        """Takes where and as whom to call.

        Args:
            endpoint: URL of the API's stage.
            region: of the API.
            credentials: of a role that may invoke the API.
            seconds: after which an answer is given up.
        """
        self._endpoint = endpoint.rstrip("/")
        self._signer = SigV4Auth(credentials, SERVICE, region)
        self._pool = urllib3.PoolManager(timeout=seconds, retries=False)

    def send(self, function: str, method: str, path: str, body: Document | None) -> Reply:  # noqa: ARG002, the API routes
        """See `Door`."""
        content = json.dumps(body) if body is not None else None
        request = AWSRequest(method, f"{self._endpoint}{path}", {"Content-Type": "application/json"}, content)
        self._signer.add_auth(request)
        started = time.perf_counter()
        try:
            answer = self._pool.request(method, str(request.url), body=content, headers=dict(request.headers))
            document = json.loads(answer.data or b"{}")
        except (urllib3.exceptions.HTTPError, ValueError):
            return Reply(504, {}, (time.perf_counter() - started) * 1000)
        return Reply(answer.status, document, (time.perf_counter() - started) * 1000)
