"""Moves the aliases of a stage behind CloudFormation's back: `python -m ops.aliases --stage S --to previous`.

The last resort, when not even the deployment of an earlier release can be waited for. Each alias that the last update
changed goes to the version before, in reverse order of the update. CloudFormation does not see it, and CodeDeploy
refuses the next deployment of an alias that is not where the last one left it. So before that one the aliases have to
be moved back, `--to deployed`, and callers get the newest version again until it ends (docs/operations/deployment.md).
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.resources import list_resources

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ALIAS, VERSION = "AWS::Lambda::Alias", "AWS::Lambda::Version"
SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


class UnderWayError(Exception):
    """CloudFormation works on the stack; moving aliases now would make it fail."""


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
    parser = argparse.ArgumentParser(description="Move the aliases of a stage behind CloudFormation's back.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--to", required=True, choices=["previous", "deployed"])
    arguments = parser.parse_args()
    try:
        return move_all(arguments.stage, deployed=arguments.to == "deployed")
    except (UnderWayError, BotoCoreError, ClientError) as error:
        sys.exit(f"aliases: {error}")


def move_all(stage: str, *, deployed: bool) -> int:
    """Moves the aliases to the deployed versions or to those before; returns how many could not be moved."""
    begun, resources = read_stack(f"Bonafide-{stage}-Service")
    client = boto3.client("lambda")
    move = move_forth if deployed else move_back
    return sum([not move(client, each) for each in released(resources, begun)])


def read_stack(name: str) -> tuple[datetime, list[StackResource]]:
    """Returns the start of the last update of a stack, and its resources.

    Raises:
        UnderWayError: the stack is being updated, or is rolling back.
    """
    client = boto3.client("cloudformation")
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    if stack["StackStatus"] not in SETTLED:
        raise UnderWayError(f"{name} is in {stack['StackStatus']}: use `make rollback`")
    found = [
        StackResource(each["ResourceType"], each.get("PhysicalResourceId", ""), each["LastUpdatedTimestamp"])
        for each in list_resources(client, name)
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
    _point(client, release, max(older))
    print(f"{release.function}: {current} -> {max(older)}")
    return True


def move_forth(client: "LambdaClient", release: PublishedVersion) -> bool:
    """Points an alias at the version that the last update published, where CloudFormation believes it to be."""
    _point(client, release, release.version)
    print(f"{release.function}: -> {release.version}")
    return True


def _point(client: "LambdaClient", release: PublishedVersion, version: int) -> None:
    client.update_alias(
        FunctionName=release.function,
        Name=release.alias,
        FunctionVersion=str(version),
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


def _published(client: "LambdaClient", function: str) -> list[int]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    names = [version["Version"] for page in pages for version in page["Versions"]]
    return [int(name) for name in names if name.isdigit()]


if __name__ == "__main__":
    sys.exit(main())
