"""Differences between development, staging and production."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws_cdk import aws_logs as logs
from constructs import Construct

ALL_AT_ONCE = "ALL_AT_ONCE"


@dataclass(frozen=True, slots=True)
class DeploymentStage:
    """One named set of operational settings out of cdk.json.

    Attributes:
        name: dev, staging or production.
        log_retention: of all log groups.
        requests_per_second: the API's rate limit.
        burst: the API's burst limit.
        protected: whether tables have deletion protection.
        shards: of the audio stream; each takes 1 MB a second.
        traffic: CDK's name of the CodeDeploy configuration that shifts traffic to a new version.
        provisioned: provisioned concurrency by function; empty while traffic is shifted in parts.
        reserved: reserved concurrency by function, which no other function can use and which it cannot exceed; empty in
            an account whose limit would leave fewer than 100 unreserved.
    """

    name: str
    log_retention: logs.RetentionDays
    requests_per_second: int
    burst: int
    protected: bool
    shards: int
    traffic: str
    provisioned: Mapping[str, int]
    reserved: Mapping[str, int]

    @classmethod
    def of(cls, scope: Construct) -> Self:
        """Reads the stage that the context names."""
        name: str = scope.node.get_context("stage")
        stages: dict[str, dict[str, Any]] = scope.node.get_context("stages")
        if name not in stages:
            raise ValueError(f"no stage {name!r} in cdk.json; there are {', '.join(stages)}")
        settings = stages[name]
        return cls(
            name=name,
            log_retention=logs.RetentionDays[settings["log_retention"]],
            requests_per_second=int(settings["requests_per_second"]),
            burst=int(settings["burst"]),
            protected=bool(settings["protected"]),
            shards=int(settings["shards"]),
            traffic=str(settings["traffic"]),
            provisioned=dict(settings["provisioned"]),
            reserved=dict(settings["reserved"]),
        )
