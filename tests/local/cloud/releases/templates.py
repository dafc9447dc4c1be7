"""Templates of a small service, as CDK writes them: two functions that answer, one that probes them."""

from pathlib import Path
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.releases.published import PublishedVersions

READER, DOOR, PROBE = "ReadFunction00000001", "DoorFunction00000002", "ProbeFunction00000003"
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
ROLLBACK = {"Enabled": True, "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]}


def template(read: str = "a", door: str = "a", config: str = CANARY, **group: Any) -> StackTemplate:
    """The service with these contents of its functions."""
    number = {"Fn::GetAtt": [f"DoorVersion{door}", "Version"]}
    resources = {
        PROBE: resource("Lambda::Function"),
        **function(READER, "Read", read, config, group),
        **function(DOOR, "Door", door, config, group),
        "Failing": alarm("Failures", {"Name": "service", "Value": "door"}, 5),
        "NewFailing": alarm(
            "Failures", {"Name": "version", "Value": number}, 0, {"Fn::Join": ["-", ["door-failing", number]]}
        ),
        "Worst": resource(
            "CloudWatch::CompositeAlarm",
            AlarmRule={"Fn::Join": ["", ['ALARM("', {"Fn::GetAtt": ["Failing", "Arn"]}, '") AND ALARM(NewFailing)']]},
        ),
    }
    resources["DoorAlias"]["DependsOn"] = ["ReadAlias"]
    return StackTemplate(Path(), "Service", {"Resources": resources}, {})


def update(old: StackTemplate, new: StackTemplate) -> tuple[StackTemplate, StackTemplate]:
    """Both templates with the numbers of their versions, the old one as the first deployment."""
    published = PublishedVersions()
    deployed = published.deploy(None, old)
    return deployed, published.deploy(deployed, new)


def function(name: str, prefix: str, content: str, config: str, group: dict[str, Any]) -> dict[str, Any]:
    version = f"{prefix}Version{content}"
    policy = {
        "ApplicationName": {"Ref": "Application"},
        "DeploymentGroupName": {"Ref": f"{prefix}Group"},
        "BeforeAllowTrafficHook": {"Ref": PROBE},
        "AfterAllowTrafficHook": {"Ref": PROBE},
    }
    settings = {
        "AlarmConfiguration": {
            "Enabled": True,
            "Alarms": [{"Name": {"Ref": "Failing"}}, {"Name": {"Ref": "NewFailing"}}],
        },
        "AutoRollbackConfiguration": ROLLBACK,
        "DeploymentConfigName": config,
    }
    alias = resource(
        "Lambda::Alias", FunctionName={"Ref": name}, FunctionVersion={"Fn::GetAtt": [version, "Version"]}, Name="live"
    )
    return {
        name: resource("Lambda::Function", Description=content),
        version: resource("Lambda::Version", FunctionName={"Ref": name}) | {"DeletionPolicy": "RetainExceptOnCreate"},
        f"{prefix}Alias": alias | {"UpdatePolicy": {"CodeDeployLambdaAliasUpdate": policy}},
        f"{prefix}Group": resource("CodeDeploy::DeploymentGroup", **(settings | group)),
    }


def alarm(metric: str, dimension: dict[str, Any], threshold: float, name: Any = "Failing") -> dict[str, Any]:
    return resource(
        "CloudWatch::Alarm",
        AlarmName=name,
        Namespace="Bonafide",
        MetricName=metric,
        Dimensions=[dimension],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}
