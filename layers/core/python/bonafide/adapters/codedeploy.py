"""Releases through CodeDeploy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bonafide.adapters.invoker import LambdaInvoker
from bonafide.ports.probes import ReleaseTarget

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_lambda import LambdaClient


class CodeDeployReleases:
    """`ReleaseHooks` of one application."""

    def __init__(self, codedeploy: "CodeDeployClient", functions: "LambdaClient", names: Mapping[str, str]) -> None:
        """Stores its dependencies.

        Args:
            codedeploy: client of CodeDeploy.
            functions: client of Lambda.
            names: of functions in AWS, by folder.
        """
        self._codedeploy = codedeploy
        self._functions = functions
        self._names = names

    def target(self, deployment: str) -> ReleaseTarget:
        """See `ReleaseHooks`."""
        (target,) = self._codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = self._codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=[target])
        info = found["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"]
        return ReleaseTarget(info["functionName"], info["targetVersion"])

    def invoker(self, function: str, version: str) -> LambdaInvoker:
        """See `ReleaseHooks`."""
        return LambdaInvoker(self._functions, self._names, {function: version})

    def report(self, deployment: str, execution: str, *, succeeded: bool) -> None:
        """See `ReleaseHooks`."""
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment,
            lifecycleEventHookExecutionId=execution,
            status="Succeeded" if succeeded else "Failed",
        )
