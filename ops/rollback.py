"""Takes a stage back to the release before: `python -m ops.rollback --stage S [--release ARCHIVE] [--traffic T]`.

Never behind CloudFormation's back. What it does depends on the state of the stacks:

- an update is under way: it is canceled, and its deployments are stopped; CloudFormation rolls back;
- a rollback is under way: it is waited for;
- a rollback failed: it is continued;
- nothing is under way: the archive of an earlier release is deployed, if one is given.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-update-cancel.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.resources import list_resources
from ops.stack_state import StackState, describe_stack

STACKS = ("Data", "Service", "Monitoring")
UPDATING, FAILED = "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"
ROLLING_BACK = {"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}
NEVER_DEPLOYED = {"CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"}
RUNNING = ("Created", "Queued", "InProgress", "Ready")
POLL_SECONDS = 10.0

# Arguments of make.
type Make = Callable[[Sequence[str]], int]


class RollbackError(Exception):
    """The stage cannot be taken back as it is; the message says what to do."""


def run_make(arguments: Sequence[str]) -> int:
    """Runs make; returns its exit status."""
    return subprocess.run(["make", *arguments], check=False).returncode


@dataclass(frozen=True, slots=True)
class StageRollback:
    """The way back of one stage.

    Attributes:
        stage: one of cdk.json.
        make: deploys an archive.
        pause: waits for seconds.
        formation: client of CloudFormation.
        codedeploy: client of CodeDeploy.
    """

    stage: str
    make: Make = run_make
    pause: Callable[[float], None] = time.sleep
    formation: Any = field(default_factory=lambda: boto3.client("cloudformation"))
    codedeploy: Any = field(default_factory=lambda: boto3.client("codedeploy"))

    def run(self, release: str, traffic: str) -> int:
        """Does what the state of the stacks asks for; returns 0 when the stage is back.

        Args:
            release: archive of an earlier release, deployed if nothing is under way; may be empty.
            traffic: `ALL_AT_ONCE`, or empty for the way in which releases shift traffic.

        Raises:
            RollbackError: nothing can be done.
        """
        names = [f"Bonafide-{self.stage}-{stack}" for stack in STACKS]
        states = [state for state in (describe_stack(self.formation, name) for name in names) if state]
        if under_way := [state for state in states if self._take_back(state)]:
            return max(self._wait(state.name) for state in under_way)
        return self._deploy(states, release, traffic)

    def _take_back(self, state: StackState) -> bool:
        """Starts the way back of a stack, if need be; returns whether it is under way."""
        if state.status in NEVER_DEPLOYED:
            raise RollbackError(
                f"{state.name} is in {state.status}: nothing was there before; destroy it or deploy again"
            )
        if state.status == UPDATING:
            self._cancel(state.name)
        elif state.status == FAILED:
            print(f"{state.name}: its rollback failed ({state.reason}), and is continued", flush=True)
            self.formation.continue_update_rollback(StackName=state.name)
        elif state.status in ROLLING_BACK:
            print(f"{state.name}: is rolling back already", flush=True)
        return state.status in {UPDATING, FAILED, *ROLLING_BACK}

    def _cancel(self, stack: str) -> None:
        """Cancels an update. A deployment that runs is stopped as well, or its canary would be waited for."""
        # Listed before: the deployments that follow are those of the way back.
        running = self._deployments(stack)
        print(f"{stack}: its update is canceled", flush=True)
        self.formation.cancel_update_stack(StackName=stack)
        for deployment in running:
            with suppress(self.codedeploy.exceptions.DeploymentAlreadyCompletedException):
                self.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
                print(f"{stack}: {deployment} is stopped, and sends its traffic back", flush=True)

    def _deployments(self, stack: str) -> list[str]:
        applications = [
            each["PhysicalResourceId"]
            for each in list_resources(self.formation, stack)
            if each["ResourceType"] == "AWS::CodeDeploy::Application"
        ]
        return [deployment for each in applications for deployment in self._of_application(each)]

    def _of_application(self, application: str) -> list[str]:
        groups = self.codedeploy.get_paginator("list_deployment_groups").paginate(applicationName=application)
        listing = self.codedeploy.get_paginator("list_deployments")
        return [
            deployment
            for groups_page in groups
            for group in groups_page["deploymentGroups"]
            for page in listing.paginate(
                applicationName=application, deploymentGroupName=group, includeOnlyStatuses=list(RUNNING)
            )
            for deployment in page["deployments"]
        ]

    def _wait(self, stack: str) -> int:
        """Waits for the end of a way back; returns 0 if the stack is back."""
        status, reason = "", ""
        while not status or status == UPDATING or status in ROLLING_BACK:
            self.pause(POLL_SECONDS if status else 0)
            (found,) = self.formation.describe_stacks(StackName=stack)["Stacks"]
            status, reason = found["StackStatus"], found.get("StackStatusReason", "")
        print(f"{stack}: {status} {reason}".rstrip(), flush=True)
        if status == FAILED:
            print("See what failed in the events of the stack, remove the cause, and repeat this.", file=sys.stderr)
        return 0 if status == "UPDATE_ROLLBACK_COMPLETE" else 1

    def _deploy(self, states: Sequence[StackState], release: str, traffic: str) -> int:
        deployed = next((state.outputs["Release"] for state in states if "Release" in state.outputs), "unknown")
        print(f"{self.stage}: nothing is under way; deployed is {deployed}", flush=True)
        if not release:
            raise RollbackError(
                "Name the archive of an earlier release, which is deployed like any other: "
                f"make rollback STAGE={self.stage} RELEASE=release.tar.gz [TRAFFIC=ALL_AT_ONCE]"
            )
        # A rollback is needed most when the error budget is gone.
        reason = f"REASON=rollback from {deployed}"
        arguments = [f"STAGE={self.stage}", f"RELEASE={release}", reason, *([f"TRAFFIC={traffic}"] if traffic else [])]
        return self.make(["deploy", *arguments])


def main() -> int:
    """Runs the command; returns 0 if the stage is back."""
    parser = argparse.ArgumentParser(description="Take a stage back to the release before.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--release", default="", help="archive of an earlier release")
    parser.add_argument("--traffic", default="", choices=["", "ALL_AT_ONCE"])
    arguments = parser.parse_args()
    try:
        return StageRollback(arguments.stage).run(arguments.release, arguments.traffic)
    except (RollbackError, BotoCoreError, ClientError) as error:
        print(f"rollback: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
