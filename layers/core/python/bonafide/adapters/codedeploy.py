"""Releases through CodeDeploy, whose hooks reach functions past the API."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.ports import Document, ReleaseTarget, Reply

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_lambda import LambdaClient

LIVE = "live"


class FunctionDoor:
    """`BackDoor` that invokes functions with the events that API Gateway would make."""

    def __init__(self, client: "LambdaClient", names: Mapping[str, str], versions: Mapping[str, str]) -> None:
        """Takes its parts.

        Args:
            client: of Lambda.
            names: of functions in AWS, by folder.
            versions: of some functions; the others are reached through their alias.
        """
        self._client = client
        self._names = names
        self._versions = versions

    def send(self, function: str, method: str, path: str, body: Document | None) -> Reply:
        """See `BackDoor`."""
        reply = self.invoke(function, _proxy_event(method, path, body))
        if reply.status != 200:
            return reply
        answer = reply.document
        return Reply(answer["statusCode"], json.loads(answer.get("body") or "{}"), reply.milliseconds)

    def invoke(self, function: str, event: Document) -> Reply:
        """See `BackDoor`."""
        qualifier = self._versions.get(function, LIVE)
        started = time.perf_counter()
        try:
            answer = self._client.invoke(
                FunctionName=self._names[function], Qualifier=qualifier, Payload=json.dumps(event).encode()
            )
            document = json.loads(answer["Payload"].read() or b"{}")
        except (BotoCoreError, ClientError):
            return Reply(504, {}, (time.perf_counter() - started) * 1000)
        failed = "FunctionError" in answer
        return Reply(502 if failed else 200, {} if failed else document, (time.perf_counter() - started) * 1000)


class CodeDeployReleases:
    """`Releases` of one application."""

    def __init__(self, codedeploy: "CodeDeployClient", functions: "LambdaClient", names: Mapping[str, str]) -> None:
        self._codedeploy = codedeploy
        self._functions = functions
        self._names = names

    def target(self, deployment: str) -> ReleaseTarget:
        """See `Releases`."""
        (target,) = self._codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = self._codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=[target])
        info = found["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"]
        return ReleaseTarget(info["functionName"], info["targetVersion"])

    def door(self, function: str, version: str) -> FunctionDoor:
        """See `Releases`."""
        return FunctionDoor(self._functions, self._names, {function: version})

    def report(self, deployment: str, execution: str, *, succeeded: bool) -> None:
        """See `Releases`."""
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment,
            lifecycleEventHookExecutionId=execution,
            status="Succeeded" if succeeded else "Failed",
        )


def _proxy_event(method: str, path: str, body: Document | None) -> Document:
    path, _, query = path.partition("?")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    parameters = dict(pair.split("=") for pair in query.split("&")) if query else None
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": {name: [value] for name, value in (parameters or {}).items()} or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": str(uuid.uuid4()), "httpMethod": method, "path": path, "stage": "probe"},
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }
