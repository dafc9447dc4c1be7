"""Each role allows the calls that its function's code can make, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonafide.adapters.dynamodb.items import brake_key
from ops.synthesis import ROOT
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
    }
}
PROBES = {
    "probe_release": {
        "codedeploy:BatchGetDeploymentTargets",
        "codedeploy:ListDeploymentTargets",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "lambda:InvokeFunction",
    },
    "probe_service": {"execute-api:Invoke"},
}


def statements(policies: Resources, function: str, effect: str) -> Iterator[Any]:
    """Yields the statements of a function's role with this effect."""
    prefix = function.title().replace("_", "") + "Role"
    for id_, policy in policies.items():
        every = policy["Properties"]["PolicyDocument"]["Statement"] if id_.startswith(prefix) else []
        yield from (each for each in every if each["Effect"] == effect)


def granted(policies: Resources, function: str) -> Iterator[tuple[str, str]]:
    """Yields the actions of a function's role with the resource that each is granted for."""
    for statement in statements(policies, function, "Allow"):
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, json.dumps(resource)


def store(resource: str) -> str:
    found = re.search(r"GetAtt([A-Za-z]+)[0-9A-F]{8}Arn", resource)
    return found[1] if found else resource


def actions(policies: Resources, function: str) -> set[Action]:
    """Returns the actions on stores that a role allows: service, action, and the store's construct."""
    split = (((*action.split(":"), store(resource))) for action, resource in granted(policies, function))
    return {(service, action, where) for service, action, where in split if service not in PLATFORM}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
def test_a_role_allows_what_the_code_calls_and_nothing_else(handler: Path, service: OfKind) -> None:
    function = handler.parent.name
    allowed = actions(service("AWS::IAM::Policy"), function)
    assert allowed == reachable(handler) | EVENT_SOURCE.get(function, set())


@pytest.mark.parametrize("function", PROBES)
def test_probes_may_call_and_report_and_reach_no_store(function: str, service: OfKind) -> None:
    found = {action for action, _ in granted(service("AWS::IAM::Policy"), function)}
    assert {action for action in found if action.partition(":")[0] not in PLATFORM} == PROBES[function]


def test_only_the_function_that_switches_brakes_may_write_them(service: OfKind) -> None:
    """Brakes are in the table of domains; whoever else writes to it is denied their partitions."""
    policies = service("AWS::IAM::Policy")
    writing = {f"dynamodb:{action}Item" for action in ("Put", "Update", "Delete")}
    writers = {
        path.parent.name
        for path in HANDLERS
        if {(action, store(where)) for action, where in granted(policies, path.parent.name)}
        & {(action, "Tenants") for action in writing}
    }
    kept_out = {
        function
        for function in writers
        for each in statements(policies, function, "Deny")
        if each["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["brake#*"]}}
        and (set(as_list(each["Action"])), store(json.dumps(each["Resource"]))) == (writing, "Tenants")
    }
    assert writers - kept_out == {"manage_domains"}
    assert brake_key("acme")["domain"]["S"].startswith("brake#")


def test_nothing_is_granted_twice(service: OfKind) -> None:
    for function in (path.parent.name for path in HANDLERS):
        every: list[Any] = list(granted(service("AWS::IAM::Policy"), function))
        assert len(every) == len(set(every))


def test_a_call_that_is_no_longer_made_is_noticed(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("def lambda_handler(event, context):\n    return {}\n")
    assert reachable(handler) == set()
