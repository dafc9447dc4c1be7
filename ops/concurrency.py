"""Checks that an account can reserve the concurrency of a stage: `python -m ops.concurrency --stage S --assembly DIR`.

Lambda refuses a reservation that leaves fewer than 100 of the account's concurrent executions unreserved, and a
deployment would fail half way. Provisioned concurrency of a function without a reservation comes out of the same. Many
new accounts have a limit of 10.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.resources import list_resources

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
UNRESERVED = 100


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Concurrent executions of an account and region.

    Attributes:
        limit: of the account.
        others: reserved by functions of other stacks.
        wanted: what the stage reserves, by logical id of the function.
        ready: provisioned concurrency of the stage's functions without a reservation, by logical id of the function.
    """

    limit: int
    others: int
    wanted: Mapping[str, int]
    ready: Mapping[str, int] = field(default_factory=dict)

    @property
    def unreserved(self) -> int:
        """Executions that would stay for functions that have none of their own."""
        return self.limit - self.others - sum(self.wanted.values()) - sum(self.ready.values())

    def problem(self, stage: str) -> str | None:
        """Tells what keeps the stage from being deployed, and what helps; None if nothing does."""
        if not (self.wanted or self.ready) or self.unreserved >= UNRESERVED:
            return None
        return (
            f"stage {stage} reserves {sum(self.wanted.values())} concurrent executions and keeps "
            f"{sum(self.ready.values())} more ready; of the account's {self.limit}, {self.others} are reserved by "
            f"others, and {self.unreserved} would stay unreserved, but Lambda asks for at least {UNRESERVED}. Have the "
            'quota "Concurrent executions" of Lambda (L-B99A9384) raised to '
            f'{self.limit + UNRESERVED - self.unreserved}, or lower "reserved" or "provisioned" of the stage in '
            "cdk.json; with {} for both nothing is reserved, and enrollment and streaming can take capacity from "
            "authentication."
        )


def main() -> None:
    """Runs the command; exits with a message if the deployment would fail."""
    parser = argparse.ArgumentParser(description="Check that the account can reserve the concurrency of a stage.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--assembly", required=True, type=Path, help="folder of the synthesized templates")
    arguments = parser.parse_args()
    try:
        problem = read(arguments.stage, arguments.assembly).problem(arguments.stage)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"concurrency: {error}")
    if problem:
        sys.exit(f"concurrency: {problem}")


def read(stage: str, assembly: Path) -> Concurrency:
    """Reads what the account allows and what the stage's template reserves."""
    stack = f"Bonafide-{stage}-Service"
    client = boto3.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    reserved = limits["ConcurrentExecutions"] - limits["UnreservedConcurrentExecutions"]
    template = json.loads((assembly / f"{stack}.template.json").read_text())
    return Concurrency(
        limit=limits["ConcurrentExecutions"],
        others=reserved - sum(_reserved_now(client, name) for name in _deployed(stack)),
        wanted=wanted(template),
        ready=ready(template),
    )


def wanted(template: Mapping[str, Any]) -> dict[str, int]:
    """Returns the reservations of a template by logical id."""
    return {
        id_: each["Properties"]["ReservedConcurrentExecutions"]
        for id_, each in template["Resources"].items()
        if "ReservedConcurrentExecutions" in each.get("Properties", {})
    }


def ready(template: Mapping[str, Any]) -> dict[str, int]:
    """Returns the provisioned concurrency of a template's functions without a reservation, by their logical ids."""
    aliases = (each["Properties"] for each in template["Resources"].values() if each.get("Type") == ALIAS)
    counts = {each["FunctionName"]["Ref"]: each.get("ProvisionedConcurrencyConfig", {}) for each in aliases}
    return {
        id_: each["ProvisionedConcurrentExecutions"]
        for id_, each in counts.items()
        if each and id_ not in wanted(template)
    }


def _deployed(stack: str) -> list[str]:
    client = boto3.client("cloudformation")
    try:
        resources = list_resources(client, stack)
    except ClientError as error:
        # There is none before the first deployment.
        if error.response["Error"]["Code"] == "ValidationError":
            return []
        raise
    return [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == FUNCTION]


def _reserved_now(client: "LambdaClient", function: str) -> int:
    return client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions", 0)


if __name__ == "__main__":
    main()
