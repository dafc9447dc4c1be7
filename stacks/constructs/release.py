"""How a new version of a function gets its traffic: golden calls, a share of the calls, alarms, all or nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.watches import Subject, Watch
from stacks.slo import Objectives
from stacks.stage import ALL_AT_ONCE, Stage


class Wave(IntEnum):
    """When a function is released: whoever reads before whoever writes, and last what lets callers in."""

    READERS = 1
    WRITERS = 2
    DOORS = 3


class KeptReadyError(ValueError):
    """What a stage keeps ready cannot be: a function that is not there, or whose traffic is shifted in parts."""


class Releases(Construct):
    """What the deployment groups of all functions have in common.

    Attributes:
        objectives: which say when an answer is late.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, hook: lambda_.IFunction) -> None:
        super().__init__(scope, id_)
        self.objectives = Objectives.read()
        self._stage = stage
        self._hook = hook
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        self._config: codedeploy.ILambdaDeploymentConfig = getattr(codedeploy.LambdaDeploymentConfig, stage.traffic)
        self._waves: dict[Wave, list[lambda_.CfnAlias]] = {wave: [] for wave in Wave}

    def kept_ready(self, service: str) -> int | None:
        """Returns how many environments of a function are kept ready.

        Raises:
            KeptReadyError: the stage shifts traffic in parts, which Lambda refuses for such an alias.
        """
        count = self._stage.provisioned.get(service)
        if count and self._stage.traffic != ALL_AT_ONCE:
            raise KeptReadyError(
                f"stage {self._stage.name} keeps environments of {service} ready and shifts traffic by "
                f"{self._stage.traffic}: set its traffic to {ALL_AT_ONCE}, or take the function out of provisioned"
            )
        return count

    def settle(self, services: Collection[str]) -> None:
        """Ends the additions: all functions are there.

        Raises:
            KeptReadyError: the stage keeps something ready that is none of them.
        """
        if unknown := sorted(set(self._stage.provisioned) - set(services)):
            raise KeptReadyError(
                f"stage {self._stage.name} keeps {', '.join(unknown)} ready; there are {', '.join(sorted(services))}"
            )

    def group(self, owner: Construct, alias: lambda_.Alias, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Lets CodeDeploy shift the traffic of an alias, under these alarms and golden calls."""
        codedeploy.LambdaDeploymentGroup(
            owner,
            "Group",
            alias=alias,
            application=self._application,
            role=self._role,
            deployment_config=self._config,
            alarms=list(alarms),
            pre_hook=self._hook,
            post_hook=self._hook,
            auto_rollback=codedeploy.AutoRollbackConfig(
                deployment_in_alarm=True, failed_deployment=True, stopped_deployment=True
            ),
            # Not knowing the state of an alarm is no ground for going on.
            ignore_poll_alarms_failure=False,
        )

    def line_up(self, alias: lambda_.Alias, wave: Wave) -> None:
        """Keeps an alias from being updated before those of the wave before."""
        resource = alias.node.default_child
        assert isinstance(resource, lambda_.CfnAlias)
        for earlier in self._waves[Wave(wave - 1)] if wave > Wave.READERS else []:
            resource.add_dependency(earlier)
        self._waves[wave].append(resource)


@dataclass(frozen=True, slots=True)
class Release:
    """How one function is released.

    Attributes:
        releases: what all have in common.
        service: its folder.
        wave: when; those of the wave before have to be made before it.
        watches: what takes the release back.
    """

    releases: Releases
    service: str
    wave: Wave
    watches: Sequence[Watch] = field(default=())

    @property
    def kept_ready(self) -> int | None:
        """How many environments are kept ready, if any."""
        return self.releases.kept_ready(self.service)

    def guard(self, owner: Construct, alias: lambda_.Alias) -> None:
        """Makes the alarms and the deployment group of an alias."""
        alarms = [self._alarm(owner, alias, watch) for watch in self.watches]
        self.releases.group(owner, alias, alarms)
        self.releases.line_up(alias, self.wave)

    def _alarm(self, owner: Construct, alias: lambda_.Alias, watch: Watch) -> cloudwatch.Alarm:
        version = alias.version.version
        subject = Subject(self.service, alias.lambda_.function_name, version, self.releases.objectives)
        return cloudwatch.Alarm(
            owner,
            watch.kind.title().replace("-", ""),
            # The version in the name makes it another alarm for each version: one that is in ALARM because of the
            # version before must not keep the version that mends it from being released.
            alarm_name=f"{Stack.of(owner).stack_name}-{self.service}-{watch.kind}-{version}",
            alarm_description=f"{self.service}: {watch.means}. Runbook: docs/runbooks/{watch.kind}.md",
            metric=watch.figure(subject),
            threshold=watch.threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
