"""Release of a function's new version: golden calls, a share of the traffic, alarms; then all traffic or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.platform.function import FunctionProps, ServiceFunction
from stacks.platform.release_alarms import ReleaseAlarm, ReleasedVersion
from stacks.slo import Objectives
from stacks.stage import ALL_AT_ONCE, DeploymentStage


class Wave(IntEnum):
    """Order of releases: functions that read come before those that write what they read, entry points last."""

    READERS = 1
    WRITERS = 2
    ENTRY_POINTS = 3


class ProvisionedConcurrencyError(ValueError):
    """A stage provisions concurrency for an unknown function, or for one whose traffic is shifted in parts."""


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """Way in which the versions of a function are released.

    Attributes:
        wave: those of the wave before are released before it.
        alarms: any of them rolls a release back.
    """

    wave: Wave
    alarms: Sequence[ReleaseAlarm]


class ReleasedFunction(ServiceFunction):
    """A function that is called through its alias `live` only.

    Attributes:
        alias: the target of all invocations, so that a release can shift traffic and roll back.
        group: CodeDeploy's deployment group of the alias.
    """

    def __init__(self, scope: Construct, props: FunctionProps, plan: ReleasePlan, releases: "CanaryReleases") -> None:
        super().__init__(scope, props)
        self.alias = lambda_.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.latest.current_version,
            provisioned_concurrent_executions=releases.provisioned(props.service),
        )
        version = self.alias.version.version
        subject = ReleasedVersion(
            props.service, self.latest.function_name, version, releases.objectives, releases.stage.name
        )
        self.group = releases.deployment_group(self, [alarm.create(self, subject) for alarm in plan.alarms])
        releases.add(self, plan.wave)


class WaveOrder:
    """Dependencies between the aliases of successive waves, whatever the order in which they are added."""

    def __init__(self) -> None:
        self._aliases: dict[int, list[lambda_.CfnAlias]] = {}

    def add(self, alias: lambda_.Alias, wave: Wave) -> None:
        """Makes an alias wait for the wave before, and the wave after wait for the alias."""
        resource = alias.node.default_child
        assert isinstance(resource, lambda_.CfnAlias)
        for earlier in self._aliases.get(wave - 1, []):
            resource.add_dependency(earlier)
        for later in self._aliases.get(wave + 1, []):
            later.add_dependency(resource)
        self._aliases.setdefault(wave, []).append(resource)


class CanaryReleases(Construct):
    """All released functions, and what their deployment groups share.

    Attributes:
        application: CodeDeploy's application, which holds the deployment groups.
        objectives: say when an answer is late.
        stage: settings of the deployment.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: DeploymentStage) -> None:
        super().__init__(scope, id_)
        self.objectives = Objectives.read()
        self.stage = stage
        self.application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        self._config = codedeploy.LambdaDeploymentConfig.from_lambda_deployment_config_name(
            self, "Traffic", _traffic(Stack.of(self), stage).value_as_string
        )
        self._order = WaveOrder()
        self._functions: list[ReleasedFunction] = []
        self._observers: list[Callable[[ReleasedFunction], None]] = []

    def provisioned(self, service: str) -> int | None:
        """Returns a function's provisioned concurrency, if any.

        Raises:
            ProvisionedConcurrencyError: the stage shifts traffic in parts, which Lambda refuses for such an alias.
        """
        count = self.stage.provisioned.get(service)
        if count and self.stage.traffic != ALL_AT_ONCE:
            raise ProvisionedConcurrencyError(
                f"stage {self.stage.name} keeps environments of {service} ready and shifts traffic by "
                f"{self.stage.traffic}: set its traffic to {ALL_AT_ONCE}, or take the function out of provisioned"
            )
        return count

    def deployment_group(
        self, function: ReleasedFunction, alarms: Sequence[cloudwatch.IAlarm]
    ) -> codedeploy.LambdaDeploymentGroup:
        """Creates the group that shifts the traffic of a function's alias and rolls back on these alarms."""
        return codedeploy.LambdaDeploymentGroup(
            function,
            "Group",
            alias=function.alias,
            application=self.application,
            role=self._role,
            deployment_config=self._config,
            alarms=list(alarms),
            auto_rollback=codedeploy.AutoRollbackConfig(
                deployment_in_alarm=True, failed_deployment=True, stopped_deployment=True
            ),
            # An alarm whose state is unknown is no reason to proceed.
            ignore_poll_alarms_failure=False,
        )

    def add(self, function: ReleasedFunction, wave: Wave) -> None:
        """Adds a function to its wave, and calls the observers with it."""
        self._order.add(function.alias, wave)
        self._functions.append(function)
        for observe in self._observers:
            observe(function)

    def each(self, observe: Callable[[ReleasedFunction], None]) -> None:
        """Calls the observer with every released function, also with those that are added later."""
        self._observers.append(observe)
        for function in self._functions:
            observe(function)

    def check_provisioned(self) -> None:
        """Checks the stage's provisioned concurrency after all functions were added.

        Raises:
            ProvisionedConcurrencyError: the stage names a function that does not exist.
        """
        services = {function.service for function in self._functions}
        if unknown := sorted(set(self.stage.provisioned) - services):
            known = ", ".join(sorted(services))
            raise ProvisionedConcurrencyError(
                f"stage {self.stage.name} keeps {', '.join(unknown)} ready; there are {known}"
            )


def _traffic(stack: Stack, stage: DeploymentStage) -> CfnParameter:
    """Adds the parameter by which one deployment may shift all traffic at once: the quick way back to a release."""
    usual, quick = (
        getattr(codedeploy.LambdaDeploymentConfig, name).deployment_config_name for name in (stage.traffic, ALL_AT_ONCE)
    )
    return CfnParameter(
        stack,
        "Traffic",
        description="How CodeDeploy shifts traffic to new versions",
        default=usual,
        allowed_values=sorted({usual, quick}),
    )
