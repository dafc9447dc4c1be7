"""Data that a destroyed stage left behind, in its new data stack; on the emulator's CloudFormation."""

import json
from contextlib import suppress
from functools import partial
from itertools import compress
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from botocore.stub import Stubber

from ops.reimport import CHANGE_SET, IDENTIFIERS, ReimportError, reimport, retained
from ops.restore import data_resources
from tests.ops.recovery.conftest import STACK, DeployedData


def test_a_stage_that_was_destroyed_gets_its_data_back(deployed: DeployedData) -> None:
    formation, dynamodb = deployed.client("cloudformation"), deployed.client("dynamodb")
    item = {"domain": {"S": "left"}, "item": {"S": "domain"}}
    dynamodb.put_item(TableName=deployed.names["Tenants"], Item=item)
    formation.delete_stack(StackName=STACK)
    formation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})

    reimport(STACK, deployed.template, deployed.client, poll=0.1)
    assert data_resources(formation, "dev") == deployed.names
    assert dynamodb.get_item(TableName=deployed.names["Tenants"], Key=item)["Item"] == item
    dynamodb.delete_item(TableName=deployed.names["Tenants"], Key=item)

    # The next deployment adds what an import may not hold, and replaces nothing.
    formation.update_stack(StackName=STACK, TemplateBody=json.dumps(deployed.template))
    formation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})
    assert data_resources(formation, "dev") == deployed.names
    outputs = formation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    kept = {name: value for name, value in deployed.exports.items() if "Stream" not in name}
    assert kept.items() <= {each["ExportName"]: each["OutputValue"] for each in outputs}.items()
    policy = deployed.client("s3").get_bucket_policy(Bucket=deployed.names["Audio"])
    assert "aws:SecureTransport" in policy["Policy"]


class Leftovers:
    """Clients of an account with given tables and buckets, and the key of the tables."""

    def __init__(self, resources: dict[str, Any], *generations: str, key: str = "mrk-1") -> None:
        self._key = key
        self.tables = [f"{STACK}-{id_}-{each}" for id_ in resources for each in generations]
        self.without_policy: list[str] = []
        self.buckets = [f"{STACK}-{id_}-{each}".lower() for id_ in resources for each in generations]

    def __call__(self, service: str) -> Any:
        return self

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> Any:
        return [{"TableNames": self.tables}]

    def delete_bucket_policy(self, Bucket: str) -> None:  # noqa: N803, the name in the API
        self.without_policy.append(Bucket)

    def list_buckets(self) -> Any:
        return {"Buckets": [{"Name": each} for each in self.buckets]}

    def describe_table(self, TableName: str) -> Any:  # noqa: N803, the name in the API
        key = self._key if self._key != "each its own" else TableName
        return {"Table": {"SSEDescription": {"KMSMasterKeyArn": f"arn:aws:kms:eu-west-1:1:key/{key}"}}}


@pytest.fixture
def find(deployed: DeployedData) -> Any:
    resources = {id_: each for id_, each in deployed.template["Resources"].items() if each["Type"] in IDENTIFIERS}

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


@pytest.mark.parametrize("accepted", [True, False])
def test_buckets_keep_their_policies_until_an_import_is_accepted_and_a_refused_one_can_be_repeated(
    deployed: DeployedData, accepted: bool
) -> None:
    resources = {id_: each for id_, each in deployed.template["Resources"].items() if each["Type"] in IDENTIFIERS}
    leftovers, formation = Leftovers(resources, "A1"), deployed.aws.client("cloudformation")
    names, stack = {"StackName": STACK, "ChangeSetName": CHANGE_SET}, {"StackName": STACK, "CreationTime": 0}
    stubber = Stubber(formation)
    stubber.add_client_error("create_change_set", "AlreadyExistsException")
    stubber.add_response("delete_change_set", {}, names)
    stubber.add_response("create_change_set", {})
    stubber.add_response("describe_change_set", {"Status": "CREATE_COMPLETE" if accepted else "FAILED"}, names)
    if accepted:
        stubber.add_response("execute_change_set", {}, names)
        stubber.add_response("describe_stacks", {"Stacks": [{**stack, "StackStatus": "IMPORT_COMPLETE"}]})
    with stubber, suppress(WaiterError):
        reimport(
            STACK, deployed.template, lambda service: formation if service == "cloudformation" else leftovers, poll=0.01
        )
    stubber.assert_no_pending_responses()
    kinds = [each["Type"] == "AWS::S3::Bucket" for each in resources.values()]
    assert leftovers.without_policy == (list(compress(leftovers.buckets, kinds)) if accepted else [])
