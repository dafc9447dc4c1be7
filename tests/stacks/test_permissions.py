"""Each role allows the calls that its function's code can make, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonafide.adapters.dynamodb.audit import partition
from bonafide.adapters.dynamodb.decisions import OUTCOMES, SOURCES
from bonafide.adapters.dynamodb.items import HISTORY_PARTITION, attempt_key, brake_key, calibration_key
from bonafide.adapters.kms import (
    PARTS,
    PURPOSE,
    TEMPLATES,
    WRAPPING_PURPOSE,
    KmsDomainSecrets,
    KmsPartSignatures,
    KmsSignatures,
    KmsWrapping,
)
from ops.synthesis import ROOT
from stacks.constructs.probes import READING, REPORTING
from tests.stacks.calls import Action, reachable
from tests.stacks.conftest import OfKind, Resources, as_list

HANDLERS = sorted(path for path in (ROOT / "functions").glob("*/handler.py") if "probe" not in path.parent.name)
# Permissions of every function: its log, its traces, and the key of the stores that it reaches.
PLATFORM = {"logs", "xray", "kms"}
# Calls of Lambda with the role of the stream's consumer.
EVENT_SOURCE: dict[str, set[Action]] = {
    "score_audio": {
        *(
            ("kinesis", action, "AudioStream")
            for action in (
                "DescribeStream",
                "DescribeStreamConsumer",
                "DescribeStreamSummary",
                "GetRecords",
                "GetShardIterator",
                "ListShards",
                "ListStreams",
                "SubscribeToShard",
            )
        ),
        ("s3", "ListBucket", "Failures"),
    },
    "archive_decisions": {
        *(("dynamodb", action, "Decisions") for action in ("DescribeStream", "GetRecords", "GetShardIterator")),
        ("dynamodb", "ListStreams", "*"),
    },
}
# Calls of the release before this one, whose versions share the role while a canary runs and after a rollback.
RELEASE_BEFORE: dict[str, set[Action]] = {
    name: {("dynamodb", "ConditionCheckItem", "Tenants")} for name in ("enroll_speaker", "manage_speakers")
}
LISTING = ("compare_speakers", "manage_sessions", "manage_watchlists", "score_audio")
# The tag of a presigned PUT, the object version that was checked, and what makes S3 say that a file is missing.
UNSEEN: dict[str, set[Action]] = {
    "manage_models": {
        ("s3", action, "ModelFiles") for action in ("GetObjectVersion", "ListBucket", "PutObjectTagging")
    },
    # The lock and the tag of a PUT, and what makes S3 say that a version is missing.
    **{
        name: {("s3", action, "Archive") for action in ("PutObjectRetention", "PutObjectTagging", "ListBucket")}
        for name in ("archive_decisions", "seal_ledger")
    },
    # Listing comes with every access to a bucket.
    **{name: {("s3", "ListBucket", "Audio")} for name in LISTING},
    # The challenger is read once its name is known, through a reader that is made then.
    "shadow_challenger": {
        *(("s3", action, "ModelFiles") for action in ("GetObject", "GetObjectVersion", "ListBucket")),
        ("dynamodb", "GetItem", "Models"),
    },
}
# What each class uses the key for, directly.
PURPOSES = {
    KmsSignatures.__name__: PURPOSE,
    KmsPartSignatures.__name__: PARTS,
    KmsWrapping.__name__: WRAPPING_PURPOSE,
    KmsDomainSecrets.__name__: TEMPLATES,
}
PROBES = {
    "probe_release": {
        "codedeploy:GetApplicationRevision",
        "codedeploy:GetDeployment",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "lambda:InvokeFunction",
    },
    "probe_service": {"execute-api:Invoke"},
}


# What a call needs of the key of its store; DynamoDB decrypts the key of a table for every call.
READING_TABLES = {("dynamodb", action) for action in ("Decrypt", "DescribeKey")}
WRITING_TABLES = {("dynamodb", action) for action in ("Encrypt", "GenerateDataKey*", "ReEncrypt*")}
KEY_ACTIONS: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("dynamodb", "PutItem"): WRITING_TABLES,
    ("dynamodb", "UpdateItem"): WRITING_TABLES,
    ("dynamodb", "DeleteItem"): WRITING_TABLES,
    ("s3", "GetObject"): {("s3", "Decrypt")},
    ("s3", "GetObjectVersion"): {("s3", "Decrypt")},
    ("s3", "PutObject"): {("s3", "Decrypt"), ("s3", "GenerateDataKey")},
    ("kinesis", "PutRecord"): {("kinesis", "GenerateDataKey")},
    # CDK's own grant for Lambda, which reads the stream with the function's role.
    ("kinesis", "GetRecords"): {("", "Decrypt")},
}


def effective(policies: Resources, function: str, effect: str) -> Iterator[Any]:
    """Yields the statements of a function's role with this effect."""
    prefix = function.title().replace("_", "") + "Role"
    for id_, policy in policies.items():
        every = policy["Properties"]["PolicyDocument"]["Statement"] if id_.startswith(prefix) else []
        yield from (each for each in every if each["Effect"] == effect)


def granted(policies: Resources, function: str) -> Iterator[tuple[str, str, str]]:
    """Yields the actions of a function's role with the resource and the condition that each is granted for."""
    for statement in effective(policies, function, "Allow"):
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, json.dumps(resource), json.dumps(statement.get("Condition", {}))


def store(resource: str) -> str:
    if resource.endswith(':event-bus/default"]]}'):
        # The calls name no bus.
        return ""
    if resource == '"*"':
        return "*"
    found = re.search(r"GetAtt([A-Za-z]+)[0-9A-F]{8}(?:Stream)?Arn", resource)
    return found[1] if found else resource


def actions(policies: Resources, function: str) -> set[Action]:
    """Returns the actions on stores that a role allows: service, action, and the store's construct."""
    split = (((*action.split(":"), store(resource))) for action, resource, _ in granted(policies, function))
    return {(service, action, where) for service, action, where in split if service not in PLATFORM}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
def test_a_role_allows_what_the_code_calls_and_nothing_else(handler: Path, service: OfKind) -> None:
    function = handler.parent.name
    allowed = actions(service("AWS::IAM::Policy"), function)
    made = {each for each in reachable(handler) if each[0] not in PLATFORM}
    besides = (each.get(function, set()) for each in (EVENT_SOURCE, RELEASE_BEFORE, UNSEEN))
    assert allowed == made.union(*besides)


def test_models_can_be_registered_and_neither_deleted_nor_unlocked(service: OfKind) -> None:
    found = {action for action, *_ in granted(service("AWS::IAM::Policy"), "manage_models")}
    assert not any("Delete" in action and "Tagging" not in action for action in found if action.startswith("s3:"))
    assert not any(word in action for action in found for word in ("Retention", "LegalHold", "Bypass"))


def key_actions(policies: Resources, function: str) -> set[tuple[str, str]]:
    """Returns what a role may do with keys, each with the service, or the purpose, that it may do it for."""
    found = ((action, condition) for action, _, condition in granted(policies, function) if action.startswith("kms:"))
    return {(_through(condition), action.removeprefix("kms:")) for action, condition in found}


def _through(condition: str) -> str:
    equal = json.loads(condition).get("StringEquals", {})
    if purpose := equal.get("kms:EncryptionContext:purpose"):
        return str(purpose)
    via = equal.get("kms:ViaService", {"Fn::Join": ["", ["."]]})
    return str(via["Fn::Join"][1][0]).removesuffix(".")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
def test_a_role_uses_the_key_for_its_own_calls_only(handler: Path, service: OfKind) -> None:
    function, policies = handler.parent.name, service("AWS::IAM::Policy")
    calls = {(name, action) for name, action, _ in actions(policies, function)}
    needed = set().union(*(KEY_ACTIONS.get(call, set()) for call in calls))
    reading = READING_TABLES if any(name == "dynamodb" for name, _ in calls) else set()
    direct = {(PURPOSES[kind], action) for name, action, kind in reachable(handler) if name == "kms"}
    assert key_actions(policies, function) == needed | reading | direct


def using(service: OfKind, purpose: str) -> dict[str, set[str]]:
    """Returns the functions that may use the key for a purpose, by action."""
    return {
        action: {
            path.parent.name
            for path in HANDLERS
            if (purpose, action) in key_actions(service("AWS::IAM::Policy"), path.parent.name)
        }
        for action in ("Encrypt", "Decrypt")
    }


def test_those_that_are_told_of_callers_hash_them(service: OfKind) -> None:
    hashing = {"authenticate_caller", "enroll_speaker", "manage_sessions", "manage_speakers"}
    assert using(service, WRAPPING_PURPOSE) == {"Encrypt": hashing, "Decrypt": hashing}


def test_one_function_signs_calibrations_and_those_that_judge_check_them(service: OfKind) -> None:
    assert using(service, PURPOSE) == {
        "Encrypt": {"manage_domains"},
        "Decrypt": {"authenticate_caller", "close_sessions", "enroll_speaker", "manage_sessions", "score_audio"},
    }


def test_voiceprints_are_opened_by_who_compares_them_and_keys_made_by_who_begins_something(service: OfKind) -> None:
    may = {
        action: {
            path.parent.name
            for path in HANDLERS
            if (TEMPLATES, action) in key_actions(service("AWS::IAM::Policy"), path.parent.name)
        }
        for action in ("Decrypt", "GenerateDataKey")
    }
    makers = {"compare_speakers", "enroll_speaker", "manage_sessions", "manage_watchlists"}
    comparing = {"authenticate_caller", "close_sessions", "score_audio", "shadow_challenger", "watch_drift"}
    # It encrypts what is archived under the key of a speaker, and cannot read the table of voiceprints.
    archiving = {"archive_decisions"}
    assert may == {"Decrypt": makers | comparing | archiving, "GenerateDataKey": makers}


def test_keys_of_templates_open_for_the_stage_that_they_were_made_for(service: OfKind) -> None:
    conditions = [
        json.loads(condition)["StringEquals"]
        for path in HANDLERS
        for action, _, condition in granted(service("AWS::IAM::Policy"), path.parent.name)
        if action.startswith("kms:") and TEMPLATES in condition
    ]
    assert conditions
    assert all(
        each == {"kms:EncryptionContext:purpose": TEMPLATES, "kms:EncryptionContext:stage": "dev"}
        for each in conditions
    )


def test_a_role_that_only_reads_cannot_encrypt(service: OfKind) -> None:
    assert key_actions(service("AWS::IAM::Policy"), "read_decisions") == READING_TABLES
    assert key_actions(service("AWS::IAM::Policy"), "describe_service") == set()


def test_who_states_outcomes_can_change_nothing_else_of_a_decision(service: OfKind) -> None:
    policies, written = service("AWS::IAM::Policy"), {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    found = {
        (action.removeprefix("dynamodb:"), condition)
        for action, where, condition in granted(policies, "report_outcomes")
        if store(where) == "Decisions" and action.removeprefix("dynamodb:") in written
    }
    attributes = ["domain", "decision_id", "claim", OUTCOMES, SOURCES, "labeled_at"]
    assert found == {("UpdateItem", json.dumps({"ForAllValues:StringEquals": {"dynamodb:Attributes": attributes}}))}


@pytest.mark.parametrize("function", PROBES)
def test_probes_may_call_and_report_and_reach_no_store(function: str, service: OfKind) -> None:
    found = {action for action, *_ in granted(service("AWS::IAM::Policy"), function)}
    assert {action for action in found if action.partition(":")[0] not in PLATFORM} == PROBES[function]


def test_the_release_hook_makes_the_calls_that_its_role_allows(
    environment: None, monkeypatch: pytest.MonkeyPatch, service: OfKind
) -> None:
    for name in ("PROBE_BOUNDS_MS", "PROBED_FUNCTIONS"):
        monkeypatch.setenv(f"BONAFIDE_{name}", "{}")
    monkeypatch.setenv("BONAFIDE_GOLDEN_DIR", "golden")
    monkeypatch.setenv("BONAFIDE_PROBE_DOMAIN", "probe")
    made = {f"{name}:{action}" for name, action, _ in reachable(ROOT / "functions/probe_release/handler.py")}
    assert {each for each in made if each.startswith("codedeploy:")} == {*REPORTING, READING}
    application = next(iter(service("AWS::CodeDeploy::Application")))
    for action, resource, _ in granted(service("AWS::IAM::Policy"), "probe_release"):
        if action.startswith("codedeploy:"):
            assert application in resource
            assert (":application:" in resource) == (action == READING)


def test_only_the_function_that_switches_brakes_and_keeps_calibrations_may_write_them(service: OfKind) -> None:
    """They are in the table of domains; whoever else writes to it is denied their partitions."""
    policies = service("AWS::IAM::Policy")
    writing = {f"dynamodb:{action}Item" for action in ("Put", "Update", "Delete", "BatchWrite")}
    writers = {
        path.parent.name
        for path in HANDLERS
        if {
            (action, store(where))
            for action, where, condition in granted(policies, path.parent.name)
            if condition == "{}"
        }
        & {(action, "Tenants") for action in writing}
    }
    kept_out = {
        (function, partition)
        for function in writers
        for each in effective(policies, function, "Deny")
        for partition in as_list(each["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"])
        if (set(as_list(each["Action"])), store(json.dumps(each["Resource"]))) == (writing, "Tenants")
    }
    of_all = {(function, partition) for function in writers for partition in ("brake#*", "calibration#*")}
    # The erasure of a domain deletes its calibrations, but no brake.
    may = {("manage_domains", "brake#*"), ("manage_domains", "calibration#*"), ("close_sessions", "calibration#*")}
    assert of_all - kept_out == may
    assert {("manage_policies", each) for each in ("attempts#*", "watchlist#*")} <= kept_out
    assert brake_key("acme")["domain"]["S"].startswith("brake#")
    assert calibration_key("acme")["domain"]["S"].startswith("calibration#")
    assert HISTORY_PARTITION == "history#"


def test_a_function_that_decides_writes_counters_of_attempts_and_nothing_else_of_that_table(service: OfKind) -> None:
    policies, attempts = (
        service("AWS::IAM::Policy"),
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["attempts#*"]}},
    )
    for function in ("authenticate_caller", "manage_sessions", "score_audio"):
        found = {
            (action.removeprefix("dynamodb:"), condition)
            for action, where, condition in granted(policies, function)
            if store(where) == "Tenants" and action.removeprefix("dynamodb:") in {"PutItem", "UpdateItem", "DeleteItem"}
        }
        puts = {"PutItem"} if function in {"authenticate_caller", "manage_sessions"} else set()
        assert found == {(action, json.dumps(attempts)) for action in {"UpdateItem", *puts}}
    assert attempt_key("acme", "key")["domain"]["S"].startswith("attempts#")


def test_the_audit_trail_is_only_added_to_and_by_nobody_but_those_whose_acts_it_keeps(service: OfKind) -> None:
    policies = service("AWS::IAM::Policy")
    denied = {
        function: {
            action
            for each in effective(policies, function, "Deny")
            if each["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["audit#*"]}}
            for action in as_list(each["Action"])
        }
        for function in ("enroll_speaker", "manage_speakers", "manage_domains")
    }
    changing = {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    assert denied == {"enroll_speaker": changing, "manage_speakers": changing, "manage_domains": changing}
    assert partition("acme").startswith("audit#")


def test_nothing_is_granted_twice(service: OfKind) -> None:
    for function in (path.parent.name for path in HANDLERS):
        every: list[Any] = list(granted(service("AWS::IAM::Policy"), function))
        assert len(every) == len(set(every))


def test_a_call_that_is_no_longer_made_is_noticed(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("def lambda_handler(event, context):\n    return {}\n")
    assert reachable(handler) == set()
