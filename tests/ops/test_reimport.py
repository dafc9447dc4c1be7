"""Data that a destroyed stage left behind, in its new data stack; on the emulator's CloudFormation."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from local.aws.template import StackTemplate
from ops.reimport import ReimportError, reimport, retained
from ops.restore import data_resources

STACK = "Bonafide-dev-Data"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def template(assembly: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((assembly / f"{STACK}.template.json").read_text())
    return content


def names(aws: Emulator) -> dict[str, str]:
    return data_resources(aws.client("cloudformation"), "dev")


def encrypt(aws: Emulator) -> None:
    """Does what the emulator's CloudFormation leaves out: tables say with which key they are encrypted."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    kinds = [
        (each["ResourceType"], each["PhysicalResourceId"]) for page in pages for each in page["StackResourceSummaries"]
    ]
    (key,) = [name for kind, name in kinds if kind == "AWS::KMS::Key"]
    for table in [name for kind, name in kinds if kind == "AWS::DynamoDB::Table"]:
        with_key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        aws.client("dynamodb").update_table(TableName=table, SSESpecification=with_key)


def test_a_stage_that_was_destroyed_gets_its_data_back(aws: Emulator, assembly: Path, template: dict[str, Any]) -> None:
    formation, dynamodb = aws.client("cloudformation"), aws.client("dynamodb")
    stack = StackTemplate.read(assembly, STACK, {})
    exports = aws.deploy(stack)
    encrypt(aws)
    before = names(aws)
    item = {"domain": {"S": "acme"}, "item": {"S": "domain"}}
    dynamodb.put_item(TableName=before["Tenants"], Item=item)
    formation.delete_stack(StackName=STACK)
    formation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})

    reimport(STACK, template, aws.client, poll=0.1)
    assert names(aws) == before
    assert dynamodb.get_item(TableName=before["Tenants"], Key=item)["Item"] == item

    # The next deployment adds what an import may not hold, and replaces nothing.
    formation.update_stack(StackName=STACK, TemplateBody=json.dumps(template))
    formation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})
    assert names(aws) == before
    outputs = formation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    kept = {name: value for name, value in exports.items() if "Stream" not in name}
    assert kept.items() <= {each["ExportName"]: each["OutputValue"] for each in outputs}.items()
    policy = aws.client("s3").get_bucket_policy(Bucket=before["Audio"])
    assert "aws:SecureTransport" in policy["Policy"]


class Leftovers:
    """Clients of an account with given tables and buckets, and the key of the tables."""

    def __init__(self, resources: dict[str, Any], *generations: str, key: str = "mrk-1") -> None:
        self._key = key
        self.tables = [f"{STACK}-{id_}-{each}" for id_ in resources for each in generations]
        self.buckets = [f"{STACK}-{id_}-{each}".lower() for id_ in resources for each in generations]

    def __call__(self, service: str) -> Any:
        return self

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> Any:
        return [{"TableNames": self.tables}]

    def list_buckets(self) -> Any:
        return {"Buckets": [{"Name": each} for each in self.buckets]}

    def describe_table(self, TableName: str) -> Any:  # noqa: N803, the name in the API
        key = self._key if self._key != "each its own" else TableName
        return {"Table": {"SSEDescription": {"KMSMasterKeyArn": f"arn:aws:kms:eu-west-1:1:key/{key}"}}}


@pytest.fixture
def find(template: dict[str, Any]) -> Any:
    resources = {id_: each for id_, each in template["Resources"].items() if "Table" in each["Type"]}
    resources |= {id_: each for id_, each in template["Resources"].items() if each["Type"].endswith(("Bucket", "Key"))}

    def find(*generations: str, key: str = "mrk-1", take: tuple[str, ...] = ()) -> dict[str, str]:
        return retained(STACK, resources, Leftovers(resources, *generations, key=key), take)

    return partial(find)


def test_the_key_is_the_one_that_the_tables_are_encrypted_with(find: Any) -> None:
    assert [name for id_, name in find("A1").items() if id_.startswith("Key")] == ["mrk-1"]


def test_nothing_is_guessed_where_a_resource_is_missing(find: Any) -> None:
    with pytest.raises(ReimportError, match="one retained resource is needed, found nothing"):
        find()


def test_nothing_is_guessed_where_two_deployments_left_data(find: Any) -> None:
    with pytest.raises(ReimportError, match=r"A1, .*B2"):
        find("A1", "B2")


def test_data_of_two_deployments_are_not_mixed(find: Any) -> None:
    with pytest.raises(ReimportError, match="several deployments"):
        find("A1", key="each its own")
