"""From a request to its stored decision by one id, past nothing that may not be written down."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from local.aws.xray import XRayDaemon
from local.runner import Deployment
from local.traces.calls import TracedCaller, TracedCalls
from local.traces.leaks import leaks
from local.traces.trail import TraceTelemetry, logs
from tests.api.parts import Api
from tests.readings import reading

NUMBER = 43
READERS = ("train_grace", "train_atkins")


@pytest.fixture(scope="module")
def calls(bonafide: Deployment) -> TracedCalls:
    return TracedCaller(bonafide.endpoint, "traced", {name: reading(name).samples for name in READERS}).run(NUMBER)


@pytest.fixture(scope="module")
def telemetry(bonafide: Deployment, xray: XRayDaemon, calls: TracedCalls) -> TraceTelemetry:
    deadline = time.monotonic() + 10
    # Datagrams and lines of log arrive a little after the answer; what is still missing then is lost.
    while (
        any((telemetry := TraceTelemetry.gather(bonafide, xray.segments)).gaps(calls)) and time.monotonic() < deadline
    ):
        time.sleep(0.1)
    return telemetry


def test_the_calls_were_decided_streamed_and_refused(calls: TracedCalls) -> None:
    assert calls.number == NUMBER
    assert {answer.document["decision"] for answer in calls.decided} >= {"ACCEPT", "REJECT"}
    assert len(calls.streamed) == 3
    assert all(answer.status >= 400 for answer in calls.refused)


def test_one_id_leads_from_every_request_to_its_stored_decision_through_log_metrics_and_trace(
    telemetry: TraceTelemetry, calls: TracedCalls
) -> None:
    assert list(telemetry.gaps(calls)) == []


@pytest.mark.parametrize("lost", ["lines", "parts", "decisions", "evidence"])
def test_a_gap_on_that_way_is_seen(telemetry: TraceTelemetry, calls: TracedCalls, lost: str) -> None:
    assert list(replace(telemetry, **{lost: {}}).gaps(calls)) != []


def test_no_log_metric_or_trace_of_any_call_holds_a_name_audio_or_an_embedding(
    bonafide: Deployment, xray: XRayDaemon, calls: TracedCalls, telemetry: TraceTelemetry
) -> None:
    texts = [*logs(bonafide.logs), json.dumps(xray.segments)]
    assert sum(map(len, texts)) > 100_000
    assert [leak for text in texts for leak in leaks(text, calls.marker)] == []


def test_traces_lose_no_part_and_warn_of_none(bonafide: Deployment, telemetry: TraceTelemetry) -> None:
    assert [line for text in logs(bonafide.logs) for line in text.splitlines() if "discarded" in line] == []


def test_a_refusal_names_the_request_in_the_problem_and_in_the_header(api: Api, calls: TracedCalls) -> None:
    assert [answer.document["request_id"] for answer in calls.refused] == [each.request_id for each in calls.refused]
    unknown = api.call("GET", "/v1/domains/traced/speakers/a%00b")
    assert unknown.status == 404
    assert unknown.document["request_id"] == unknown.headers["x-request-id"] == unknown.headers["x-amzn-requestid"]


def test_an_answer_that_is_remembered_keeps_the_id_of_the_request_that_it_was_first_given_to(
    api: Api, calls: TracedCalls
) -> None:
    body = {"format": {"encoding": "mulaw", "sample_rate": 8000}}
    first, again = (api.call("POST", "/v1/domains/traced/sessions", body, key="one-session") for _ in range(2))
    assert first.status == 200
    assert first.content == again.content
    assert first.headers["x-request-id"] != again.headers["x-request-id"]


def numbers(count: int) -> str:
    return json.dumps(np.random.default_rng(1).normal(size=count).tolist())


LEAKS: Sequence[tuple[str, str]] = [
    ("name", "speaker mark1-speaker-3 is unknown"),
    ("base64", base64.b64encode(bytes(range(100))).decode()),
    ("base64", base64.urlsafe_b64encode(bytes(range(100))).decode()),
    ("bytes", repr(bytes(range(128, 192)))),
    ("numbers", numbers(192)),
    ("numbers", str(np.random.default_rng(1).normal(size=192).astype(np.float32))),
]


def test_values_of_metrics_and_places_of_code_are_no_leaks() -> None:
    values = json.dumps({"ProbeLatency": [12.5] * 100})
    place = f'File "/opt/asset.{"0" * 64}/python/aws_lambda_powertools/logging/logger.py"'
    assert list(leaks(values + place, "mark1")) == []


@pytest.mark.parametrize(("kind", "text"), LEAKS)
def test_the_scan_finds_what_it_looks_for(kind: str, text: str) -> None:
    assert next(leaks(f'{{"message":"{text}"}}', "mark1")).partition(":")[0] == kind
