"""Safeguards of a release: present in the product, and reported when one is taken away."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.synthesis import ROOT
from tests.stacks import delivery
from tests.stacks.delivery import CANARY, Template, aliases, configuration, group, of, policy
from tests.stacks.test_permissions import actions

type Check = Callable[[Template], Iterator[str]]
type Mutation = Callable[[Template], Any]

SERVICE, MONITORING, DATA = "Service", "Monitoring", "Data"
VICTIM = "authenticate_caller"
RESERVED = "ReservedConcurrentExecutions"


def read(folder: Path, stack: str) -> Template:
    content: Template = json.loads((folder / f"Bonafide-production-{stack}.template.json").read_text())
    return content


def victim(template: Template) -> Any:
    return aliases(template)[VICTIM][1]


def update(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = victim(template)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    return found


def settings(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][policy(victim(template))["DeploymentGroupName"]["Ref"]]["Properties"]
    return found


def alarm(template: Template) -> dict[str, Any]:
    return delivery.alarms_of(template, victim(template))[0]


def first(template: Template, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(of(template, kind).values()))
    return found


def _drop_version(template: Template) -> None:
    for each in alarm(template)["Metrics"]:
        each.get("MetricStat", {}).get("Metric", {}).pop("Dimensions", None)


def composite(template: Template, name: str) -> dict[str, Any]:
    every = (each["Properties"] for each in of(template, "CloudWatch::CompositeAlarm").values())
    return next(each for each in every if each["AlarmName"].endswith(name))


def _short_window_only(template: Template) -> None:
    rule = composite(template, "failed-answers-burns-fast")
    rule["AlarmRule"] = {"Fn::Join": ["", ['ALARM("', {"Ref": "Short"}, '")']]}


MUTATIONS: dict[str, tuple[str, Check, Mutation]] = {
    "an alarm is taken out of the group": (
        SERVICE,
        delivery.every_release_has_its_alarms,
        lambda template: settings(template)["AlarmConfiguration"]["Alarms"].pop(),
    ),
    "the group ignores its alarms": (
        SERVICE,
        delivery.releases_roll_back_automatically,
        lambda template: settings(template)["AlarmConfiguration"].update(Enabled=False),
    ),
    "the group proceeds without knowing its alarms": (
        SERVICE,
        delivery.releases_roll_back_automatically,
        lambda template: settings(template)["AlarmConfiguration"].update(IgnorePollAlarmFailure=True),
    ),
    "an alarm does not roll back": (
        SERVICE,
        delivery.releases_roll_back_automatically,
        lambda template: settings(template)["AutoRollbackConfiguration"]["Events"].remove("DEPLOYMENT_STOP_ON_ALARM"),
    ),
    "the hook before traffic is dropped": (
        SERVICE,
        delivery.every_release_is_probed,
        lambda template: update(template).pop("BeforeAllowTrafficHook"),
    ),
    "the hook after traffic is dropped": (
        SERVICE,
        delivery.every_release_is_probed,
        lambda template: update(template).pop("AfterAllowTrafficHook"),
    ),
    "the hook is some other function": (
        SERVICE,
        delivery.every_release_is_probed,
        lambda template: update(template).update(BeforeAllowTrafficHook=victim(template)["Properties"]["FunctionName"]),
    ),
    "the alias is updated at once": (
        SERVICE,
        delivery.every_function_is_released_by_codedeploy,
        lambda template: victim(template).pop("UpdatePolicy"),
    ),
    "all traffic is shifted at once": (
        SERVICE,
        delivery.traffic_is_shifted_in_parts,
        lambda template: settings(template).update(DeploymentConfigName="CodeDeployDefault.LambdaAllAtOnce"),
    ),
    "a version is left behind by a rollback": (
        SERVICE,
        delivery.a_version_that_is_rolled_back_can_be_published_again,
        lambda template: first(template, "Lambda::Version").update(DeletionPolicy="Retain"),
    ),
    "a function does not name its release": (
        SERVICE,
        delivery.a_version_that_is_rolled_back_can_be_published_again,
        lambda template: template["Resources"][victim(template)["Properties"]["FunctionName"]["Ref"]]["Properties"].pop(
            "Description"
        ),
    ),
    "a hook waits for the function that it releases": (
        SERVICE,
        delivery.nothing_waits_for_itself,
        lambda template: template["Resources"][update(template)["BeforeAllowTrafficHook"]["Ref"]].update(
            DependsOn=aliases(template)["ingest_audio"][0]
        ),
    ),
    "an alarm is about all versions together": (
        SERVICE,
        delivery.alarms_are_about_the_new_version,
        _drop_version,
    ),
    "an alarm outlives its version": (
        SERVICE,
        delivery.alarms_are_about_the_new_version,
        lambda template: alarm(template).update(AlarmName="errors"),
    ),
    "missing data are a fault": (
        SERVICE,
        delivery.low_traffic_neither_raises_nor_hides_an_alarm,
        lambda template: alarm(template).update(TreatMissingData="breaching"),
    ),
    "one event is enough": (
        SERVICE,
        delivery.low_traffic_neither_raises_nor_hides_an_alarm,
        lambda template: alarm(template)["Metrics"][0].update(Expression="errors / invocations"),
    ),
    "entry points are not released last": (
        SERVICE,
        delivery.readers_come_before_writers_and_entry_points_last,
        lambda template: aliases(template)["ingest_audio"][1].pop("DependsOn"),
    ),
    "a table is deleted with its stack": (
        DATA,
        delivery.deletion_retains_state_and_nothing_else,
        lambda template: next(iter(of(template, "DynamoDB::Table").values())).update(DeletionPolicy="Delete"),
    ),
    "a stream is left, and billed, when its stack is deleted": (
        DATA,
        delivery.deletion_retains_state_and_nothing_else,
        lambda template: next(iter(of(template, "Kinesis::Stream").values())).update(DeletionPolicy="Retain"),
    ),
    "logs are retained when the service is deleted": (
        SERVICE,
        delivery.deletion_retains_state_and_nothing_else,
        lambda template: next(iter(of(template, "Logs::LogGroup").values())).update(DeletionPolicy="Retain"),
    ),
    "a failed release makes no ticket": (
        MONITORING,
        delivery.releases_that_fail_make_a_ticket,
        lambda template: first(template, "Events::Rule")["Properties"].pop("Targets"),
    ),
    "a release stopped by an alarm makes no ticket": (
        MONITORING,
        delivery.releases_that_fail_make_a_ticket,
        lambda template: first(template, "Events::Rule")["Properties"]["EventPattern"]["detail"].update(state=["STOP"]),
    ),
    "every release alarm of a release makes a ticket": (
        SERVICE,
        delivery.release_alarms_notify_nobody,
        lambda template: alarm(template).update(AlarmActions=["arn"]),
    ),
    "nobody is notified of a burning budget": (
        MONITORING,
        delivery.alarms_reach_somebody,
        lambda template: composite(template, "failed-answers-burns-fast").pop("AlarmActions"),
    ),
    "nobody is notified of a cause": (
        SERVICE,
        delivery.alarms_reach_somebody,
        lambda template: composite(template, "-dependency-fails").pop("AlarmActions"),
    ),
    "an objective pages although its cause has": (
        MONITORING,
        delivery.a_cause_pages_once,
        lambda template: composite(template, "late-answers-burns-fast").pop("ActionsSuppressor"),
    ),
    "a failing function pages although its cause has": (
        SERVICE,
        delivery.a_cause_pages_once,
        lambda template: composite(template, "-function-fails").pop("ActionsSuppressor"),
    ),
    "a suppressed page gives an all-clear": (
        MONITORING,
        delivery.a_cause_pages_once,
        lambda template: composite(template, "failed-answers-burns-fast").update(OKActions=["arn"]),
    ),
    "nobody is told of the end": (
        MONITORING,
        delivery.the_end_of_all_pages_is_told,
        lambda template: composite(template, "-callers-affected").pop("OKActions"),
    ),
    "alarm notifications are not encrypted": (
        MONITORING,
        delivery.alarms_reach_somebody,
        lambda template: first(template, "SNS::Topic")["Properties"].pop("KmsMasterKeyId"),
    ),
    "alarms may not publish their notifications": (
        MONITORING,
        delivery.alarms_reach_somebody,
        lambda template: first(template, "SNS::TopicPolicy")["Properties"]["PolicyDocument"]["Statement"].pop(),
    ),
    "a silent probe raises no alarm": (
        MONITORING,
        delivery.a_silent_probe_raises_an_alarm,
        lambda template: next(iter(delivery.silent_probe(template).values()))["Properties"].update(
            TreatMissingData="notBreaching"
        ),
    ),
    "one window is enough": (MONITORING, delivery.burn_rates_have_two_windows, _short_window_only),
    "an alarm names no runbook": (
        MONITORING,
        delivery.every_alarm_leads_to_a_runbook,
        lambda template: first(template, "CloudWatch::Alarm")["Properties"].pop("AlarmDescription"),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_safeguard_is_there_and_its_absence_is_reported(variants: Path, name: str) -> None:
    stack, check, mutate = MUTATIONS[name]
    template = read(variants / "true", stack)
    assert list(check(template)) == []
    mutated = copy.deepcopy(template)
    mutate(mutated)
    assert mutated != template
    assert list(check(mutated)) != []


def test_every_check_has_a_mutation(variants: Path) -> None:
    named = {check for _, check, _ in MUTATIONS.values()}
    checks = {
        each for each in vars(delivery).values() if getattr(each, "__annotations__", {}).get("return") == Iterator[str]
    }
    assert checks - named == {delivery.functions_that_a_change_does_not_release}


def test_a_change_in_a_layer_is_a_release_of_every_function(variants: Path) -> None:
    before, after = (read(variants / name, SERVICE) for name in ("true", "layer"))
    assert list(delivery.functions_that_a_change_does_not_release(before, after)) == []


def test_functions_that_keep_their_version_would_be_found(variants: Path) -> None:
    same = read(variants / "true", SERVICE)
    assert list(delivery.functions_that_a_change_does_not_release(same, same)) != []


def test_another_release_of_the_same_revision_has_versions_of_its_own(variants: Path) -> None:
    before, after = (read(variants / name, SERVICE) for name in ("true", "release"))
    assert list(delivery.functions_that_a_change_does_not_release(before, after)) == []
    # Nothing else knows the release, so that equal content stays equal from one release to the next.
    text = json.dumps(of(after, "Lambda::Function") | {"Release": after["Outputs"]["Release"]})
    assert json.dumps(after).count("another") == text.count("another") == len(of(after, "Lambda::Function")) + 1
    assert read(variants / "true", DATA) == read(variants / "release", DATA)
    assert read(variants / "true", MONITORING) == read(variants / "release", MONITORING)


def test_a_deployment_may_shift_all_traffic_at_once(variants: Path) -> None:
    template = read(variants / "true", SERVICE)
    assert {json.dumps(group(template, alias)["DeploymentConfigName"]) for _, alias in aliases(template).values()} == {
        json.dumps({"Ref": "Traffic"})
    }
    assert template["Parameters"]["Traffic"]["AllowedValues"] == ["CodeDeployDefault.LambdaAllAtOnce", CANARY]


def test_the_order_of_the_capabilities_has_no_meaning(variants: Path) -> None:
    before, after = (read(variants / name, SERVICE)["Resources"] for name in ("true", "reversed"))
    # CDK names an API's deployment for its methods in their order.
    (deployment,), (other,) = (of({"Resources": each}, "ApiGateway::Deployment") for each in (before, after))
    assert json.loads(json.dumps(before).replace(deployment, other)) == after


@pytest.mark.parametrize(("change", "action"), [("add", "s3:GetObject"), ("remove", "kinesis:PutRecord")])
def test_a_wider_and_a_narrower_role_are_both_noticed(variants: Path, change: str, action: str) -> None:
    template = read(variants / "true", SERVICE)
    before = actions(of(template, "IAM::Policy"), "ingest_audio")
    for id_, each in of(template, "IAM::Policy").items():
        for statement in each["Properties"]["PolicyDocument"]["Statement"] if id_.startswith("IngestAudioRole") else []:
            if "kinesis:PutRecord" in statement["Action"]:
                getattr(statement["Action"], "append" if change == "add" else "remove")(action)
    assert actions(of(template, "IAM::Policy"), "ingest_audio") != before


def test_provisioned_concurrency_and_shifted_traffic_exclude_each_other(variants: Path) -> None:
    message = (variants / "refusal.txt").read_text()
    assert "authenticate_caller" in message
    assert "ALL_AT_ONCE" in message


def test_concurrency_cannot_be_provisioned_for_an_unknown_function(variants: Path) -> None:
    message = (variants / "misspelt.txt").read_text()
    assert "production keeps authenticate_callers ready; there are authenticate_caller, close_sessions" in message


def test_concurrency_is_reserved_as_the_stage_says_and_only_for_functions_that_exist(variants: Path) -> None:
    reserved = {
        each["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: each["Properties"][RESERVED]
        for each in of(read(variants / "true", SERVICE), "Lambda::Function").values()
        if RESERVED in each["Properties"]
    }
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]["production"]
    assert reserved == settings["reserved"]
    assert {"authenticate_caller", "enroll_speaker", "score_audio"} <= reserved.keys()
    message = (variants / "misspelt-reserved.txt").read_text()
    assert (
        "production reserves concurrency of authenticate_callers; there are archive_decisions, authenticate_caller"
        in message
    )


def test_no_less_is_reserved_for_scoring_than_one_batch_of_each_shard(variants: Path) -> None:
    message = (variants / "starved.txt").read_text()
    assert "production reserves 3 for score_audio, which is fewer than its 4 shards" in message


def test_development_shifts_all_traffic_at_once_and_the_others_a_part(variants: Path, assembly: Path) -> None:
    development = json.loads((assembly / "Bonafide-dev-Service.template.json").read_text())
    configurations = {configuration(development, alias) for _, alias in aliases(development).values()}
    assert configurations == {"CodeDeployDefault.LambdaAllAtOnce"}
    assert list(delivery.traffic_is_shifted_in_parts(read(variants / "true", SERVICE))) == []


def test_production_is_deployed_by_roles_of_its_own_bootstrap(variants: Path) -> None:
    manifest = (variants / "true/manifest.json").read_text()
    assert manifest.count("role/cdk-") == manifest.count("role/cdk-bonaprod-") > 0
    assert manifest.count("/cdk-bootstrap/") == manifest.count("/cdk-bootstrap/bonaprod/version") > 0


def test_data_is_deployed_before_the_service_and_the_alarms_on_objectives_after_those_on_causes(variants: Path) -> None:
    artifacts = json.loads((variants / "true/manifest.json").read_text())["artifacts"]
    needed = {
        name.removeprefix("Bonafide-production-"): artifact.get("dependencies", [])
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    before = {name: [each for each in names if not each.endswith(".assets")] for name, names in needed.items()}
    assert before == {
        DATA: [],
        SERVICE: [f"Bonafide-production-{DATA}"],
        MONITORING: [f"Bonafide-production-{SERVICE}"],
    }
