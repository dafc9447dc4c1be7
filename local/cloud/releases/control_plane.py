"""Lambda's and CodeDeploy's APIs for lifecycle hooks, which invoke the new version and report their status.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetApplicationRevision.html
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

import hashlib
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
PREFIX = "CodeDeploy_20141006."
APPLICATION = "Releases"
MAX_BODY = 6 * 1024 * 1024

type Request = Mapping[str, Any]
type Response = tuple[int, Mapping[str, Any]]
type InvokeFunction = Callable[[str, str, bytes], Future[InvocationResult]]


@dataclass(slots=True)
class HookExecution:
    """One execution of a lifecycle hook.

    Attributes:
        function: name in AWS of the function whose alias is updated.
        version: number of the version that the alias is moved to.
        current: number of the version that it points to.
        deployment: id of the deployment.
        id: id of the execution.
        result: result of the hook function itself.
        reported: `Succeeded` or `Failed`.
    """

    function: str
    version: str
    current: str
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

    def app_spec(self) -> str:
        """Returns the AppSpec file of the deployment.

        https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
        """
        versions = {"CurrentVersion": self.current, "TargetVersion": self.version}
        properties = {"Name": self.function, "Alias": LIVE, **versions}
        resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
        return json.dumps({"version": "0.0", "Resources": [{self.function: resource}]})

    def digest(self) -> str:
        """Returns the digest of the AppSpec file."""
        return hashlib.sha256(self.app_spec().encode()).hexdigest()


class ControlPlane:
    """Serves both APIs on one address.

    Attributes:
        variables: environment variables that direct the AWS clients of functions here.
        invoke: invokes a function by name or ARN, qualifier and event; None before functions exist.
        operations: CodeDeploy's operations by name.
    """

    def __init__(self) -> None:
        self.invoke: InvokeFunction | None = None
        self._executions: dict[str, HookExecution] = {}
        self.operations: Mapping[str, Callable[[Request], Response]] = {
            "GetDeployment": self.deployment,
            "GetApplicationRevision": self.revision,
            "ListDeploymentTargets": self.targets,
            "BatchGetDeploymentTargets": self.target_details,
            "PutLifecycleEventHookExecutionStatus": self.report,
        }
        self._server = LoopbackServer(0, _interface(self))
        self._server.start()
        url = f"http://{self._server.address}"
        self.variables: Mapping[str, str] = {"AWS_ENDPOINT_URL_LAMBDA": url, "AWS_ENDPOINT_URL_CODEDEPLOY": url}

    def expect(self, execution: HookExecution) -> None:
        """Registers an execution, which may then report."""
        self._executions[execution.id] = execution

    def report(self, request: Request) -> Response:
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

    def deployment(self, request: Request) -> Response:
        """Describes a deployment. It names its revision by digest: the content of the AppSpec file is always null."""
        execution = self._execution(request)
        if execution is None:
            return 400, {"__type": "DeploymentDoesNotExistException"}
        content = {"content": None, "sha256": execution.digest()}
        revision = {"revisionType": "AppSpecContent", "appSpecContent": content}
        info = {"applicationName": APPLICATION, "deploymentId": execution.deployment, "revision": revision}
        return 200, {"deploymentInfo": info}

    def revision(self, request: Request) -> Response:
        """Returns a revision by its digest, as a string."""
        if request["applicationName"] != APPLICATION:
            return 400, {"__type": "ApplicationDoesNotExistException"}
        digest = request["revision"].get("appSpecContent", {}).get("sha256")
        execution = next((each for each in self._executions.values() if each.digest() == digest), None)
        if execution is None:
            return 400, {"__type": "RevisionDoesNotExistException"}
        text = {"content": execution.app_spec(), "sha256": digest}
        return 200, {"applicationName": APPLICATION, "revision": {"revisionType": "String", "string": text}}

    def targets(self, request: Request) -> Response:
        """Lists the targets of a deployment."""
        execution = self._execution(request)
        if execution is None:
            return 400, {"__type": "DeploymentDoesNotExistException"}
        return 200, {"targetIds": [f"{execution.function}:{LIVE}"]}

    def target_details(self, request: Request) -> Response:
        """Describes the targets of a deployment, without the function and its versions while a hook runs."""
        execution = self._execution(request)
        if execution is None:
            return 400, {"__type": "DeploymentDoesNotExistException"}
        target = {"deploymentId": execution.deployment, "status": "InProgress", "lambdaFunctionInfo": {}}
        return 200, {"deploymentTargets": [{"deploymentTargetType": "LambdaTarget", "lambdaTarget": target}]}

    def _execution(self, request: Request) -> HookExecution | None:
        found = (each for each in self._executions.values() if each.deployment == request["deploymentId"])
        return next(found, None)

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
            elif operation := plane.operations.get(self.headers.get("X-Amz-Target", "").removeprefix(PREFIX)):
                self._send(*operation(json.loads(body)))
            else:
                self._send(400, {"__type": "UnknownOperationException"})

        def _invoke(self, name: str, qualifier: str, body: bytes) -> None:
            if plane.invoke is None:
                self._send(503, {"Type": "Service"})
                return
            try:
                result = plane.invoke(name, qualifier or LIVE, body).result()
            except LookupError:
                self._send(404, {"Type": "User", "__type": "ResourceNotFoundException"})
                return
            failed = [("X-Amz-Function-Error", result.error)] if result.error else []
            self.answer(200, [("Content-Type", "application/json"), *failed], result.payload)

        def _send(self, status: int, document: Mapping[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.answer(status, [("Content-Type", "application/x-amz-json-1.1")], content)

    return ControlPlaneInterface
