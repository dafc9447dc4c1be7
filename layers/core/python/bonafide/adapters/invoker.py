"""Functions, invoked past the API with the events that API Gateway would make."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.access.principal import RELEASE_HOOK
from bonafide.ports.probes import Document, ProbeResponse

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LIVE = "live"


class LambdaInvoker:
    """`FunctionInvoker` of Lambda."""

    def __init__(self, client: "LambdaClient", names: Mapping[str, str], versions: Mapping[str, str]) -> None:
        """Stores its dependencies.

        Args:
            client: of Lambda.
            names: of functions in AWS, by folder.
            versions: of some functions; the others are invoked through their alias.
        """
        self._client = client
        self._names = names
        self._versions = versions

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:
        """See `ApiClient`."""
        response = self.invoke(function, proxy_event(method, path, body))
        if response.status != 200:
            return response
        answer = response.document
        return ProbeResponse(answer["statusCode"], json.loads(answer.get("body") or "{}"), response.milliseconds)

    def invoke(self, function: str, event: Document) -> ProbeResponse:
        """See `FunctionInvoker`."""
        qualifier = self._versions.get(function, LIVE)
        started = time.perf_counter()
        try:
            answer = self._client.invoke(
                FunctionName=self._names[function], Qualifier=qualifier, Payload=json.dumps(event).encode()
            )
            document = json.loads(answer["Payload"].read() or b"{}")
        except (BotoCoreError, ClientError):
            return ProbeResponse(504, {}, _milliseconds(started))
        if "FunctionError" in answer:
            return ProbeResponse(502, {}, _milliseconds(started))
        return ProbeResponse(200, document, _milliseconds(started))


def proxy_event(method: str, target: str, body: Document | None) -> Document:
    """Returns the event of a request to a path with its query, as API Gateway's proxy integration makes it.

    https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-example-event
    """
    parts = urlsplit(target)
    path, query = parts.path, parse_qs(parts.query, keep_blank_values=True)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "httpMethod": method,
            "path": path,
            "stage": "probe",
            "identity": {"userArn": RELEASE_HOOK},
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
