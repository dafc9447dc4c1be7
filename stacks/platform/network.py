"""Limits of who reaches the API at all: endpoints of a VPC, and a web ACL, if a stage says so."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.platform.function import ServiceFunction
from stacks.stage import PrivateSettings, WafSettings

# Both are light, and look at no recording for longer than its first 16 KB. Not among them is the common rule set: it
# refuses bodies of more than 8 KB, which every recording has.
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html; none of them has resources in every state.
INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def endpoint(scope: Construct, private: PrivateSettings | None) -> apigateway.EndpointConfiguration:
    """Returns the kind of the API's endpoint."""
    if private is None:
        return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
    endpoints = [
        ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
            scope, f"Endpoint{number}", port=443, vpc_endpoint_id=id_
        )
        for number, id_ in enumerate(private.vpc_endpoints)
    ]
    return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=endpoints)


def resource_policy(private: PrivateSettings, public: Sequence[str]) -> iam.PolicyDocument:
    """Returns the API's resource policy: nothing past the endpoints, and unsigned what is public.

    It allows nothing that has to be signed, since within an account either the policy of the API or that of the sender
    is enough: those of senders go on deciding.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html

    Args:
        private: endpoints of the stage.
        public: methods and paths of routes that need no signature, such as GET/v1/health.
    """
    elsewhere = iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=["execute-api:/*"],
        conditions={"StringNotEquals": {"aws:SourceVpce": list(private.vpc_endpoints)}},
    )
    anybody = iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=[f"execute-api:/*/{each}" for each in public],
    )
    return iam.PolicyDocument(statements=[elsewhere, anybody])


def put_into_vpc(function: ServiceFunction, private: PrivateSettings) -> None:
    """Puts a function that calls the API into the VPC of its endpoints."""
    resource = function.latest.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        subnet_ids=list(private.subnets), security_group_ids=list(private.security_groups)
    )
    function.allow("*", *INTERFACES)


def add_web_acl(scope: Construct, rest: apigateway.RestApi, stage: str, waf: WafSettings) -> None:
    """Puts a web ACL in front of the API: a limit for each address, and rules that AWS keeps."""
    limit = wafv2.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP", limit=waf.requests_per_address, evaluation_window_sec=300
    )
    too_many = wafv2.CfnWebACL.RuleProperty(
        name="RequestsPerAddress",
        priority=0,
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=limit),
        action=wafv2.CfnWebACL.RuleActionProperty(block=_too_many_requests()),
        visibility_config=_visible("RequestsPerAddress"),
    )
    acl = wafv2.CfnWebACL(
        scope,
        "WebAcl",
        name=f"bonafide-{stage}",
        scope="REGIONAL",
        default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_visible("WebAcl"),
        rules=[too_many, *(_managed(name, number) for number, name in enumerate(MANAGED, start=1))],
    )
    arn = Stack.of(scope).format_arn(
        service="apigateway", account="", resource=f"/restapis/{rest.rest_api_id}/stages/{stage}"
    )
    association = wafv2.CfnWebACLAssociation(scope, "WebAclAssociation", resource_arn=arn, web_acl_arn=acl.attr_arn)
    association.node.add_dependency(rest.deployment_stage)


def _too_many_requests() -> wafv2.CfnWebACL.BlockActionProperty:
    return wafv2.CfnWebACL.BlockActionProperty(
        custom_response=wafv2.CfnWebACL.CustomResponseProperty(response_code=429)
    )


def _managed(name: str, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(vendor_name="AWS", name=name)
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    # Samples hold headers and paths, and so names of speakers.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=f"bonafide-{name}", sampled_requests_enabled=False
    )
