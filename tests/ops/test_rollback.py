"""The way back, by the state of the stacks, against answers in the shapes of AWS's service models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ops.rollback import STACKS, RollbackError, StageRollback

SERVICE = "Bonafide-dev-Service"
KEYS: Any = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}


@dataclass
class Aws:
    """Expected calls with their answers, and what make was called with."""

    formation: Stubber = field(default_factory=lambda: Stubber(boto3.client("cloudformation", "us-east-1", **KEYS)))
    codedeploy: Stubber = field(default_factory=lambda: Stubber(boto3.client("codedeploy", "us-east-1", **KEYS)))
    made: list[Sequence[str]] = field(default_factory=list)

    def states(self, service: str | None, data: str = "UPDATE_COMPLETE") -> None:
        statuses = dict(zip(STACKS, (data, service, "UPDATE_COMPLETE"), strict=True))
        for name, status in statuses.items():
            if status is None:
                self.formation.add_client_error("describe_stacks", "ValidationError", "does not exist")
            else:
                self.describe(f"Bonafide-dev-{name}", status)

    def describe(self, stack: str, status: str) -> None:
        output = {"OutputKey": "Release", "OutputValue": "1f2e 2026-01-31"}
        named = {"StackName": stack, "StackStatus": status, "CreationTime": datetime.now(UTC)}
        outputs = [output] if stack == SERVICE else []
        self.formation.add_response("describe_stacks", {"Stacks": [named | {"Outputs": outputs}]}, {"StackName": stack})

    def deployments(self, *ids: str) -> None:
        summary = {
            "LogicalResourceId": "Application",
            "PhysicalResourceId": "app",
            "ResourceType": "AWS::CodeDeploy::Application",
            "LastUpdatedTimestamp": datetime.now(UTC),
            "ResourceStatus": "UPDATE_COMPLETE",
        }
        answer = {"StackResourceSummaries": [summary, summary | {"ResourceType": "AWS::Lambda::Alias"}]}
        self.formation.add_response("list_stack_resources", answer, {"StackName": SERVICE})
        self.codedeploy.add_response("list_deployment_groups", {"applicationName": "app", "deploymentGroups": ["g"]})
        running = {"includeOnlyStatuses": ["Created", "Queued", "InProgress", "Ready"]}
        asked = {"applicationName": "app", "deploymentGroupName": "g", **running}
        self.codedeploy.add_response("list_deployments", {"deployments": list(ids)}, asked)

    def back(self, release: str = "", traffic: str = "", status: int = 0) -> int:
        def make(arguments: Sequence[str]) -> int:
            self.made.append(arguments)
            return status

        return StageRollback(
            "dev", make, lambda _: None, formation=self.formation.client, codedeploy=self.codedeploy.client
        ).run(release, traffic)


@pytest.fixture
def aws() -> Iterator[Aws]:
    answers = Aws()
    with answers.formation, answers.codedeploy:
        yield answers
        answers.formation.assert_no_pending_responses()
        answers.codedeploy.assert_no_pending_responses()


def test_a_release_that_is_under_way_is_canceled_and_its_deployments_are_stopped(aws: Aws) -> None:
    aws.states("UPDATE_IN_PROGRESS")
    aws.deployments("d-1", "d-2")
    aws.formation.add_response("cancel_update_stack", {}, {"StackName": SERVICE})
    stop = {"deploymentId": "d-1", "autoRollbackEnabled": True}
    aws.codedeploy.add_response("stop_deployment", {"status": "Pending"}, stop)
    aws.codedeploy.add_client_error("stop_deployment", "DeploymentAlreadyCompletedException")
    for status in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"):
        aws.describe(SERVICE, status)
    # An archive is not deployed: the stage is back where it was before the release.
    assert aws.back(release="release.tar.gz") == 0
    assert aws.made == []


def test_a_rollback_that_is_under_way_is_waited_for_and_its_deployments_are_left_alone(aws: Aws) -> None:
    aws.states("UPDATE_ROLLBACK_IN_PROGRESS")
    aws.describe(SERVICE, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.describe(SERVICE, "UPDATE_ROLLBACK_COMPLETE")
    assert aws.back() == 0


def test_a_rollback_that_failed_is_continued(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.states("UPDATE_ROLLBACK_FAILED")
    aws.formation.add_response("continue_update_rollback", {}, {"StackName": SERVICE})
    aws.describe(SERVICE, "UPDATE_ROLLBACK_FAILED")
    assert aws.back() == 1
    assert "events of the stack" in capsys.readouterr().err


def test_an_update_that_was_complete_before_it_could_be_canceled_is_no_way_back(aws: Aws) -> None:
    aws.states("UPDATE_IN_PROGRESS")
    aws.deployments()
    aws.formation.add_response("cancel_update_stack", {}, {"StackName": SERVICE})
    aws.describe(SERVICE, "UPDATE_COMPLETE")
    assert aws.back() == 1


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_COMPLETE"])
def test_after_a_release_an_earlier_archive_is_deployed(
    aws: Aws, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.states(status)
    assert aws.back(release="old.tar.gz", traffic="ALL_AT_ONCE", status=3) == 3
    reason = "REASON=rollback from 1f2e 2026-01-31"
    assert aws.made == [["deploy", "STAGE=dev", "RELEASE=old.tar.gz", reason, "TRAFFIC=ALL_AT_ONCE"]]
    assert "deployed is 1f2e 2026-01-31" in capsys.readouterr().out


def test_without_an_archive_it_says_which_one_it_needs(aws: Aws) -> None:
    aws.states("UPDATE_COMPLETE")
    with pytest.raises(RollbackError, match="make rollback STAGE=dev RELEASE="):
        aws.back()


def test_behind_the_first_deployment_there_is_nothing(aws: Aws) -> None:
    aws.describe("Bonafide-dev-Data", "CREATE_COMPLETE")
    aws.describe(SERVICE, "ROLLBACK_COMPLETE")
    aws.describe("Bonafide-dev-Monitoring", "CREATE_COMPLETE")
    with pytest.raises(RollbackError, match="nothing was there before"):
        aws.back(release="old.tar.gz")


def test_a_stack_that_does_not_exist_is_left_out(aws: Aws) -> None:
    aws.states(None)
    assert aws.back(release="old.tar.gz") == 0
