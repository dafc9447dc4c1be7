"""Lambda's and CodeDeploy's APIs for lifecycle hooks, which invoke the new version and report their status.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE
from local.aws.http import HttpHandler, LoopbackServer

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
REPORT, TARGETS, DETAILS = (
    f"CodeDeploy_20141006.{name}"
    for name in ("PutLifecycleEventHookExecutionStatus", "ListDeploymentTargets", "BatchGetDeploymentTargets")
)
MAX_BODY = 6 * 1024 * 1024

type InvokeFunction = Callable[[str, str, bytes], Future[InvocationResult]]


@dataclass(slots=True)
class HookExecution:
    """One execution of a lifecycle hook.

    Attributes:
        function: name in AWS of the function whose alias is updated.
        version: number of its new version.
        deployment: id of the deployment.
        id: id of the execution.
        result: result of the hook function itself.
        reported: `Succeeded` or `Failed`.
    """

    function: str
    version: str
    deployment: str = field(default_factory=lambda: f"d-{uuid.uuid4().hex[:9].upper()}")
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    result: Future[InvocationResult] | None = None
    reported: str | None = None

    def status(self) -> str | None:
        """Returns the reported status. Unlike in CodeDeploy, a function that ends without a report fails at once."""
        ended = self.result is not None and self.result.done()
        return self.reported or ("Failed" if ended else None)

    def event(self) -> bytes:
        """Returns the event of the hook function, JSON."""
        return json.dumps({"DeploymentId": self.deployment, "LifecycleEventHookExecutionId": self.id}).encode()


class ControlPlane:
    """Serves both APIs on one address.

    Attributes:
        variables: environment variables that direct the AWS clients of functions here.
        invoke: invokes a function by name or ARN, qualifier and event; None before functions exist.
    """

    def __init__(self) -> None:
        self.invoke: InvokeFunction | None = None
        self._executions: dict[str, HookExecution] = {}
        self._server = LoopbackServer(0, _interface(self))
        self._server.start()
        url = f"http://{self._server.address}"
        self.variables: Mapping[str, str] = {"AWS_ENDPOINT_URL_LAMBDA": url, "AWS_ENDPOINT_URL_CODEDEPLOY": url}

    def expect(self, execution: HookExecution) -> None:
        """Registers an execution, which may then report."""
        self._executions[execution.id] = execution

    def report(self, request: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Takes the report of a registered execution; only the first one counts."""
        execution = self._executions.get(request["lifecycleEventHookExecutionId"])
        if execution is None or execution.deployment != request["deploymentId"]:
            return 400, {"__type": "InvalidLifecycleEventHookExecutionIdException"}
        if request["status"] not in {"Succeeded", "Failed"}:
            return 400, {"__type": "InvalidLifecycleEventHookExecutionStatusException"}
        if execution.reported:
            return 400, {"__type": "LifecycleEventAlreadyCompletedException"}
        execution.reported = request["status"]
        return 200, {"lifecycleEventHookExecutionId": execution.id}

    def describe(self, operation: str | None, request: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Describes the targets of a deployment.

        https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_LambdaFunctionInfo.html
        """
        found = (each for each in self._executions.values() if each.deployment == request["deploymentId"])
        execution = next(found, None)
        if execution is None:
            return 400, {"__type": "DeploymentDoesNotExistException"}
        if operation == TARGETS:
            return 200, {"targetIds": [f"{execution.function}:{LIVE}"]}
        info = {"functionName": execution.function, "functionAlias": LIVE, "targetVersion": execution.version}
        return 200, {"deploymentTargets": [{"lambdaTarget": {"lambdaFunctionInfo": info}}]}

    def stop(self) -> None:
        """Frees the port."""
        self._server.stop()


def _interface(plane: ControlPlane) -> type[HttpHandler]:
    class ControlPlaneInterface(HttpHandler):
        """The operations of Lambda and CodeDeploy that release hooks and probes call."""

        def do_POST(self) -> None:  # noqa: N802
            body = self.read_body(MAX_BODY)
            target = urlsplit(self.path)
            if found := INVOKE.fullmatch(target.path):
                self._invoke(unquote(found[1]), parse_qs(target.query).get("Qualifier", [""])[0], body)
            elif (operation := self.headers.get("X-Amz-Target")) in {TARGETS, DETAILS}:
                self._send(*plane.describe(operation, json.loads(body)))
            elif operation == REPORT:
                self._send(*plane.report(json.loads(body)))
            else:
                self._send(400, {"__type": "UnknownOperationException"})

        def _invoke(self, name: str, qualifier: str, body: bytes) -> None:
            if plane.invoke is None:
                self._send(503, {"Type": "Service"})
                return
            result = plane.invoke(name, qualifier or LIVE, body).result()
            failed = [("X-Amz-Function-Error", result.error)] if result.error else []
            self.answer(200, [("Content-Type", "application/json"), *failed], result.payload)

        def _send(self, status: int, document: Mapping[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.answer(status, [("Content-Type", "application/x-amz-json-1.1")], content)

    return ControlPlaneInterface
