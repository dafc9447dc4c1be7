"""Differences between development, staging and production."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.stage_checks import (
    LONGEST_RECOVERY_DAYS,
    StageSettingError,
    check_concurrency,
    check_principals,
    policy_domains,
    recovery_period,
    shadow_share,
    template_form,
)

ALL_AT_ONCE = "ALL_AT_ONCE"
# Of a quota, in requests a second; the contract's lowest.
SLOWEST = 0.01


@dataclass(frozen=True, slots=True)
class DomainNameSettings:
    """A domain name of one's own for the API.

    Attributes:
        name: such as voice.example.com.
        certificate: ARN of a certificate for the name, in the stage's region.
    """

    name: str
    certificate: str


@dataclass(frozen=True, slots=True)
class PrivateSettings:
    """An API that is reached from a VPC only.

    Attributes:
        vpc_endpoints: ids of interface endpoints for execute-api, with private DNS.
        subnets: ids of subnets from which the synthetic caller reaches them.
        security_groups: ids of its security groups, which let it out to port 443.
    """

    vpc_endpoints: Sequence[str]
    subnets: Sequence[str]
    security_groups: Sequence[str]

    def __post_init__(self) -> None:
        """Checks the ids.

        Raises:
            StageSettingError: one is missing, or of another kind.
        """
        for name, kind in (("vpc_endpoints", "vpce"), ("subnets", "subnet"), ("security_groups", "sg")):
            ids = getattr(self, name)
            if not ids or not all(re.fullmatch(rf"{kind}-[0-9a-f]+", each) for each in ids):
                raise StageSettingError(f"private needs {name}: ids such as {kind}-0a1b2c3d")


@dataclass(frozen=True, slots=True)
class WafSettings:
    """A web ACL in front of the API.

    Attributes:
        requests_per_address: of one address in any 5 minutes; more are answered 429.
    """

    requests_per_address: int

    def __post_init__(self) -> None:
        """Checks the limit.

        Raises:
            StageSettingError: AWS WAF has no such limit.
        """
        # https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-caveats.html
        if not 10 <= self.requests_per_address <= 2_000_000_000:
            raise StageSettingError("waf needs requests_per_address of 10 to 2,000,000,000")


@dataclass(frozen=True, slots=True)
class DomainQuotaSettings:
    """Quota of domains that have none of their own.

    Attributes:
        requests_per_second: requests that begin work on audio, for good.
        burst: the same at once, after a pause.
    """

    requests_per_second: float
    burst: int

    def __post_init__(self) -> None:
        """Checks the quota.

        Raises:
            StageSettingError: nothing would be let through.
        """
        if self.requests_per_second < SLOWEST or self.burst < 1:
            raise StageSettingError(
                f"domain_quota needs requests_per_second of {SLOWEST} or more, and burst of 1 or more"
            )


@dataclass(frozen=True, slots=True)
class MlSettings:
    """Settings of a stage for its models, besides the registry.

    Attributes:
        size: of the trainings that its state machine runs; empty for no state machine.
        instance: type of the machines that stages run on.
        instances: types for single stages.
        volume: of each machine, in GB.
        repository: owner/name on GitHub whose workflow promote.yml releases promoted versions; empty for none.
        secret: name of the secret in Secrets Manager that lets it run workflows: `Bearer TOKEN`.
    """

    size: str = ""
    instance: str = "ml.m5.xlarge"
    instances: Mapping[str, str] = field(default_factory=dict)
    volume: int = 50
    repository: str = ""
    secret: str = ""

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            StageSettingError: they ask for nothing, or for a pipeline that nobody may start.
        """
        if not (self.size or self.repository):
            raise StageSettingError("ml has to have a size, a repository, or both")
        if bool(self.repository) != bool(self.secret):
            raise StageSettingError("ml has to have both repository and secret, or neither")


@dataclass(frozen=True, slots=True)
class DeploymentStage:
    """One named set of operational settings out of cdk.json.

    Attributes:
        name: dev, staging or production.
        qualifier: of the stage's own CDK bootstrap, at most ten letters or digits.
        release: id of the release, which another build of the same revision does not have.
        log_retention: of all log groups.
        requests_per_second: the API's rate limit.
        burst: the API's burst limit.
        protected: whether tables have deletion protection.
        shards: of the audio stream; each takes 1 MB a second.
        stream_version: of the events in which chunks are sent; 1 while consumers of the first release may read them.
        template_form: in which voiceprints and evidence are written: `protected`, or `plain` while functions of a
            release that reads no other may run. `plain` unless set.
        traffic: CDK's name of the CodeDeploy configuration that shifts traffic to a new version.
        provisioned: provisioned concurrency by function; empty while traffic is shifted in parts.
        multi_region_key: whether the data key can get replicas in other regions. True unless set; never changed after
            the first deployment, which CloudFormation would refuse.
        recovery_days: how far back tables can be restored, 1 to 35; 35 unless set. What is deleted stays in the backups
            for as long.
        custom_domain: domain name of the API besides its own; none unless set.
        reserved: reserved concurrency by function, which no other function can use and which it cannot exceed; empty in
            an account whose limit would leave fewer than 100 unreserved.
        ml: training in AWS, and the start of promotions; None unless set.
        shadow_share: share of authentications that are offered to the challenger, 0 to 1; none unless set.
        principals: by role, who has it in the stage and in every domain; None binds nobody: whoever IAM admits uses the
            routes of the stage and creates domains.
        domain_quota: of each domain without one of its own; None lets them use what the API lets through.
        private: the VPC from which alone the API is reached; None for an API on the internet.
        waf: the web ACL in front of the API; None for none.
        ledger: whether decisions are archived. True unless set.
        policies: domains for whose roles the stack has managed policies; none unless set.
    """

    name: str
    qualifier: str
    release: str
    log_retention: logs.RetentionDays
    requests_per_second: int
    burst: int
    protected: bool
    shards: int
    stream_version: int
    template_form: str
    traffic: str
    provisioned: Mapping[str, int]
    multi_region_key: bool
    recovery_days: int
    custom_domain: DomainNameSettings | None
    reserved: Mapping[str, int]
    shadow_share: float
    ml: MlSettings | None = None
    principals: Mapping[str, Sequence[str]] | None = None
    policies: Sequence[str] = ()
    domain_quota: DomainQuotaSettings | None = None
    private: PrivateSettings | None = None
    waf: WafSettings | None = None
    ledger: bool = True

    def __post_init__(self) -> None:
        """Checks settings against each other.

        Raises:
            StageSettingError: the domain name would be that of an API on the internet.
        """
        if self.private and self.custom_domain:
            raise StageSettingError("custom_domain is for an API on the internet; leave it out with private")

    @classmethod
    def of(cls, scope: Construct) -> Self:
        """Reads the stage that the context names."""
        name: str = scope.node.get_context("stage")
        stages: dict[str, dict[str, Any]] = scope.node.get_context("stages")
        if name not in stages:
            raise ValueError(f"no stage {name!r} in cdk.json; there are {', '.join(stages)}")
        settings = stages[name]
        check_concurrency(settings["provisioned"], settings["reserved"])
        return cls(
            name=name,
            qualifier=str(settings["qualifier"]),
            release=str(scope.node.get_context("release")),
            log_retention=logs.RetentionDays[settings["log_retention"]],
            requests_per_second=int(settings["requests_per_second"]),
            burst=int(settings["burst"]),
            protected=bool(settings["protected"]),
            shards=int(settings["shards"]),
            stream_version=int(settings["stream_version"]),
            template_form=template_form(settings.get("template_form", "plain")),
            traffic=str(settings["traffic"]),
            provisioned=dict(settings["provisioned"]),
            multi_region_key=bool(settings.get("multi_region_key", True)),
            recovery_days=recovery_period(settings.get("recovery_days", LONGEST_RECOVERY_DAYS)),
            custom_domain=DomainNameSettings(**settings["custom_domain"]) if "custom_domain" in settings else None,
            reserved=dict(settings["reserved"]),
            ml=MlSettings(**settings["ml"]) if "ml" in settings else None,
            shadow_share=shadow_share(settings.get("shadow_share", 0.0)),
            principals=check_principals(settings["principals"]) if "principals" in settings else None,
            policies=policy_domains(settings.get("policies", ())),
            domain_quota=DomainQuotaSettings(**settings["domain_quota"]) if "domain_quota" in settings else None,
            private=PrivateSettings(**settings["private"]) if "private" in settings else None,
            waf=WafSettings(**settings["waf"]) if "waf" in settings else None,
            ledger=bool(settings.get("ledger", True)),
        )
