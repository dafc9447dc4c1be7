"""One Lambda function with its own role and log group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct


@dataclass(frozen=True, slots=True)
class Size:
    """Resources of one execution environment.

    Attributes:
        memory: MB; processor time grows with it, and 1769 MB is one full core.
        timeout: seconds.
    """

    memory: int
    timeout: int


# The API's timeout: a store that does not answer is given up after three attempts of 3 s, more than once if need be.
SMALL = Size(memory=512, timeout=29)
ONE_CORE = Size(memory=1769, timeout=29)
# No client waits for a probe, and a probe waits for cold starts of the versions that it calls.
PROBE = Size(memory=512, timeout=120)
# It reads a day of decisions of each domain, page by page.
WATCH = Size(memory=512, timeout=300)
# It works for 20 s of its minute, and may have to load a model before. One core, as the functions that it stands for.
SHADOW = Size(memory=1769, timeout=58)
# They read a day of decisions, page by page; a batch of the stream takes seconds.
ARCHIVE = Size(memory=512, timeout=300)
# It reads every archived decision of a day once.
SEAL = Size(memory=1769, timeout=900)
# Golden calls to a new version, whose first ones are slow, and a minute in reserve to report.
HOOK = Size(memory=512, timeout=240)

# Versions of earlier releases stay, so that an alias can be pointed at them. One that was made by an update that is
# rolled back is deleted: the same release, deployed again, could not publish it a second time.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
RELEASED_VERSION = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


@dataclass(frozen=True, slots=True)
class FunctionProps:
    """Definition of one function.

    Attributes:
        service: folder below functions/; metrics and logs name the function by it.
        code: content of that folder.
        layers: in the order in which they are unpacked.
        environment: variables that do not come with access to a store.
        size: memory and timeout.
        log_retention: of its log group.
        description: names the release. Lambda publishes no version of a function that has not changed since the last
            one, and CloudFormation then fails; with the release, each release changes every function.
            https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
        reserved: concurrency that belongs to this function alone, and that it cannot exceed; None for no reservation.
    """

    service: str
    code: lambda_.Code
    layers: Sequence[lambda_.ILayerVersion]
    environment: Mapping[str, str]
    size: Size
    log_retention: logs.RetentionDays
    description: str
    reserved: int | None = None

    @property
    def id(self) -> str:
        """Construct id: `ManageDomains` for `manage_domains`."""
        return self.service.title().replace("_", "")


class ServiceFunction(Construct):
    """One deployed function.

    Attributes:
        service: its folder below functions/.
        role: belongs to this function alone.
        latest: the function itself; each release publishes a version of it.
    """

    def __init__(self, scope: Construct, props: FunctionProps) -> None:
        super().__init__(scope, props.id)
        self.service = props.service
        log_group = logs.LogGroup(self, "Logs", retention=props.log_retention, removal_policy=RemovalPolicy.DESTROY)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        self.latest = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=lambda_.Architecture.X86_64,
            handler="handler.lambda_handler",
            code=props.code,
            layers=list(props.layers),
            environment=dict(props.environment),
            memory_size=props.size.memory,
            timeout=Duration.seconds(props.size.timeout),
            reserved_concurrent_executions=props.reserved,
            role=self.role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            description=props.description,
            current_version_options=lambda_.VersionOptions(removal_policy=RELEASED_VERSION),
        )

    def allow(self, resource: str, *actions: str, conditions: Mapping[str, Any] | None = None) -> None:
        """Adds a statement to the function's role."""
        statement = iam.PolicyStatement(actions=list(actions), resources=[resource], conditions=conditions)
        self.role.add_to_principal_policy(statement)

    def allow_key(self, key: kms.IKey, service: str, *actions: str) -> None:
        """Allows actions with a key, for requests of this function that the service carries out, and for no others."""
        self.allow_key_for(key, {"kms:ViaService": f"{service}.{Stack.of(self).region}.amazonaws.com"}, *actions)

    def allow_key_for(self, key: kms.IKey, conditions: Mapping[str, str], *actions: str) -> None:
        """Allows actions with a key in requests of which each condition's key has its value."""
        statement = iam.PolicyStatement(
            actions=[f"kms:{action}" for action in actions],
            resources=[key.key_arn],
            conditions={"StringEquals": dict(conditions)},
        )
        self.role.add_to_principal_policy(statement)

    def deny(self, resource: str, conditions: Mapping[str, Any], *actions: str) -> None:
        """Adds a statement to the function's role that no other statement overrides."""
        self.role.add_to_principal_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY, actions=list(actions), resources=[resource], conditions=dict(conditions)
            )
        )

    def set(self, variable: str, value: str) -> None:
        """Sets an environment variable."""
        self.latest.add_environment(variable, value)
