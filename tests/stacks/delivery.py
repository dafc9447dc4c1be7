"""What has to hold of templates so that a bad version does not reach everybody: each check yields what is wrong."""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

type Template = dict[str, Any]

ANSWERING = {"function-errors", "failed-answers", "late-answers"}
DECIDING = {"decision-mix", "score-drift"}
WATCHED: Mapping[str, set[str]] = {
    "authenticate_caller": ANSWERING | DECIDING,
    "close_sessions": {"function-errors"} | DECIDING,
    "describe_service": ANSWERING,
    "enroll_speaker": ANSWERING,
    "ingest_audio": ANSWERING,
    "manage_domains": ANSWERING,
    "manage_sessions": ANSWERING | DECIDING,
    "manage_speakers": ANSWERING,
    "score_audio": {"function-errors", "set-aside-audio", "late-evidence"} | DECIDING,
}
# Who is released after whom: those who read before those who write what they read, the doors last.
ORDER = (
    {"authenticate_caller", "close_sessions", "manage_sessions", "manage_speakers"},
    {"enroll_speaker", "manage_domains", "score_audio"},
    {"describe_service", "ingest_audio"},
)
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
ROLLBACK = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
# Everything else goes when its stack is deleted. Versions go with their function; API Gateway's role for logs is the
# account's, and other APIs may use it.
KEPT = {
    "AWS::ApiGateway::Account",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Lambda::Version",
    "AWS::S3::Bucket",
}
STATEFUL = {"AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::S3::Bucket"}


def of(template: Template, kind: str) -> dict[str, Any]:
    return {id_: each for id_, each in template["Resources"].items() if each["Type"] == f"AWS::{kind}"}


def service(template: Template, function: str) -> str:
    """The folder of a function."""
    variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return str(variables["POWERTOOLS_SERVICE_NAME"])


def aliases(template: Template) -> dict[str, tuple[str, Any]]:
    """Logical id and alias by the function's folder."""
    found = of(template, "Lambda::Alias").items()
    return {service(template, each["Properties"]["FunctionName"]["Ref"]): (id_, each) for id_, each in found}


def policy(alias: Any) -> dict[str, Any]:
    return dict(alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}))


def group(template: Template, alias: Any) -> dict[str, Any]:
    reference = policy(alias).get("DeploymentGroupName", {"Ref": ""})["Ref"]
    return dict(template["Resources"].get(reference, {}).get("Properties", {}))


def every_function_is_released_by_codedeploy(template: Template) -> Iterator[str]:
    for function in set(WATCHED) ^ set(aliases(template)):
        yield f"{function} is not one of those that are released"
    for function, (_, alias) in aliases(template).items():
        if not group(template, alias):
            yield f"{function} is updated without a deployment"


def every_release_is_probed(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        for moment in ("BeforeAllowTrafficHook", "AfterAllowTrafficHook"):
            hook = policy(alias).get(moment, {"Ref": ""})["Ref"]
            if hook not in template["Resources"] or service(template, hook) != "probe_release":
                yield f"{function} has no golden calls at {moment}"


def traffic_is_shifted_in_parts(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        if group(template, alias).get("DeploymentConfigName") != CANARY:
            yield f"{function} gets all its traffic at once"


def releases_go_back_by_themselves(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        settings = group(template, alias)
        rollback, alarms = settings["AutoRollbackConfiguration"], settings["AlarmConfiguration"]
        if not rollback["Enabled"] or not set(rollback["Events"]) >= ROLLBACK:
            yield f"{function} stays at a version that failed"
        if not alarms["Enabled"] or alarms.get("IgnorePollAlarmFailure"):
            yield f"{function} goes on without its alarms"


def alarms_of(template: Template, alias: Any) -> list[dict[str, Any]]:
    written = group(template, alias)["AlarmConfiguration"]["Alarms"]
    return [template["Resources"][each["Name"]["Ref"]]["Properties"] for each in written]


def every_release_is_watched(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        kinds = {each["AlarmDescription"].rpartition("/")[2].removesuffix(".md") for each in alarms_of(template, alias)}
        if kinds != WATCHED[function]:
            yield f"{function} is watched for {kinds}"


def alarms_are_about_the_new_version(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        version = json.dumps(alias["Properties"]["FunctionVersion"])
        for alarm in alarms_of(template, alias):
            if version not in json.dumps(alarm["Metrics"]):
                yield f"{alarm['AlarmDescription']} is not about the version that {function} gets"
            # Another name is another alarm: one that is in ALARM because of the version before blocks nothing.
            if version not in json.dumps(alarm["AlarmName"]):
                yield f"{alarm['AlarmDescription']} keeps its state from one version to the next"


def a_quiet_night_neither_fakes_nor_hides_a_fault(template: Template) -> Iterator[str]:
    for _, alias in aliases(template).values():
        for alarm in alarms_of(template, alias):
            (figure,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
            if alarm["TreatMissingData"] != "notBreaching" or not (figure.startswith("IF(") and ">=" in figure):
                yield f"{alarm['AlarmDescription']} says something about nothing"


def readers_come_before_writers_and_doors_last(template: Template) -> Iterator[str]:
    found = aliases(template)
    for earlier, later in pairwise(ORDER):
        ids = {found[function][0] for function in earlier}
        for function in later:
            if not ids <= set(found[function][1].get("DependsOn", [])):
                yield f"{function} may be updated before {earlier}"


def deleting_leaves_what_is_meant_to_stay(template: Template) -> Iterator[str]:
    for id_, each in template["Resources"].items():
        retained = each.get("DeletionPolicy") == "Retain"
        if each["Type"] in STATEFUL and not (retained and each.get("UpdateReplacePolicy") == "Retain"):
            yield f"{id_} goes, with what it holds"
        if retained and each["Type"] not in KEPT:
            yield f"{id_} stays"


def somebody_is_called(template: Template) -> Iterator[str]:
    for id_, each in {**of(template, "CloudWatch::CompositeAlarm"), **silence(template)}.items():
        if not each["Properties"].get("AlarmActions"):
            yield f"{id_} calls nobody"
    for id_, each in of(template, "SNS::Topic").items():
        if "KmsMasterKeyId" not in each["Properties"]:
            yield f"{id_} is not encrypted"


def silence(template: Template) -> dict[str, Any]:
    every = of(template, "CloudWatch::Alarm").items()
    return {id_: each for id_, each in every if "silent-probe" in each["Properties"]["AlarmDescription"]}


def a_silent_caller_is_noticed(template: Template) -> Iterator[str]:
    alarms = silence(template).values()
    if [each["Properties"]["TreatMissingData"] for each in alarms] != ["breaching"]:
        yield "nobody notices that the synthetic caller does not call"


def budgets_are_watched_over_two_windows(template: Template) -> Iterator[str]:
    for id_, each in of(template, "CloudWatch::CompositeAlarm").items():
        windows = json.dumps(each["Properties"]["AlarmRule"]).count("ALARM(")
        if windows != 2 or " AND " not in json.dumps(each["Properties"]["AlarmRule"]):
            yield f"{id_} looks at {windows} windows"


def every_alarm_leads_to_a_runbook(template: Template) -> Iterator[str]:
    for id_, each in {**of(template, "CloudWatch::Alarm"), **of(template, "CloudWatch::CompositeAlarm")}.items():
        if "docs/runbooks/" not in each["Properties"].get("AlarmDescription", ""):
            yield f"{id_} does not say what to do"


def versions(template: Template) -> dict[str, str]:
    """Logical id of each function's version, which is what makes a release, by folder."""
    found = of(template, "Lambda::Version").items()
    return {service(template, each["Properties"]["FunctionName"]["Ref"]): id_ for id_, each in found}


def functions_that_a_change_does_not_release(before: Template, after: Template) -> Iterator[str]:
    old, new = versions(before), versions(after)
    for function in WATCHED:
        if old[function] == new[function]:
            yield f"{function} is not released"
