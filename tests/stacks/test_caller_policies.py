"""Managed policies for callers, in the template: those of the table of roles, and each for one domain only."""

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.platform.policies import policy, roles
from stacks.stage_checks import MOST_POLICY_DOMAINS, StageSettingError, check_principals, policy_domains
from tests.access.evaluation import Document, Request, allowed
from tests.access.template import ACCOUNT, Access

# Resources that a stack may have: "CloudFormation quotas", AWS CloudFormation User Guide.
MOST_RESOURCES = 500
PREFIX = "arn:{Partition}:execute-api:{Region}:{AccountId}:abcdefghij/production"
API_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/bonafide-production-api-acme-integrator"


def made(variants: Path) -> dict[str, Document]:
    content = json.loads((variants / "policies/Policies.template.json").read_text())
    found = [each["Properties"] for each in content["Resources"].values() if each["Type"] == "AWS::IAM::ManagedPolicy"]
    return {each["ManagedPolicyName"]: resolved(each["PolicyDocument"]) for each in found}


def resolved(value: Any) -> Any:
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(resolved(each) for each in parts)
        case {"Ref": name}:
            return "{" + name.removeprefix("AWS::") + "}"
        case dict():
            return {key: resolved(each) for key, each in value.items()}
        case list():
            return [resolved(each) for each in value]
    return value


def test_the_stack_has_a_policy_for_each_role_in_each_domain_that_it_names(variants: Path) -> None:
    assert made(variants) == {
        f"bonafide-production-api-{domain}-{role}": policy(role, PREFIX, domain)
        for domain in ("acme", "acme-2")
        for role in roles()
    }


@pytest.mark.parametrize("action", ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy"])
def test_deployments_make_such_policies_only_where_an_administrator_lets_them(action: str) -> None:
    for wanted in ("yes", "no"):
        access = Access(Stage="production", CallerPolicies=wanted)
        execution, delivery = (access[each]["PolicyDocument"] for each in ("Execution", "Delivery"))
        for resource, permitted in ((API_POLICY, wanted == "yes"), (API_POLICY.replace("-api-", "-boundary-"), False)):
            assert allowed(Request(action, resource), [execution], delivery) is permitted


@pytest.mark.parametrize(
    "principals",
    [{"inspector": ["role/x"]}, {"auditor": ["*"]}, {"auditor": ["role/*"]}, {"auditor": ["group/x"]},
     {"auditor": [f"role/r{number}" for number in range(21)]}],
)  # fmt: skip
def test_principals_of_a_stage_that_mean_everybody_or_nobody_are_refused(principals: dict[str, list[str]]) -> None:
    with pytest.raises(StageSettingError, match="principals has"):
        check_principals(principals)


def test_a_stage_names_no_more_domains_than_fit_the_service_stack(assembly: Path) -> None:
    named = [f"domain-{number}" for number in range(MOST_POLICY_DOMAINS)]
    assert policy_domains(named) == tuple(named)
    with pytest.raises(StageSettingError, match="policies names 8 domains; there may be 7"):
        policy_domains([*named, "another"])
    made = json.loads((assembly / "Bonafide-dev-Service.template.json").read_text())["Resources"]
    assert len(made) + MOST_POLICY_DOMAINS * len(list(roles())) <= MOST_RESOURCES
