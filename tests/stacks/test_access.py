"""Permissions to deploy: enough for the templates, and no more than the documents say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
ACCESS = ROOT / "docs" / "operations" / "access.yaml"

# Covered by CloudFormation's own rights, or by the statements about roles.
EXEMPT = {"IAM", "CDK"}


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their plain content."""


def _content(loader: Loader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


Loader.add_multi_constructor("!", _content)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(ACCESS.read_text(), Loader)["Resources"]
    return found


def statements(document: dict[str, Any]) -> dict[str, Any]:
    return {each["Sid"]: each for each in document["Statement"]}


def test_cloudformation_may_make_every_kind_of_resource_in_the_templates_and_no_other(
    assembly: Path, resources: dict[str, Any]
) -> None:
    templates = [json.loads(path.read_text()) for path in assembly.glob("Bonafide-*.template.json")]
    used = {each["Type"].split("::")[1] for template in templates for each in template["Resources"].values()}
    services = statements(resources["Execution"]["Properties"]["PolicyDocument"])["Services"]
    granted = {action.split(":")[0] for action in services["Action"]}
    assert {name.lower() for name in used - EXEMPT} == granted


def test_a_stage_is_deployed_by_jobs_of_its_environment_only(resources: dict[str, Any]) -> None:
    (trust,) = resources["Deploy"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    equal = trust["Condition"]["StringEquals"]
    assert list(trust["Condition"]) == ["StringEquals"]
    assert equal["token.actions.githubusercontent.com:sub"] == "repo:${Repository}:environment:${Stage}"
    assert equal["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


def test_the_role_of_pull_requests_can_only_read_templates(resources: dict[str, Any]) -> None:
    (policy,) = resources["Diff"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"cloudformation:DescribeStacks", "cloudformation:GetTemplate"}


def test_the_pipeline_may_do_nothing_to_everything(resources: dict[str, Any]) -> None:
    (policy,) = resources["Deploy"]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        actions, targets = statement["Action"], statement["Resource"]
        assert not any("*" in action for action in ([actions] if isinstance(actions, str) else actions))
        # Reading the account's limits has no resource-level permission.
        if actions != "lambda:GetAccountSettings":
            assert all(target != "*" for target in ([targets] if isinstance(targets, str) else targets))
