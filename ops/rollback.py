"""Points the aliases of a deployed stage at the previous versions: `python -m ops.rollback --stage S`.

An emergency measure: it stops running deployments, then moves each alias that the last update changed to the previous
version, in reverse order of the update. Repeating it has no further effect. CloudFormation does not see the change;
deploy the older revision afterwards (docs/operations/deployment.md).
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
    """A resource of a stack, as listed by CloudFormation."""

    kind: str
    name: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A function version that the last update of the stack published.

    Attributes:
        function: name of the function.
        version: number of the version.
        alias: name of the alias that points to it.
    """

    function: str
    version: int
    alias: str


def main() -> int:
    """Runs the command; returns 0 if every alias could be moved."""
    parser = argparse.ArgumentParser(description="Point the aliases of a stage at the previous versions.")
    parser.add_argument("--stage", required=True)
    arguments = parser.parse_args()
    try:
        return roll_back(arguments.stage)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"rollback: {error}")


def roll_back(stage: str) -> int:
    """Stops deployments and moves the aliases back; returns how many could not be moved."""
    begun, resources = read_stack(f"Bonafide-{stage}-Service")
    stop_deployments(each.name for each in resources if each.kind == APPLICATION)
    client = boto3.client("lambda")
    return sum([not move_back(client, each) for each in released(resources, begun)])


def read_stack(name: str) -> tuple[datetime, list[StackResource]]:
    """Returns the start of the last update of a stack, and its resources."""
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
    """Returns the versions published since an update began, last updated alias first: callers before their callees."""
    known = list(resources)
    made = [each.name.rsplit(":", 1) for each in known if each.kind == VERSION and each.updated >= begun]
    versions = {function: int(version) for function, version in made}
    aliases = sorted((each for each in known if each.kind == ALIAS), key=lambda each: each.updated, reverse=True)
    parts = [each.name.rsplit(":", 1) for each in aliases]
    return [PublishedVersion(function, versions[function], alias) for function, alias in parts if function in versions]


def stop_deployments(applications: Iterable[str]) -> None:
    """Stops running deployments, which sends their traffic back."""
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
    """Points an alias at the previous version; returns whether it points there now."""
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
