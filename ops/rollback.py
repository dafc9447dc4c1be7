"""Brings the functions of a deployed stage back to the version before: `python -m ops.rollback --stage S`.

The brake, not the repair: it ends what shifts traffic, then points each alias that the last update moved at the version
before, in the reverse of the order in which they were moved. Repeated, it does nothing more. CloudFormation does not
know of it; deploy the older revision afterwards (docs/operations/deployment.md).
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ALIAS, VERSION, APPLICATION = "AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::Application"


@dataclass(frozen=True, slots=True)
class StackResource:
    """One resource of the stack, as CloudFormation lists it."""

    kind: str
    name: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One version that the last update of the stack made.

    Attributes:
        function: its name.
        version: its number.
        alias: the name of the alias in front.
    """

    function: str
    version: int
    alias: str


def main() -> int:
    """The command; 0 if every alias that had to move could."""
    parser = argparse.ArgumentParser(description="Move the aliases of a stage back to the version before.")
    parser.add_argument("--stage", required=True)
    arguments = parser.parse_args()
    try:
        return roll_back(arguments.stage)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"rollback: {error}")


def roll_back(stage: str) -> int:
    """Ends deployments and moves the aliases back; how many could not be moved."""
    begun, resources = read_stack(f"Bonafide-{stage}-Service")
    stop_deployments(each.name for each in resources if each.kind == APPLICATION)
    client = boto3.client("lambda")
    return sum([not move_back(client, each) for each in released(resources, begun)])


def read_stack(name: str) -> tuple[datetime, list[StackResource]]:
    """When the last update of a stack began, and its resources."""
    client = boto3.client("cloudformation")
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    found = [
        StackResource(each["ResourceType"], each.get("PhysicalResourceId", ""), each["LastUpdatedTimestamp"])
        for page in pages
        for each in page["StackResourceSummaries"]
    ]
    return stack.get("LastUpdatedTime", stack["CreationTime"]), found


def released(resources: Iterable[StackResource], begun: datetime) -> list[PublishedVersion]:
    """The versions made since an update began, last moved alias first: doors close before what stands behind them."""
    known = list(resources)
    made = [each.name.rsplit(":", 1) for each in known if each.kind == VERSION and each.updated >= begun]
    versions = {function: int(version) for function, version in made}
    aliases = sorted((each for each in known if each.kind == ALIAS), key=lambda each: each.updated, reverse=True)
    parts = [each.name.rsplit(":", 1) for each in aliases]
    return [PublishedVersion(function, versions[function], alias) for function, alias in parts if function in versions]


def stop_deployments(applications: Iterable[str]) -> None:
    """Ends what shifts traffic now, which by itself sends the traffic back."""
    client = boto3.client("codedeploy")
    for application in applications:
        for group in client.list_deployment_groups(applicationName=application)["deploymentGroups"]:
            running = client.list_deployments(
                applicationName=application,
                deploymentGroupName=group,
                includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
            )
            for deployment in running["deployments"]:
                client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
                print(f"stopped {deployment} of {group}")


def move_back(client: "LambdaClient", release: PublishedVersion) -> bool:
    """Sends all traffic to the version before, unless it already goes there; whether it does now."""
    current = client.get_alias(FunctionName=release.function, Name=release.alias)["FunctionVersion"]
    if int(current) != release.version:
        print(f"{release.function}: stays at {current}")
        return True
    older = [version for version in _published(client, release.function) if version < release.version]
    if not older:
        print(f"{release.function}: stays at {current}, there is none before", file=sys.stderr)
        return False
    client.update_alias(
        FunctionName=release.function,
        Name=release.alias,
        FunctionVersion=str(max(older)),
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    print(f"{release.function}: {current} -> {max(older)}")
    return True


def _published(client: "LambdaClient", function: str) -> list[int]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    names = [version["Version"] for page in pages for version in page["Versions"]]
    return [int(name) for name in names if name.isdigit()]


if __name__ == "__main__":
    sys.exit(main())
