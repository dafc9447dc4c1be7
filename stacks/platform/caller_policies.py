"""Managed policies for callers, which a stage has only for the domains that it names."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.platform.policies import policy, roles
from stacks.platform.service_platform import ServicePlatform


class CallerPolicies(Construct):
    """One policy for each role in each domain, to be attached to the IAM roles that the domain names."""

    def __init__(self, scope: Construct, stage: str, api: str, domains: Sequence[str]) -> None:
        """Adds the policies.

        Args:
            scope: a stack, in the account of the API.
            stage: name of the stage.
            api: id of the REST API.
            domains: names of domains, whether they exist already or not.
        """
        super().__init__(scope, "Policies")
        prefix = Stack.of(self).format_arn(service="execute-api", resource=api, resource_name=stage)
        for domain in domains:
            for role in roles():
                iam.CfnManagedPolicy(
                    self,
                    f"{domain}-{role}",
                    managed_policy_name=f"bonafide-{stage}-api-{domain}-{role}",
                    description=f"Role {role} in the domain {domain} of Bonafide",
                    policy_document=policy(role, prefix, domain),
                )


def caller_policies(scope: Construct, platform: ServicePlatform) -> Construct:
    """Adds the policies that the stage's settings ask for, as a capability."""
    return CallerPolicies(scope, platform.stage.name, platform.api.id, platform.stage.policies)
