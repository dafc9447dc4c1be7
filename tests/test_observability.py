"""What is measured and logged, and what never is."""

import ast
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision
from bonafide.errors import StoreUnavailable
from bonafide.http.app import create_app, lambda_entry
from bonafide.observability import (
    METRICS,
    InvocationFailed,
    Measurements,
    UnknownMetric,
    logger,
    measurements,
    observed,
)
from local.contracts import telemetry
from tests.services.parts import Chords, World, speech

ROOT = Path(__file__).parents[1]
DEPLOYED = {
    "POWERTOOLS_SERVICE_NAME": "authenticate_caller",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "BONAFIDE_STAGE": "dev",
    "BONAFIDE_OBJECTIVE": "authentication-in-time",
}
MIX = {"ACCEPT": "Accepts", "STEP_UP": "StepUps", "REJECT": "Rejects", "INCONCLUSIVE": "Inconclusives"}
CONTEXT: Any = SimpleNamespace(
    function_name="f", memory_limit_in_mb=128, invoked_function_arn="arn", aws_request_id="r"
)
# Emitted by functions that call the service from outside.
OF_PROBES = {"ProbeFailures", "ProbeLatency"}


def line(text: str) -> dict[str, Any]:
    """The one line of metrics."""
    [written] = [json.loads(each) for each in text.splitlines() if "_aws" in each]
    return dict(written)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture(autouse=True)
def nothing_measured_before(capsys: pytest.CaptureFixture[str]) -> None:
    measurements.write()
    capsys.readouterr()


def test_every_metric_is_recorded_by_the_dimensions_that_the_one_place_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = Measurements(DEPLOYED)
    for _ in range(2):
        mine.add(Failures=False, RequestLatency=12.5, Accepts=1, Rejects=0)
        mine.write(correlation_id="request-1")
        written = line(capsys.readouterr().out)
        directives = written["_aws"]["CloudWatchMetrics"]
        assert {each["Namespace"] for each in directives} == {METRICS["namespace"]}
        found = {each["Name"]: (of["Dimensions"], each["Unit"]) for of in directives for each in of["Metrics"]}
        assert found == {
            name: (METRICS["metrics"][name]["by"], METRICS["metrics"][name]["unit"])
            for name in ("Failures", "RequestLatency", "Accepts", "Rejects")
        }
        dimensions = ("stage", "service", "version", "objective")
        assert [written[each] for each in dimensions] == ["dev", "authenticate_caller", "7", "authentication-in-time"]
        assert (written["Failures"], written["RequestLatency"], written["Accepts"]) == ([0], [12.5], [1])
        assert written["correlation_id"] == "request-1"


def test_every_metric_is_recorded_by_stage_so_that_two_stages_in_an_account_never_mix() -> None:
    assert [name for name, each in METRICS["metrics"].items() if any("stage" not in by for by in each["by"])] == []


def test_a_function_without_an_objective_records_no_metric_by_objective(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements({name: value for name, value in DEPLOYED.items() if name != "BONAFIDE_OBJECTIVE"})
    mine.add(EvidenceLag=3, RequestLatency=3)
    mine.write()
    [directive] = line(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "EvidenceLag", "Unit": "Milliseconds"}]
    assert directive["Dimensions"] == [["stage", "service", "version"]]


def test_no_line_has_more_values_than_cloudwatch_takes(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(DEPLOYED)
    for _ in range(101):
        mine.add(ChunksScored=1)
    assert len(line(capsys.readouterr().out)["ChunksScored"]) == 100
    assert mine.pending() == {"ChunksScored": [1]}


def test_a_metric_that_is_not_named_in_the_one_place_is_refused() -> None:
    with pytest.raises(UnknownMetric):
        Measurements(DEPLOYED).add(Failurs=1)


def test_where_nothing_was_measured_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    Measurements(DEPLOYED).write()
    assert capsys.readouterr().out == ""


def test_every_decision_has_its_metric() -> None:
    assert set(MIX) == set(Decision)
    assert set(MIX.values()) < set(METRICS["metrics"])


@given(decisions=st.lists(st.sampled_from(Decision), min_size=1, max_size=20), llr=st.floats(-30, 30))
def test_the_shares_of_the_mix_add_up_to_one(decisions: list[Decision], llr: float) -> None:
    mine = Measurements(DEPLOYED)
    for decision in decisions:
        mine.add_decision("acme", decision, 30, llr)
    values = mine.pending()
    assert sum(values["Decisions"]) == len(decisions) == sum(sum(values[name]) for name in MIX.values())
    assert {name: sum(values[MIX[name]]) for name in MIX} == {name: decisions.count(Decision(name)) for name in MIX}
    assert all(len(values[name]) == len(decisions) for name in MIX.values()), "averages are shares"
    assert values["SpeakerLlrSquared"] == [value * value for value in values["SpeakerLlr"]]


def test_a_decision_without_a_voice_has_no_score() -> None:
    mine = Measurements(DEPLOYED)
    mine.add_decision("acme", "INCONCLUSIVE", 30, None)
    assert "SpeakerLlr" not in mine.pending()


def test_the_average_of_suspected_spoofs_is_their_share_of_what_was_listened_to() -> None:
    world = World()
    world.put_domain(minimum_enrolment_seconds=5)
    world.enroll(speech("ann"))
    before = measurements.pending()
    for number, llr in enumerate((3.0, -5.0, None)):
        world.models = Chords(liveness=llr)
        world.authenticate(speech("ann"), key=f"call-{number}")
    after = measurements.pending()
    new = {name: after[name][len(before.get(name, ())) :] for name in ("LivenessLlr", "SpoofsSuspected")}
    assert new == {"LivenessLlr": [3.0, -5.0], "SpoofsSuspected": [0, 1]}


def test_what_a_probe_asks_for_is_no_part_of_the_mix() -> None:
    mine = Measurements({**DEPLOYED, "BONAFIDE_PROBE_DOMAIN": "bonafide-probe"})
    for domain in ("bonafide-probe", "bonafide-probe-smoke-1f2e"):
        mine.add_decision(domain, "ACCEPT", 30, 3.0)
    assert mine.pending() == {}
    mine.add_decision("bonafide-probes", "ACCEPT", 30, 3.0)
    assert mine.pending()["Decisions"] == [1.0]


def test_a_decision_counts_once_however_often_it_is_asked_for(log: io.StringIO) -> None:
    world = World()
    world.put_domain(minimum_enrolment_seconds=5)
    world.enroll(speech("ann"))
    first = world.authenticate(speech("ann", 5), key="call-1")
    world.now += timedelta(seconds=1)
    again = world.authenticate(speech("ann", 5), key="call-1")
    assert first == again
    assert measurements.pending()["Decisions"] == [1]
    assert [json.loads(each)["decision_id"] for each in log.getvalue().splitlines()] == [first.decision_id]


def event(path: str = "/v1/thing") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return {
        "resource": path, "path": path, "httpMethod": "GET", "headers": headers, "multiValueHeaders": {},
        "requestContext": {"requestId": "request-1", "stage": "test"}, "body": None, "isBase64Encoded": False,
    }  # fmt: skip


def test_an_error_that_nobody_foresaw_counts_as_a_failure_and_is_logged_without_its_words(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(access=None)

    @app.get("/v1/thing")
    def thing() -> None:
        raise ValueError("anna meier")

    answer = lambda_entry(app)(event(), CONTEXT)
    written = line(capsys.readouterr().out)
    assert (answer["statusCode"], written["Failures"]) == (500, [1])
    assert written["correlation_id"] == "request-1"
    [logged] = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (logged["error_type"], logged["correlation_id"]) == ("ValueError", "request-1")
    assert "thing" in logged["place"]
    assert "anna" not in log.getvalue() + answer["body"]


def test_a_dependency_that_fails_is_an_error_named_by_its_type_and_a_refusal_is_none(log: io.StringIO) -> None:
    app = create_app(access=None)

    @app.get("/v1/thing")
    def thing() -> None:
        raise StoreUnavailable from OSError("anna meier")

    assert lambda_entry(app)(event(), CONTEXT)["statusCode"] == 503
    assert lambda_entry(app)(event("/v1/other"), CONTEXT)["statusCode"] == 404
    failed, refused = (json.loads(each) for each in log.getvalue().splitlines())
    assert (failed["level"], failed["code"], failed["error_type"]) == ("ERROR", "store_unavailable", "OSError")
    assert (refused["level"], refused["code"]) == ("INFO", "route_not_found")
    assert "anna" not in log.getvalue()


def test_an_error_in_front_of_the_routes_is_an_answer_too(log: io.StringIO) -> None:
    broken = event() | {"headers": "anna meier"}
    answer = lambda_entry(create_app(access=None))(broken, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["request_id"]) == (500, "request-1")
    assert "anna" not in log.getvalue() + answer["body"]


def test_what_fails_without_an_answer_fails_without_words_that_it_was_given(log: io.StringIO) -> None:
    def handle(_event: dict[str, Any], _context: object) -> None:
        raise ValueError("anna meier")

    with pytest.raises(InvocationFailed, match=r"^ValueError$") as failed:
        observed(handle)({}, CONTEXT)
    assert failed.value.__suppress_context__
    assert "anna" not in log.getvalue()


def test_the_log_of_a_decision_names_nobody(log: io.StringIO) -> None:
    world = World()
    world.put_domain(minimum_enrolment_seconds=5)
    world.enroll(speech("ann"), speaker="anna-meier")
    world.authenticate(speech("ann"), speaker="anna-meier")
    [decided] = [entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["message"] == "decided"]
    told = {"domain", "decision", "decision_id", "bundle", "reasons", "policy_version", "brakes"}
    usual = {"level", "location", "timestamp", "service", "message"}
    assert decided.keys() - usual <= told | {"cold_start", "call", "correlation_id", "xray_trace_id"} | _context_keys()
    assert "anna-meier" not in log.getvalue()


def _context_keys() -> set[str]:
    """Keys that earlier invocations of this process left with the logger."""
    return {f"function_{name}" for name in ("name", "memory_size", "arn", "request_id")}


def emitted(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add":
            yield from (each.arg for each in node.keywords if each.arg)


def spelt(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in METRICS["metrics"]:
            yield f"{path.relative_to(ROOT)}: {node.value}"


def product() -> list[Path]:
    return [*(ROOT / "layers/core/python").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]


def test_what_is_emitted_is_what_the_one_place_names() -> None:
    names = {name for path in product() for name in emitted(path)}
    assert names | OF_PROBES == set(METRICS["metrics"])


def test_the_product_spells_no_metric_but_to_emit_it() -> None:
    assert [each for path in product() for each in spelt(path)] == []


def test_the_table_of_metrics_is_the_one_of_the_one_place() -> None:
    assert telemetry.TARGET.read_text() == telemetry.text(), "run `python -m local.contracts.telemetry`"


@pytest.mark.parametrize("name", METRICS["metrics"])
def test_every_metric_says_what_it_means_in_a_unit_that_cloudwatch_knows(name: str) -> None:
    assert METRICS["metrics"][name]["unit"] in {"Count", "Milliseconds", "None"}
    assert METRICS["metrics"][name]["means"].endswith(".")
