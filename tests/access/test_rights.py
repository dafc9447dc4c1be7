"""Permissions to deploy: enough for the templates, and no more than the documents say."""

import ast
import functools
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from ops import aliases, budget, resources, rollback
from ops.migration import releases
from tests.access.evaluation import values
from tests.access.template import Access, source

ROOT = Path(__file__).parents[2]
# Services that a rollback calls.
CLIENTS = ("cloudformation", "codedeploy", "lambda")

# Covered by CloudFormation's own rights, or by the statements about roles and buckets.
EXEMPT = {"IAM", "CDK", "S3"}


@pytest.fixture
def access() -> Access:
    return Access(Stage="dev", Repository="octo/voice")


def stages() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]
    return found


def test_cloudformation_may_make_every_kind_of_resource_in_the_templates_and_no_other(
    assembly: Path, access: Access
) -> None:
    templates = [json.loads(path.read_text()) for path in assembly.glob("Bonafide-dev-*.template.json")]
    used = {each["Type"].split("::")[1] for template in templates for each in template["Resources"].values()}
    statements = {each["Sid"]: each for each in access["Execution"]["PolicyDocument"]["Statement"]}
    granted = {action.split(":")[0] for action in statements["Services"]["Action"]}
    assert {name.lower() for name in used - EXEMPT} == granted


def test_policies_of_aws_that_templates_attach_may_be_attached(assembly: Path, access: Access) -> None:
    text = "".join(path.read_text() for path in assembly.glob("Bonafide-dev-*.template.json"))
    statements = {each["Sid"]: each for each in access["Execution"]["PolicyDocument"]["Statement"]}
    allowed = statements["PoliciesOfAwsForTwoServices"]["Condition"]["ArnEquals"]["iam:PolicyARN"]
    assert text.count("::aws:policy/") == len(allowed) == 2
    assert all(each.removeprefix("arn:aws") in text for each in allowed)


def test_each_stage_has_a_bootstrap_of_its_own() -> None:
    qualifiers = {name: each["qualifier"] for name, each in stages().items()}
    assert len(set(qualifiers.values())) == len(qualifiers)
    assert all(each.isalnum() and len(each) <= 10 for each in qualifiers.values())
    assert qualifiers == {name: each["Qualifier"] for name, each in source()["Mappings"]["Stages"].items()}


def test_stages_keep_away_from_all_others() -> None:
    for stage, each in source()["Mappings"]["Stages"].items():
        assert {stage, each["Other"], each["Another"]} == set(stages())


def test_a_stage_is_deployed_by_roles_of_its_own_bootstrap(assembly: Path) -> None:
    published = "".join(path.read_text() for path in assembly.glob("Bonafide-dev-*.assets.json"))
    assert published.count("role/cdk-") == published.count("role/cdk-bonadev-file-publishing-role-") > 0
    assert published.count("cdk-bonadev-assets-") > 0
    for template in assembly.glob("Bonafide-dev-*.template.json"):
        version = json.loads(template.read_text())["Parameters"]["BootstrapVersion"]
        assert version["Default"] == "/cdk-bootstrap/bonadev/version"


def test_the_role_of_pull_requests_can_only_read_templates() -> None:
    (policy,) = Access(Stage="production", Repository="octo/voice")["Diff"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"cloudformation:DescribeStacks", "cloudformation:GetTemplate"}


def test_the_pipeline_may_do_nothing_to_everything(access: Access) -> None:
    (policy,) = access["Deploy"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        assert not any("*" in action for action in values(statement["Action"]))
        # Reading metrics and the account's limits has no resource-level permissions.
        if statement["Action"] not in ("cloudwatch:GetMetricData", "lambda:GetAccountSettings"):
            assert all(target != "*" for target in values(statement["Resource"]))


def test_the_pipeline_may_read_error_budgets_and_keep_reasons(access: Access) -> None:
    (policy,) = access["Deploy"]["Policies"]
    granted = {str(each["Action"]): each["Resource"] for each in policy["PolicyDocument"]["Statement"]}
    assert granted["cloudwatch:GetMetricData"] == "*"
    assert granted["ssm:PutParameter"].endswith(":parameter" + budget.parameter("dev"))


def test_the_pipeline_has_the_boundary_of_deployments(access: Access) -> None:
    assert access["Deploy"]["PermissionsBoundary"].endswith(":policy/bonafide-dev-delivery")
    command = (ROOT / "Makefile").read_text().split("bootstrap: ")[1].split("\n\n")[0]
    assert "--apply-permissions-boundary-to-all-roles" in command
    for option, policy in (
        ("custom-permissions-boundary", "Delivery"),
        ("cloudformation-execution-policies", "Execution"),
    ):
        name = source()["Resources"][policy]["Properties"]["ManagedPolicyName"]["Sub"].replace("${Stage}", "$(STAGE)")
        assert f"{name}" in command.split(f"--{option} ")[1].split("\n")[0]


def test_the_pipeline_may_make_the_calls_of_a_rollback(access: Access) -> None:
    (policy,) = access["Deploy"]["Policies"]
    granted = {action for each in policy["PolicyDocument"]["Statement"] for action in values(each["Action"])}
    for module in (rollback, aliases, resources):
        assert set(_calls(module)) <= granted


def test_a_migration_may_make_its_calls_and_no_other(access: Access) -> None:
    statements = access["Migration"]["PolicyDocument"]["Statement"]
    granted = {action for each in statements for action in values(each["Action"]) if not action.startswith("kms:")}
    items = ("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem")
    adapters = {*(f"dynamodb:{each}" for each in items), "s3:GetObject"}
    called = {each for module in (releases, resources) for each in _calls(module)}
    assert granted == {*adapters, *called, "s3:ListBucket"}


def test_a_migration_reaches_the_stores_by_their_names(assembly: Path, access: Access) -> None:
    statements = {each["Sid"]: each for each in access["Migration"]["PolicyDocument"]["Statement"]}
    ids = json.loads((assembly / "Bonafide-dev-Data.template.json").read_text())["Resources"]
    table = "table/Bonafide-dev-Data-"
    for sid, prefix in (
        ("Speakers", table),
        ("KeysOfVoiceprints", table),
        ("KnowWhatIsNotKept", "bonafide-dev-data-"),
    ):
        (target,) = values(statements[sid]["Resource"])
        name = target.split(prefix)[1].removesuffix("*").lower()
        assert any(each.lower().startswith(name) for each in ids)


def _calls(module: ModuleType) -> Iterator[str]:
    """Yields the actions of the calls that a module makes, by the names of the clients' methods."""
    methods = {xform_name(each): each for service in CLIENTS for each in _model(service).operation_names}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        name = node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else None
        if isinstance(name, str) and name in methods:
            operation = methods[name]
            yield next(f"{each}:{operation}" for each in CLIENTS if operation in _model(each).operation_names)


@functools.cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)
