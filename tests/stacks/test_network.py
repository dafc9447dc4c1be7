"""An API that only a VPC reaches, and the web ACL in front of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.platform.api import PUBLIC
from stacks.platform.network import INTERFACES
from stacks.stage import DomainQuotaSettings, PrivateSettings, WafSettings
from stacks.stage_checks import StageSettingError
from tests.access.evaluation import EVERYTHING, Request, allowed
from tests.access.template import Access
from tests.stacks.delivery import Template, of
from tests.stacks.test_service import INTENDED
from tests.stacks.variants import PRIVATE, QUOTA, WAF


@pytest.fixture(scope="module")
def template(variants: Path) -> Template:
    content: Template = json.loads((variants / "guarded/Guarded.template.json").read_text())
    return content


def only(template: Template, kind: str) -> dict[str, Any]:
    (found,) = of(template, kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_the_api_is_reached_through_the_endpoints_only(template: Template) -> None:
    api = only(template, "ApiGateway::RestApi")
    assert api["EndpointConfiguration"] == {"Types": ["PRIVATE"], "VpcEndpointIds": PRIVATE["vpc_endpoints"]}
    deny, allow = api["Policy"]["Statement"]
    assert (deny["Effect"], deny["Resource"]) == ("Deny", "execute-api:/*")
    assert deny["Condition"] == {"StringNotEquals": {"aws:SourceVpce": PRIVATE["vpc_endpoints"]}}
    # What has to be signed is left to the policies of senders: an allowance here would be enough without one.
    assert allow["Resource"] == [f"execute-api:/*/{each}" for each in PUBLIC]


def test_the_public_routes_are_those_that_need_no_signature(variants: Path) -> None:
    service: Template = json.loads((variants / "true/Bonafide-production-Service.template.json").read_text())
    methods = [each["Properties"] for each in of(service, "ApiGateway::Method").values()]
    unsigned = [each for each in methods if each["AuthorizationType"] == "NONE"]
    assert len(unsigned) == len(PUBLIC)
    parts = {each["Properties"]["PathPart"] for each in of(service, "ApiGateway::Resource").values()}
    assert {each.rpartition("/")[2] for each in PUBLIC} <= parts


def test_the_synthetic_caller_is_in_the_vpc(template: Template) -> None:
    place = only(template, "Lambda::Function")["VpcConfig"]
    assert place == {"SubnetIds": PRIVATE["subnets"], "SecurityGroupIds": PRIVATE["security_groups"]}


def test_the_web_acl_limits_addresses_and_stands_in_front_of_the_stage(template: Template) -> None:
    acl = only(template, "WAFv2::WebACL")
    limit, *managed = sorted(acl["Rules"], key=lambda each: each["Priority"])
    wanted = {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": WAF["requests_per_address"]}
    assert limit["Statement"]["RateBasedStatement"] == wanted
    assert limit["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    groups = [each["Statement"]["ManagedRuleGroupStatement"]["Name"] for each in managed]
    assert groups == ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"]
    assert not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in [acl, *acl["Rules"]])
    association = only(template, "WAFv2::WebACLAssociation")
    (api,) = of(template, "ApiGateway::RestApi")
    assert {"Ref": api} in association["ResourceArn"]["Fn::Join"][1]
    assert association["ResourceArn"]["Fn::Join"][1][-1] == "/stages/production"


def test_findings_of_cdk_nag_are_intended_and_no_firewall_is_missing(variants: Path) -> None:
    (report,) = json.loads((variants / "guarded/validation-report.json").read_text())["pluginReports"]
    found = {each["ruleName"].partition("[")[0].removeprefix("AwsSolutions-") for each in report["violations"]}
    assert found <= INTENDED.keys() - {"APIG3"}


def test_a_stage_has_none_of_it_unless_it_says_so(variants: Path) -> None:
    service: Template = json.loads((variants / "true/Bonafide-production-Service.template.json").read_text())
    api = only(service, "ApiGateway::RestApi")
    assert (api["EndpointConfiguration"]["Types"], "Policy" in api) == (["REGIONAL"], False)
    assert not of(service, "WAFv2::WebACL")


def test_a_role_in_a_vpc_fits_into_the_boundary_of_a_stage_that_says_so() -> None:
    with_network, without = (
        Access(Stage="production", Network=answer)["Boundary"]["PolicyDocument"] for answer in ("yes", "no")
    )
    for action in INTERFACES:
        assert allowed(Request(action, "*"), [EVERYTHING], with_network)
        assert not allowed(Request(action, "*"), [EVERYTHING], without)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: PrivateSettings(**PRIVATE | {"vpc_endpoints": []}), "needs vpc_endpoints: ids such as vpce-"),
        (lambda: PrivateSettings(**PRIVATE | {"subnets": ["sg-1"]}), "needs subnets: ids such as subnet-"),
        (lambda: WafSettings(9), "10 to 2,000,000,000"),
        (lambda: DomainQuotaSettings(0, 1), "0.01 or more"),
    ],
)
def test_a_setting_that_cannot_be_deployed_is_refused(wrong: Any, reason: str) -> None:
    with pytest.raises(StageSettingError, match=reason):
        wrong()


def test_the_quota_of_a_stage_is_told_to_what_counts(template: Template) -> None:
    rules = only(template, "Lambda::Function")["Environment"]["Variables"]["BONAFIDE_QUOTA_RULES"]
    assert json.loads(rules) == {"most": {"requests_per_second": 200, "burst": 400}, "default": QUOTA}
