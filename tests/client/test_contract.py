"""The client's calls and the shapes of its answers, held against the contract."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from bonafide.contracts.risk.calls import CallDetails
from bonafide.contracts.speakers import ConsentReceipt
from bonafide.records.speaker import Consent
from bonafide_client import Client, DecisionQuery, InvalidIdentifier, answers, bodies
from bonafide_client.calls.risk import CallRiskDocument, CallRiskReasonDocument
from local.aws.http import HttpHandler, LoopbackServer

CONTRACT: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[2] / "layers/core/python/bonafide/openapi.json").read_text()
)
SHAPES = {
    answers.DomainDocument: "Domain",
    answers.AuditEntryDocument: "AuditEntry",
    answers.AuditPageDocument: "AuditPage",
    answers.BrakeDocument: "Brake",
    answers.BrakeChangeDocument: "BrakeChange",
    answers.SpeakerDocument: "Speaker",
    answers.SpeakerPageDocument: "SpeakerList",
    answers.EnrollmentDocument: "Enrollment",
    answers.ContributionDocument: "ContributionEntry",
    answers.ContributionsDocument: "ContributionList",
    answers.DecisionDocument: "AuthenticationDecision",
    answers.UploadDocument: "Upload",
    answers.SessionDocument: "Session",
    answers.ReceiptDocument: "ChunkReceipt",
    answers.EvaluationDocument: "SessionEvaluation",
    answers.LedgerEntryDocument: "LedgerEntry",
    answers.LedgerPageDocument: "LedgerPage",
    CallRiskDocument: "CallRiskReport",
    CallRiskReasonDocument: "CallRiskReason",
    answers.EvidenceDocument: "SpeakerEvidence",
    answers.LivenessDocument: "LivenessEvidence",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_answer_has_the_fields_of_the_contract(shape: type) -> None:
    assert set(get_type_hints(shape)) == set(CONTRACT["components"]["schemas"][SHAPES[shape]]["properties"])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_may_be_missing_is_typed_so(shape: type) -> None:
    properties = CONTRACT["components"]["schemas"][SHAPES[shape]]["properties"]
    nullable = {name for name, each in properties.items() if {"type": "null"} in each.get("anyOf", ())}
    assert {name for name, hint in get_type_hints(shape).items() if type(None) in getattr(hint, "__args__", ())} == (
        nullable
    )


CALL = {"caller_number": "+12025550143", "attestation": "A"}


class Recorder:
    """Answers everything with one document, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.endpoint = ""

    def answer(self, handler: HttpHandler) -> None:
        self.seen.append((handler.command, handler.path.removeprefix("/dev")))
        self.bodies.append(handler.read_body(1 << 25))
        page = {
            "speakers": [{"speaker": "ann"}],
            "decisions": [{"decision_id": "d"}],
            "next_cursor": None if "cursor" in handler.path else "b&c",
        }
        upload = {"upload": "u-1", "url": f"{self.endpoint}/bucket/u-1?signature=x"}
        document = {"session_id": "s", "status": "FINAL", **page, **upload}
        handler.answer(200, [], json.dumps(document).encode())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()

    class Scripted(HttpHandler):
        def serve(self) -> None:
            recorder.answer(self)

    for method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
        setattr(Scripted, f"do_{method}", Scripted.serve)
    server = LoopbackServer(0, Scripted)
    server.start()
    recorder.endpoint = f"http://{server.address}/dev"
    yield recorder
    server.stop()


# What a contact center never calls; `ops` does.
OF_MODEL_ENGINEERS = "models"


def call_everything(client: Client) -> None:
    consent = bodies.consent("form-17")
    client.health()
    client.put_domain("acme", {"minimum_enrolment_seconds": 6})
    client.get_domain("acme")
    client.delete_domain("acme")
    for domain in (None, "acme"):
        client.set_brake("incident 7", domain)
        client.release_brake("incident 7 is over", domain)
        client.brake(domain)
        client.audit(domain)
    client.propose_calibration("acme", {}, "new headsets")
    client.calibrations("acme")
    client.calibration("acme", 1)
    client.promote_calibration("acme", 1, "as good as it said")
    client.revoke_calibration("acme", 1, "headsets are gone")
    client.create_upload("acme", 5)
    client.enroll("acme", "ann", b"RIFF", consent)
    client.authenticate("acme", "ann", b"RIFF", call_id="call-42")
    client.get_speaker("acme", "ann")
    client.delete_speaker("acme", "ann")
    client.list_speakers("acme")
    client.opt_out("acme", "ann")
    client.start_session("acme", {"encoding": "wav"})
    client.get_session("acme", "s")
    client.claim("acme", "s", "ann")
    client.put_audio("acme", "s", 0, b"audio")
    client.end_session("acme", "s", 1)
    client.evaluate("acme", "s")
    client.get_decision("acme", "d")
    client.list_decisions("acme")
    client.domain_versions("acme")
    client.domain_version("acme", 1)
    client.attempts("acme", "ann")
    client.reset_attempts("acme", "a new telephone", speaker="ann")
    client.export("acme", "ann")
    client.contributions("acme", "ann")
    client.take_back_contribution("acme", "ann", "c")
    client.erasures("acme")
    client.erasure("acme", "e")


def call_everything_of_outcomes(client: Client) -> None:
    client.state_outcome("acme", "d", "fraud", attack="synthetic")
    client.performance("acme")
    client.reviews("acme", decision="ACCEPT")


def call_everything_of_policies(client: Client) -> None:
    client.policies("acme", before=7)
    client.policy("acme", 2)
    client.stage_policy("acme", {"step_up_cost": 2.0}, "callers complain")
    client.staged_policy("acme")
    client.withdraw_policy("acme")
    client.staged_report("acme", 3)
    client.activate_policy("acme", 3, "tried", etag='"1-1"')
    client.roll_back_policy("acme", 2, "worse")
    client.what_if("acme", {"step_up_cost": 2.0}, begin="2026-01-01T00:00:00Z")


def call_everything_of_settings(client: Client) -> None:
    client.patch_domain("acme", {"policy": {"claim_limit": 1}}, '"1-1"')


def test_the_methods_are_the_calls_of_the_contract(recorder: Recorder) -> None:
    with Client(recorder.endpoint) as client:
        call_everything(client)
        call_everything_of_outcomes(client)
        call_everything_of_settings(client)
        call_everything_of_policies(client)
    names = {
        "domain": "acme",
        "speaker": "ann",
        "session": "s",
        "n": "0",
        "decision_id": "d",
        "version": 1,
        "erasure_id": "e",
        "contribution": "c",
        "policy_version": 2,
    }
    offered = {
        (method.upper(), path.format(**names))
        for path, methods in CONTRACT["paths"].items()
        for method, operation in methods.items()
        if operation.get("tags") != [OF_MODEL_ENGINEERS]
    }
    assert {(method, path.partition("?")[0]) for method, path in recorder.seen} == offered


def test_who_calls_and_all_of_a_consent_are_sent_if_they_are_stated(recorder: Recorder) -> None:
    given, until = datetime(2026, 1, 31, 10, tzinfo=UTC), datetime(2027, 1, 31, tzinfo=UTC)
    receipt = bodies.consent("form-17", given, purpose="calls", notice_version="3", expires_at=until)
    with Client(recorder.endpoint) as client:
        client.enroll("acme", "ann", b"RIFF", receipt)
        client.enroll("acme", "ann", b"RIFF", bodies.consent("form-17", given))
        client.authenticate("acme", "ann", b"RIFF", call_id="call-42", caller="c-1", call=CALL)
        client.start_session("acme", {"encoding": "wav"}, caller="c-1", call=CALL)
        client.authenticate("acme", "ann", b"RIFF")
    full, plain, one_shot, session, bare = map(json.loads, recorder.bodies)
    assert ConsentReceipt.model_validate(full["consent"]).to_record() == Consent("form-17", given, "calls", "3", until)
    assert set(plain["consent"]) == {"receipt_id", "given_at"}
    assert one_shot["context"] == {"call_id": "call-42", "caller": "c-1"}
    assert (session["context"], "context" in bare) == ({"caller": "c-1"}, False)
    assert (one_shot["call"], session["call"], "call" in bare) == (CALL, CALL, False)
    assert CallDetails.model_validate(one_shot["call"]).to_record()


def test_a_recording_that_is_too_long_to_travel_inside_is_uploaded(recorder: Recorder) -> None:
    content = bytes(bodies.MAX_INLINE_CHARACTERS)
    with Client(recorder.endpoint) as client:
        client.authenticate("acme", "ann", content)
    assert [path.partition("?")[0] for _, path in recorder.seen] == [
        "/v1/domains/acme/uploads",
        "/bucket/u-1",
        "/v1/domains/acme/speakers/ann/authentications",
    ]
    assert json.loads(recorder.bodies[0]) == {"content_length": len(content)}
    assert recorder.bodies[1] == content
    assert json.loads(recorder.bodies[2]) == {"audio": {"upload": "u-1"}}


def test_what_fits_inside_is_within_the_limit() -> None:
    most = bodies.MAX_INLINE_CHARACTERS // 4 * 3
    assert [bodies.fits_inline(bytes(size)) for size in (most - 3, most - 2, most + 1)] == [True, False, False]
    assert len(bodies.in_base64(bytes(most - 3))) <= bodies.MAX_INLINE_CHARACTERS


def test_all_speakers_are_read_page_by_page(recorder: Recorder) -> None:
    with Client(recorder.endpoint) as client:
        assert [each["speaker"] for each in client.speakers("acme")] == ["ann", "ann"]
    assert recorder.seen[1][1].endswith("/speakers?cursor=b%26c")


def test_decisions_are_read_page_by_page_with_the_query_of_the_first(recorder: Recorder) -> None:
    with Client(recorder.endpoint) as client:
        found = list(client.decisions("acme", DecisionQuery(begin="2026-01-01T00:00:00Z", speaker="ann", limit=1)))
    assert [each["decision_id"] for each in found] == ["d", "d"]
    query = "from=2026-01-01T00%3A00%3A00Z&speaker=ann&limit=1"
    assert [path for _, path in recorder.seen] == [
        f"/v1/domains/acme/decisions?{query}",
        f"/v1/domains/acme/decisions?{query}&cursor=b%26c",
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "é", "x" * 65, "-a", "a\n", "../../x?y"])
def test_a_name_that_would_lead_to_another_resource_is_never_sent(recorder: Recorder, name: str) -> None:
    with Client(recorder.endpoint) as client:
        calls: list[Callable[[], object]] = [
            lambda: client.delete_speaker("acme", name),
            lambda: client.delete_domain(name),
            lambda: client.get_session("acme", name),
            lambda: client.get_decision("acme", name),
        ]
        for call in calls:
            with pytest.raises(InvalidIdentifier):
                call()
    assert recorder.seen == []
