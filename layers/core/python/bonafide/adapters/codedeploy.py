"""Releases through CodeDeploy."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
        """See `ReleaseHooks`.

        The deployment names its revision by digest only, and the revision holds the AppSpec file. The target of the
        deployment says nothing of versions before traffic is shifted.
        https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html
        """
        info = self._codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        revision: Any = info["revision"]
        found = self._codedeploy.get_application_revision(applicationName=info["applicationName"], revision=revision)
        return _released(found["revision"])

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


def _released(revision: Mapping[str, Any]) -> ReleaseTarget:
    """Reads the one function of an AppSpec file, which CloudFormation writes as JSON.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
    """
    text = (revision.get("string") or {}).get("content") or revision["appSpecContent"]["content"]
    content = {name.lower(): value for name, value in json.loads(text).items()}
    (resource,) = (each for entry in content["resources"] for each in entry.values())
    properties = resource["Properties"]
    # A name, or an ARN that ends with it.
    function, version = properties["Name"].rpartition(":")[2], str(properties["TargetVersion"])
    # Lambda numbers versions upwards, also those of an earlier release that is deployed again.
    return ReleaseTarget(function, version, returns=int(version) < int(properties["CurrentVersion"]))
