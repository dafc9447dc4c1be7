"""A domain name of one's own for the API, which stays when the API gets another id."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct

from stacks.stage import DomainNameSettings


def add_custom_domain(scope: Construct, rest: apigateway.RestApi, settings: DomainNameSettings) -> None:
    """Maps a domain name to the API's stage, so that the paths of the contract come right after it.

    The DNS record is not made here: with two regions it routes between two stacks, and so belongs to neither.
    """
    certificate = acm.Certificate.from_certificate_arn(scope, "Certificate", settings.certificate)
    domain = apigateway.DomainName(
        scope,
        "DomainName",
        domain_name=settings.name,
        certificate=certificate,
        endpoint_type=apigateway.EndpointType.REGIONAL,
        security_policy=apigateway.SecurityPolicy.TLS_1_2,
        mapping=rest,
    )
    stack = Stack.of(scope)
    CfnOutput(stack, "CustomUrl", value=f"https://{settings.name}", description="URL of the API for callers")
    CfnOutput(
        stack,
        "CustomDomainTarget",
        value=domain.domain_name_alias_domain_name,
        description="Target of the DNS record (CNAME, or alias) of the API's domain name",
    )
    CfnOutput(
        stack,
        "CustomDomainZone",
        value=domain.domain_name_alias_hosted_zone_id,
        description="Hosted zone of that target, for an alias record of Route 53",
    )
