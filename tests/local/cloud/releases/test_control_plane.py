"""What a hook of CodeDeploy can call, through AWS's own client."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.cloud.releases.control_plane import ControlPlane, HookExecution


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    started = ControlPlane()
    yield started
    started.stop()


def client(plane: ControlPlane, service: Any) -> Any:
    url = plane.variables[f"AWS_ENDPOINT_URL_{service.upper()}"]
    session = boto3.Session(ACCOUNT, SECRET, region_name=REGION)
    return session.client(service, endpoint_url=url)


def expected(plane: ControlPlane) -> HookExecution:
    execution = HookExecution("AuthenticateCaller", "2", "1")
    plane.expect(execution)
    return execution


def report(plane: ControlPlane, event: dict[str, str], status: str = "Succeeded") -> None:
    client(plane, "codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )


def test_a_version_is_invoked_and_its_error_is_told_apart_from_its_answer(plane: ControlPlane) -> None:
    called = []

    def invoke(name: str, qualifier: str, event: bytes) -> Future[InvocationResult]:
        called.append((name, qualifier, json.loads(event)))
        future: Future[InvocationResult] = Future()
        future.set_result(InvocationResult(b'"answer"', "Unhandled" if qualifier == "3" else None))
        return future

    plane.invoke = invoke
    functions = client(plane, "lambda")
    good = functions.invoke(FunctionName="authenticate_caller", Qualifier="2", Payload=b'{"a": 1}')
    bad = functions.invoke(FunctionName="authenticate_caller", Qualifier="3", Payload=b"{}")
    assert called == [("authenticate_caller", "2", {"a": 1}), ("authenticate_caller", "3", {})]
    assert (good["Payload"].read(), "FunctionError" in good, bad["FunctionError"]) == (b'"answer"', False, "Unhandled")


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_hook_reports_once(plane: ControlPlane, status: str) -> None:
    execution = expected(plane)
    event = json.loads(execution.event())
    assert execution.status() is None
    report(plane, event, status)
    assert execution.status() == status
    with pytest.raises(ClientError, match="LifecycleEventAlreadyCompleted"):
        report(plane, event)
    assert execution.status() == status


def test_a_deployment_names_its_revision_which_holds_the_versions(plane: ControlPlane) -> None:
    execution = expected(plane)
    codedeploy = client(plane, "codedeploy")
    info = codedeploy.get_deployment(deploymentId=execution.deployment)["deploymentInfo"]
    assert "content" not in info["revision"]["appSpecContent"]
    found = codedeploy.get_application_revision(applicationName=info["applicationName"], revision=info["revision"])
    ((resource,),) = (each.values() for each in json.loads(found["revision"]["string"]["content"])["Resources"])
    versions = {"CurrentVersion": "1", "TargetVersion": "2"}
    assert resource["Properties"] == {"Name": "AuthenticateCaller", "Alias": "live", **versions}


def test_the_target_of_a_deployment_says_nothing_of_versions_while_a_hook_runs(plane: ControlPlane) -> None:
    deployment = expected(plane).deployment
    codedeploy = client(plane, "codedeploy")
    (target,) = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
    found = codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=[target])["deploymentTargets"]
    assert found[0]["lambdaTarget"]["lambdaFunctionInfo"] == {}


def test_what_does_not_exist_is_refused(plane: ControlPlane) -> None:
    codedeploy = client(plane, "codedeploy")
    with pytest.raises(ClientError, match="DeploymentDoesNotExist"):
        codedeploy.get_deployment(deploymentId="d-OTHER0000")
    unknown = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "0" * 64}}
    with pytest.raises(ClientError, match="RevisionDoesNotExist"):
        codedeploy.get_application_revision(applicationName="Releases", revision=unknown)
    with pytest.raises(ClientError, match="ApplicationDoesNotExist"):
        codedeploy.get_application_revision(applicationName="Others", revision=unknown)


def test_nobody_reports_for_another_deployment_or_something_else(plane: ControlPlane) -> None:
    execution = expected(plane)
    event = json.loads(execution.event())
    with pytest.raises(ClientError, match="InvalidLifecycleEventHookExecutionId"):
        report(plane, event | {"DeploymentId": "d-OTHER0000"})
    with pytest.raises(ClientError, match="InvalidLifecycleEventHookExecutionStatus"):
        report(plane, event, "Skipped")
    assert execution.status() is None


def test_a_hook_that_ended_without_a_report_has_failed(plane: ControlPlane) -> None:
    execution = expected(plane)
    execution.result = Future()
    assert execution.status() is None
    execution.result.set_result(InvocationResult(b"null"))
    assert execution.status() == "Failed"
