"""Safeguards of a release, as checks on templates: each check yields the faults that it finds."""

import json
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

type Template = dict[str, Any]

ANSWERING = {"failed-answers", "late-answers"}
DECIDING = {"decision-mix", "score-drift"}
RELEASE_ALARMS: Mapping[str, set[str]] = {
    "authenticate_caller": ANSWERING | DECIDING,
    "close_sessions": {"function-errors"} | DECIDING,
    "describe_service": ANSWERING,
    "enroll_speaker": ANSWERING,
    "ingest_audio": ANSWERING,
    "manage_domains": ANSWERING,
    "manage_models": ANSWERING,
    "manage_policies": ANSWERING,
    "manage_sessions": ANSWERING | DECIDING,
    "manage_speakers": ANSWERING,
    "manage_watchlists": ANSWERING,
    "read_decisions": ANSWERING,
    "report_outcomes": ANSWERING,
    "score_audio": {"function-errors", "set-aside-audio", "late-evidence"} | DECIDING,
}
# Waves of releases: functions that read come before those that write what they read, entry points last.
ORDER = (
    {"authenticate_caller", "close_sessions", "manage_sessions", "manage_speakers", "read_decisions"},
    {
        "enroll_speaker",
        "manage_domains",
        "manage_models",
        "manage_policies",
        "manage_watchlists",
        "report_outcomes",
        "score_audio",
    },
    {"describe_service", "ingest_audio"},
)
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
ROLLBACK = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
# All others are deleted with their stack. Versions are deleted with their function; API Gateway's role for logs belongs
# to the account, and other APIs may use it.
RETAINED = {
    "AWS::ApiGateway::Account",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Version",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
}
STATEFUL = {"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}


def of(template: Template, kind: str) -> dict[str, Any]:
    return {id_: each for id_, each in template["Resources"].items() if each["Type"] == f"AWS::{kind}"}


def service(template: Template, function: str) -> str:
    """Returns the folder of a function."""
    variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return str(variables["POWERTOOLS_SERVICE_NAME"])


def aliases(template: Template) -> dict[str, tuple[str, Any]]:
    """Returns logical id and alias by the function's folder."""
    found = of(template, "Lambda::Alias").items()
    return {service(template, each["Properties"]["FunctionName"]["Ref"]): (id_, each) for id_, each in found}


def policy(alias: Any) -> dict[str, Any]:
    return dict(alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}))


def group(template: Template, alias: Any) -> dict[str, Any]:
    reference = policy(alias).get("DeploymentGroupName", {"Ref": ""})["Ref"]
    return dict(template["Resources"].get(reference, {}).get("Properties", {}))


def configuration(template: Template, alias: Any) -> str:
    """Returns how traffic is shifted unless a deployment says otherwise."""
    name = group(template, alias).get("DeploymentConfigName")
    return str(template["Parameters"][name["Ref"]]["Default"] if isinstance(name, dict) else name)


def every_function_is_released_by_codedeploy(template: Template) -> Iterator[str]:
    for function in set(RELEASE_ALARMS) ^ set(aliases(template)):
        yield f"{function} is not a released function"
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
        if configuration(template, alias) != CANARY:
            yield f"{function} gets all its traffic at once"


def releases_roll_back_automatically(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        settings = group(template, alias)
        rollback, alarms = settings["AutoRollbackConfiguration"], settings["AlarmConfiguration"]
        if not rollback["Enabled"] or not set(rollback["Events"]) >= ROLLBACK:
            yield f"{function} keeps a version that failed"
        if not alarms["Enabled"] or alarms.get("IgnorePollAlarmFailure"):
            yield f"{function} is released without its alarms"


def alarms_of(template: Template, alias: Any) -> list[dict[str, Any]]:
    written = group(template, alias)["AlarmConfiguration"]["Alarms"]
    return [template["Resources"][each["Name"]["Ref"]]["Properties"] for each in written]


def every_release_has_its_alarms(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        kinds = {each["AlarmDescription"].rpartition("/")[2].removesuffix(".md") for each in alarms_of(template, alias)}
        if kinds != RELEASE_ALARMS[function]:
            yield f"{function} has the alarms {kinds}"


def alarms_are_about_the_new_version(template: Template) -> Iterator[str]:
    for function, (_, alias) in aliases(template).items():
        version = json.dumps(alias["Properties"]["FunctionVersion"])
        for alarm in alarms_of(template, alias):
            if version not in json.dumps(alarm.get("Metrics") or alarm["Dimensions"]):
                yield f"{alarm['AlarmDescription']} is not about the version that {function} gets"
            # Another name is another alarm: an ALARM because of the version before does not block a release.
            if version not in json.dumps(alarm["AlarmName"]):
                yield f"{alarm['AlarmDescription']} keeps its state from one version to the next"


def low_traffic_neither_raises_nor_hides_an_alarm(template: Template) -> Iterator[str]:
    for _, alias in aliases(template).values():
        for alarm in alarms_of(template, alias):
            if alarm["TreatMissingData"] != "notBreaching" or not _needs_several_events(alarm):
                yield f"{alarm['AlarmDescription']} judges too few events"


def _needs_several_events(alarm: dict[str, Any]) -> bool:
    """Whether one bad event is too few: by a count in the expression, or by several minutes that have to breach."""
    texts = [each["Expression"] for each in alarm.get("Metrics", ()) if "Expression" in each]
    return any(text.startswith("IF(") and ">=" in text for text in texts) or alarm.get("DatapointsToAlarm", 1) >= 3


def releases_that_fail_make_a_ticket(template: Template) -> Iterator[str]:
    rules = [each["Properties"] for each in of(template, "Events::Rule").values()]
    watched = [each for each in rules if each.get("EventPattern", {}).get("source") == ["aws.codedeploy"]]
    if not any("Tickets" in json.dumps(target["Arn"]) for each in watched for target in each.get("Targets", ())):
        yield "nobody is told of a deployment that failed"
    if not all(each["EventPattern"]["detail"]["state"] == ["FAILURE", "STOP"] for each in watched):
        yield "some deployments that failed are not told of"


def release_alarms_notify_nobody(template: Template) -> Iterator[str]:
    """One deployment has many alarms, which last after it: tickets come from the deployment."""
    for _, alias in aliases(template).values():
        for alarm in alarms_of(template, alias):
            if alarm.get("AlarmActions"):
                yield f"{alarm['AlarmDescription']} notifies of what the deployment tells"


def readers_come_before_writers_and_entry_points_last(template: Template) -> Iterator[str]:
    found = aliases(template)
    for earlier, later in pairwise(ORDER):
        ids = {found[function][0] for function in earlier}
        for function in later:
            if not ids <= set(found[function][1].get("DependsOn", [])):
                yield f"{function} may be updated before {earlier}"


def a_version_that_is_rolled_back_can_be_published_again(template: Template) -> Iterator[str]:
    for id_, each in of(template, "Lambda::Version").items():
        if each["DeletionPolicy"] != "RetainExceptOnCreate":
            yield f"{id_} is in the way of the release that is deployed again"
        function = template["Resources"][each["Properties"]["FunctionName"]["Ref"]]
        if template["Outputs"]["Release"]["Value"] not in function["Properties"].get("Description", ""):
            yield f"{id_} may be equal to the version of another release"


def nothing_waits_for_itself(template: Template) -> Iterator[str]:
    """References count wherever they stand, also in update policies."""
    graph = {id_: _references(each) & set(template["Resources"]) for id_, each in template["Resources"].items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"{error.args[1]} wait for each other"


def _references(value: Any) -> set[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return set(re.findall(r"\$\{(\w+)", text))
        case dict():
            needed = value.get("DependsOn", [])
            named = {needed} if isinstance(needed, str) else {each for each in needed if isinstance(each, str)}
            return named.union(*map(_references, value.values()))
        case list():
            return set().union(*map(_references, value))
    return set()


def deletion_retains_state_and_nothing_else(template: Template) -> Iterator[str]:
    for id_, each in template["Resources"].items():
        retained = each.get("DeletionPolicy", "").startswith("Retain")
        if each["Type"] in STATEFUL and not (retained and each.get("UpdateReplacePolicy") == "Retain"):
            yield f"{id_} is deleted, with its content"
        if retained and each["Type"] not in RETAINED:
            yield f"{id_} is retained"


def alarms_reach_somebody(template: Template) -> Iterator[str]:
    """Every burning budget, every cause and a silent probe page or make a ticket; topics take it."""
    for id_, each in of(template, "SNS::Topic").items():
        if "KmsMasterKeyId" not in each["Properties"]:
            yield f"{id_} is not encrypted"
        if not any(_lets_alarms_publish(policy, id_) for policy in of(template, "SNS::TopicPolicy").values()):
            yield f"{id_} takes no notifications of alarms"
    kinds = {**of(template, "CloudWatch::CompositeAlarm"), **silent_probe(template)}
    for id_, each in kinds.items():
        if not each["Properties"].get("AlarmActions") and not _keeps_quiet(each["Properties"]):
            yield f"{id_} notifies nobody"


QUIET = ("-known-cause", "-known-cause-or-earlier-page", "-callers-affected")


def _keeps_quiet(properties: dict[str, Any]) -> bool:
    """Whether other alarms rest on this one, which sends no page itself."""
    return str(properties["AlarmName"]).rstrip("-123").endswith(QUIET)


def a_cause_pages_once(template: Template) -> Iterator[str]:
    """Composite alarms that act are suppressed, and say nothing when they end: all but the first cause."""
    for id_, each in of(template, "CloudWatch::CompositeAlarm").items():
        properties = each["Properties"]
        acts = properties.get("AlarmActions") and not properties["AlarmName"].endswith("-dependency-fails")
        if acts and "ActionsSuppressor" not in properties:
            yield f"{id_} pages for what has paged already"
        if properties.get("AlarmActions") and properties.get("OKActions"):
            yield f"{id_} gives an all-clear for a page that it did not send"


def the_end_of_all_pages_is_told(template: Template) -> Iterator[str]:
    ended = [
        each for each in of(template, "CloudWatch::CompositeAlarm").values() if each["Properties"].get("OKActions")
    ]
    if [each["Properties"]["AlarmName"].rpartition("Bonafide-")[2].partition("-")[2] for each in ended] != [
        "callers-affected"
    ]:
        yield f"{len(ended)} alarms give an all-clear"


def _lets_alarms_publish(policy: dict[str, Any], topic: str) -> bool:
    """Whether CloudWatch, for alarms of this account only, may publish to a topic."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Action"] == "sns:Publish"
        and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and statement["Resource"] == {"Ref": topic}
        and statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        and ":alarm:*" in json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def silent_probe(template: Template) -> dict[str, Any]:
    every = of(template, "CloudWatch::Alarm").items()
    return {id_: each for id_, each in every if "silent-probe" in each["Properties"]["AlarmDescription"]}


def a_silent_probe_raises_an_alarm(template: Template) -> Iterator[str]:
    alarms = silent_probe(template).values()
    if [each["Properties"]["TreatMissingData"] for each in alarms] != ["breaching"]:
        yield "no alarm says that the synthetic caller makes no calls"


def burn_rates_have_two_windows(template: Template) -> Iterator[str]:
    for id_, each in of(template, "CloudWatch::CompositeAlarm").items():
        rule = json.dumps(each["Properties"]["AlarmRule"])
        windows = rule.count("ALARM(")
        if "-burns-" in each["Properties"]["AlarmName"] and not 0 < windows == 2 * rule.count(" AND "):
            yield f"{id_} is not made of two windows for each rate: {rule}"


def every_alarm_leads_to_a_runbook(template: Template) -> Iterator[str]:
    for id_, each in {**of(template, "CloudWatch::Alarm"), **of(template, "CloudWatch::CompositeAlarm")}.items():
        if "docs/runbooks/" not in each["Properties"].get("AlarmDescription", ""):
            yield f"{id_} names no runbook"


def versions(template: Template) -> dict[str, str]:
    """Returns the logical id of each function's version by folder; another one is a release."""
    found = of(template, "Lambda::Version").items()
    return {service(template, each["Properties"]["FunctionName"]["Ref"]): id_ for id_, each in found}


def functions_that_a_change_does_not_release(before: Template, after: Template) -> Iterator[str]:
    old, new = versions(before), versions(after)
    for function in RELEASE_ALARMS:
        if old[function] == new[function]:
            yield f"{function} is not released"
