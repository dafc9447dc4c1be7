"""The one place where a function, its role, its log group, its alias and the guard of its releases are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.release import Release


@dataclass(frozen=True, slots=True)
class Size:
    """What one execution environment gets.

    Attributes:
        memory: MB; processor time grows with it, and 1769 MB is one full core.
        timeout: seconds.
    """

    memory: int
    timeout: int


# As patient as the API: a store that stays silent is given up after three attempts of 3 s, more than once if need be.
SMALL = Size(memory=512, timeout=29)
ONE_CORE = Size(memory=1769, timeout=29)
# Nobody waits for a probe, which itself waits for versions that start with its calls.
PATIENT = Size(memory=512, timeout=120)


@dataclass(frozen=True, slots=True)
class Program:
    """What a function runs, in what, and with how much."""

    code: lambda_.Code
    layers: Sequence[lambda_.ILayerVersion]
    environment: Mapping[str, str]
    size: Size


class Function(Construct):
    """One deployed function.

    Attributes:
        role: belongs to this function alone; what it may do is granted to it by the stack.
        latest: the function itself, of which every release makes a version.
    """

    def __init__(self, scope: Construct, id_: str, program: Program, log_retention: logs.RetentionDays) -> None:
        super().__init__(scope, id_)
        log_group = logs.LogGroup(self, "Logs", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        self.latest = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=lambda_.Architecture.X86_64,
            handler="handler.lambda_handler",
            code=program.code,
            layers=list(program.layers),
            environment=dict(program.environment),
            memory_size=program.size.memory,
            timeout=Duration.seconds(program.size.timeout),
            role=self.role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )


class Released(Function):
    """A function that is only ever called through its alias `live`, whose releases are watched.

    Attributes:
        alias: what callers integrate with, so that a release can shift traffic and roll back.
    """

    def __init__(
        self, scope: Construct, id_: str, program: Program, log_retention: logs.RetentionDays, release: Release
    ) -> None:
        super().__init__(scope, id_, program, log_retention)
        version = self.latest.current_version
        self.alias = lambda_.Alias(
            self, "Alias", alias_name="live", version=version, provisioned_concurrent_executions=release.kept_ready
        )
        release.guard(self, self.alias)
