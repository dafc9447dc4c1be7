"""What X-Ray is told, by the SDK as it works inside of Lambda, and what it is not."""

import os
import subprocess
import sys
from typing import Any

import pytest

from local.aws.xray import XRayDaemon, header
from local.traces.trail import flat

OWN = "1-00000001-000000000000000000000001"
CAUSE = "1-00000002-000000000000000000000002"
PROGRAM = f"""
import io
import boto3
from botocore.awsrequest import AWSResponse
from bonafide.adapters.tracing import traced
from bonafide.observability import continued, follow, observed, stage, trace_header

class Raw(io.BytesIO):
    def stream(self, **_):
        return [self.read()]

s3 = traced(boto3.client("s3", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"))
answers = []
s3.meta.events.register(
    "before-send", lambda request, **_: AWSResponse(request.url, answers.pop(), {{}}, Raw(b"<x>anna-meier</x>"))
)

def call(status):
    answers.append(status)
    s3.put_object(Bucket="bonafide", Key="kept/acme/anna-meier", Body=b"voice")

def attempt(work, *arguments):
    try:
        work(*arguments)
    except Exception:
        return

def fail():
    with stage("failing"):
        raise ValueError("anna-meier")

def handle(event, context):
    with continued("Root={CAUSE};Parent=aaaaaaaaaaaaaaaa;Sampled=1", "for another"):
        follow("call-1")
        with stage("inside"):
            call(200)
    with continued("Root=anna-meier", "for whom"):
        print(trace_header())
    attempt(call, 403)
    attempt(fail)
    return {{}}

class Context:
    function_name = invoked_function_arn = aws_request_id = "f"
    memory_limit_in_mb = 128

observed(handle)({{}}, Context)
"""


def told(sampled: str = "1") -> list[dict[str, Any]]:
    """The parts of all traces."""
    daemon = XRayDaemon()
    environment = {
        **os.environ,
        "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
        "LAMBDA_TASK_ROOT": "/var/task",
        "POWERTOOLS_SERVICE_NAME": "score_audio",
        "_X_AMZN_TRACE_ID": f"Root={OWN};Parent=bbbbbbbbbbbbbbbb;Sampled={sampled}",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    daemon.stop()
    assert "Sub" not in done.stdout + done.stderr, "no warning of a lost subsegment"
    return [dict(part) for segment in daemon.segments for part in flat(segment)]


@pytest.fixture(scope="module")
def parts() -> dict[str, dict[str, Any]]:
    return {part["name"] if part["name"] != "S3" else f"S3 in {part['trace_id']}": part for part in told()}


type Parts = dict[str, dict[str, Any]]


def test_work_for_another_request_shows_in_the_trace_of_that_request(parts: Parts) -> None:
    there = {name for name, part in parts.items() if part["trace_id"] == CAUSE}
    assert there == {"for another", "inside", f"S3 in {CAUSE}"}
    assert parts["for another"]["parent_id"] == "aaaaaaaaaaaaaaaa"
    assert parts["for another"]["annotations"] == {"invocation": OWN, "call": "call-1"}


def test_everything_else_stays_in_the_trace_of_the_invocation(parts: Parts) -> None:
    here = {name for name, part in parts.items() if part["trace_id"] == OWN}
    assert here == {"## handle", "for whom", "failing", f"S3 in {OWN}"}
    assert parts["## handle"]["parent_id"] == "bbbbbbbbbbbbbbbb"
    assert {parts[name]["parent_id"] for name in here - {"## handle"}} == {parts["## handle"]["id"]}


def test_a_call_to_aws_shows_its_operation_and_its_outcome_and_no_parameter(parts: Parts) -> None:
    good, bad = parts[f"S3 in {CAUSE}"], parts[f"S3 in {OWN}"]
    assert (good["aws"], good["namespace"], bad["aws"]) == (
        {"operation": "PutObject"},
        "aws",
        {"operation": "PutObject"},
    )
    assert (good.get("error"), bad.get("error")) == (None, True)


def test_a_stage_that_fails_shows_the_type_of_its_error(parts: Parts) -> None:
    assert parts["failing"]["annotations"] == {"error": "ValueError"}
    assert parts["failing"]["error"]


def test_no_trace_quotes_what_the_work_was_about(parts: Parts) -> None:
    assert "anna-meier" not in str(parts)
    assert "kept/" not in str(parts)


def test_a_request_that_is_not_sampled_tells_only_of_requests_that_are() -> None:
    assert {part["trace_id"] for part in told(sampled="0")} == {CAUSE}


def test_a_trace_header_is_made_of_the_id_of_its_request() -> None:
    made = header("3353a1d7-fbac-4a81-aa72-038b9d43112d", sampled=True)
    assert made.endswith("-3353a1d7fbac4a81aa72038b;Parent=aa72038b9d43112d;Sampled=1")
