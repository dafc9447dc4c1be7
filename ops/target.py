"""The deployment that a command acts on: a stage, or the API at a URL."""

import argparse

import boto3


class NotDeployedError(Exception):
    """The stage has no API."""


def add_target(parser: argparse.ArgumentParser) -> None:
    """Adds the options `--endpoint` and `--stage`, one of which is required."""
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--endpoint", help="URL of the API's stage")
    target.add_argument("--stage", help="one of cdk.json, in the account and region of the environment")


def url_of(given: argparse.Namespace) -> str:
    """Returns the URL of the API that the options name.

    Raises:
        NotDeployedError: the stage has no API.
    """
    return str(given.endpoint or endpoint_of(given.stage))


def endpoint_of(stage: str) -> str:
    """Returns the URL of a stage's API, out of the outputs of its stack.

    Raises:
        NotDeployedError: the stack has no such output.
    """
    name = f"Bonafide-{stage}-Service"
    stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    urls = [output["OutputValue"] for stack in stacks for output in stack.get("Outputs", [])]
    for url in urls:
        # The target of a custom domain's record is a host of API Gateway too, but no URL.
        if url.startswith("https://") and ".execute-api." in url:
            return url.rstrip("/")
    raise NotDeployedError(f"{name} names no API among its outputs")
