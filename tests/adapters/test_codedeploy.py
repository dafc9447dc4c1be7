"""The version that is being released, out of answers in the shapes of CodeDeploy's service model."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bonafide.adapters.codedeploy import CodeDeployReleases
from bonafide.ports.probes import ReleaseTarget

DIGEST = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "5e1f"}}
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:reader"


@pytest.fixture
def stubber() -> Iterator[Any]:
    client = boto3.client("codedeploy", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    with Stubber(client) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


def content(name: str = "reader", current: str = "6", **sections: Any) -> str:
    versions = {"CurrentVersion": current, "TargetVersion": "7"}
    resource = {"Type": "AWS::Lambda::Function", "Properties": {"Name": name, "Alias": "live", **versions}}
    return json.dumps(sections or {"version": "0.0", "Resources": [{"Reader": resource}], "Hooks": []})


def target(stubber: Any, revision: dict[str, Any]) -> ReleaseTarget:
    deployment = {"deploymentInfo": {"applicationName": "app", "revision": DIGEST}}
    stubber.add_response("get_deployment", deployment, {"deploymentId": "d-1"})
    asked = {"applicationName": "app", "revision": DIGEST}
    stubber.add_response("get_application_revision", {"revision": revision}, asked)
    return CodeDeployReleases(stubber.client, stubber.client, {}).target("d-1")


@pytest.mark.parametrize(
    "revision",
    [
        {"revisionType": "String", "string": {"content": content()}},
        {"revisionType": "AppSpecContent", "appSpecContent": {"content": content()}},
        {"revisionType": "String", "string": {"content": content(ARN)}},
    ],
    ids=["a string", "an AppSpec file", "a function by its ARN"],
)
def test_the_version_comes_from_the_revision_that_the_deployment_names(stubber: Any, revision: dict[str, Any]) -> None:
    assert target(stubber, revision) == ReleaseTarget("reader", "7")


def test_an_earlier_version_is_one_that_is_gone_back_to(stubber: Any) -> None:
    text = content(current="10")
    assert target(stubber, {"revisionType": "String", "string": {"content": text}}).returns


@pytest.mark.parametrize("text", ["", "version: 0.0", content(Resources=[]), content(Hooks=[])])
def test_a_revision_that_names_no_version_is_an_error(stubber: Any, text: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        target(stubber, {"revisionType": "AppSpecContent", "appSpecContent": {"content": text}})
