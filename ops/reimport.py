"""Imports the data that a destroyed stage left behind into a new data stack: `python -m ops.reimport --stage S`.

`make destroy` retains tables, buckets and their key; a deployment after it would make new, empty ones. This makes a
data stack of nothing but what was retained; the next deployment adds the rest. docs/operations/recovery.md has the
steps.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from ops.synthesis import ROOT

ASSEMBLY = ROOT / ".build" / "release"
CHANGE_SET = "reimport"
TABLE, BUCKET, KEY = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"
# Primary identifiers, by which CloudFormation finds what it imports. The stream is not imported: what it holds is older
# than any call.
IDENTIFIERS = {TABLE: "TableName", BUCKET: "BucketName", KEY: "KeyId"}
POLL_SECONDS = 5.0


class ReimportError(Exception):
    """Raised when what was retained is not exactly one of each resource; the message says which is not."""


def main() -> int:
    """Runs the command; returns 0 if the stack holds the retained resources."""
    parser = argparse.ArgumentParser(description="Import retained data into a new data stack.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--assembly", type=Path, default=ASSEMBLY, help="folder of the unpacked release")
    parser.add_argument("--take", nargs="*", default=[], metavar="NAME", help="names, where several were retained")
    arguments = parser.parse_args()
    stack = f"Bonafide-{arguments.stage}-Data"
    template = json.loads((arguments.assembly / f"{stack}.template.json").read_text())
    try:
        names = reimport(stack, template, boto3.client, arguments.take)
    except (ReimportError, BotoCoreError, ClientError, WaiterError) as error:
        sys.exit(f"reimport: {error}")
    print("\n".join(f"{id_}: {name}" for id_, name in names.items()))
    print(f"{stack} holds them. Now deploy: make deploy STAGE={arguments.stage}")
    return 0


def reimport(
    stack: str,
    template: Mapping[str, Any],
    connect: Callable[[Any], Any],
    take: Sequence[str] = (),
    *,
    poll: float = POLL_SECONDS,
) -> dict[str, str]:
    """Makes the stack out of retained resources; returns their names by logical id.

    Raises:
        ReimportError: a resource is missing, or there are several and `take` names none of them.
    """
    resources = {id_: each for id_, each in template["Resources"].items() if each["Type"] in IDENTIFIERS}
    names = retained(stack, resources, connect, take)
    formation = connect("cloudformation")
    prepare_import(formation, stack, resources, names, poll)
    for id_, each in resources.items():
        if each["Type"] == BUCKET:
            # CloudFormation makes no policy where there is one; the deployment makes it again.
            connect("s3").delete_bucket_policy(Bucket=names[id_])
    formation.execute_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
    formation.get_waiter("stack_import_complete").wait(StackName=stack, WaiterConfig=_waiting(poll))
    return names


def retained(
    stack: str, resources: Mapping[str, Any], connect: Callable[[Any], Any], take: Sequence[str]
) -> dict[str, str]:
    """Finds what was retained by the names that CloudFormation gave; the key is the one of the tables.

    Raises:
        ReimportError: a resource is missing, or there are several.
    """
    dynamodb = connect("dynamodb")
    existing = {
        TABLE: [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]],
        BUCKET: [each["Name"] for each in connect("s3").list_buckets()["Buckets"]],
    }
    names = {
        id_: _only(id_, _candidates(stack, id_, existing[each["Type"]]), take)
        for id_, each in resources.items()
        if each["Type"] in existing
    }
    key = _only_key({_key_of(dynamodb, names[id_]) for id_, each in resources.items() if each["Type"] == TABLE})
    return names | {id_: key for id_, each in resources.items() if each["Type"] == KEY}


def prepare_import(
    formation: Any, stack: str, resources: Mapping[str, Any], names: Mapping[str, str], poll: float
) -> None:
    """Makes the change set of an import, which may hold nothing but what it imports: no outputs, no parameters.

    One that an attempt before has left, because CloudFormation refused it, is replaced.
    """
    wanted = _change_set(stack, resources, names)
    try:
        formation.create_change_set(**wanted)
    except formation.exceptions.AlreadyExistsException:
        formation.delete_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
        formation.create_change_set(**wanted)
    prepared = formation.get_waiter("change_set_create_complete")
    prepared.wait(StackName=stack, ChangeSetName=CHANGE_SET, WaiterConfig=_waiting(poll))


def _change_set(stack: str, resources: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "StackName": stack,
        "ChangeSetName": CHANGE_SET,
        "ChangeSetType": "IMPORT",
        "TemplateBody": json.dumps({"Resources": resources}),
        "ResourcesToImport": [
            {
                "ResourceType": each["Type"],
                "LogicalResourceId": id_,
                "ResourceIdentifier": {IDENTIFIERS[each["Type"]]: names[id_]},
            }
            for id_, each in resources.items()
        ],
    }


def _waiting(poll: float) -> Any:
    return {"Delay": poll, "MaxAttempts": 240}


def _candidates(stack: str, id_: str, names: Sequence[str]) -> list[str]:
    # CloudFormation names a resource for its stack and logical id, and adds random characters; a bucket in lower case.
    beginning = f"{stack}-{id_}-".lower()
    # A copy that a restore left is no table of the stack.
    return [name for name in names if name.lower().startswith(beginning) and "-at-" not in name]


def _only(id_: str, candidates: Sequence[str], take: Sequence[str]) -> str:
    wanted = [name for name in candidates if name in take] or candidates
    if len(wanted) != 1:
        found = ", ".join(candidates) if candidates else "nothing"
        raise ReimportError(f"{id_}: one retained resource is needed, found {found}; name one with TAKE=")
    return wanted[0]


def _key_of(dynamodb: Any, table: str) -> str:
    arn: str = dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"]
    return arn.rpartition("/")[2]


def _only_key(keys: set[str]) -> str:
    if len(keys) != 1:
        raise ReimportError(f"the tables are of several deployments: they are encrypted with {', '.join(sorted(keys))}")
    return next(iter(keys))


if __name__ == "__main__":
    sys.exit(main())
