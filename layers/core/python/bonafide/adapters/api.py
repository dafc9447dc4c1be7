"""The REST API, through the public client."""

import json

from bonafide.ports.probes import Document, ProbeResponse
from bonafide_client import Client


class PublicApiClient:
    """`ApiClient` over HTTPS."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:  # noqa: ARG002, the API routes
        """See `ApiClient`."""
        response = self._client.request(method, path, body)
        try:
            document = json.loads(response.content or b"{}")
        except ValueError:
            return ProbeResponse(504, {}, response.milliseconds)
        return ProbeResponse(response.status or 504, document, response.milliseconds)
