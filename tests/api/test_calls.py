"""What is known of a call, over REST: validated, weighed, and told."""

from typing import Any

import pytest

from tests.api.parts import Api, audio, enrol
from tests.readings import reading

PHONE = "+12025550143"
SAID = {
    "caller_number": PHONE,
    "claimed_country": "US",
    "device": "phone-1",
    "sip_headers": {"From": f"<sip:{PHONE}@10.0.0.1;verstat=TN-Validation-Passed-A>", "ISUP-OLI": "62"},
}


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ({"caller_number": "2025550143"}, "call.caller_number"),
        ({"attestation": "D"}, "call.attestation"),
        ({"sip_headers": {"From": "x" * 2049}}, "call.sip_headers.From"),
        ({"number": PHONE}, "call.number"),
        ([], "call"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_named(api: Api, domain: str, call: Any, field: str) -> None:
    body = {"format": {"encoding": "mulaw", "sample_rate": 8000}, "call": call}
    answer = api.call("POST", f"/v1/domains/{domain}/sessions", body)
    assert (answer.status, answer.code) == (400, "request_invalid")
    assert field in {each["field"] for each in answer.document["errors"]}


def test_a_call_is_weighed_with_the_voice_and_known_the_next_time(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    path = f"/v1/domains/{domain}/speakers/grace"
    first, second = (
        api.call("POST", f"{path}/authentications", {"audio": audio(reading("train_grace", 2)), "call": SAID}).document
        for _ in range(2)
    )
    assert first["call_risk"]["reasons"] == [{"code": "ATTESTATION_A", "nats": -0.4}]
    assert {each["code"] for each in second["call_risk"]["reasons"]} == {
        "ATTESTATION_A",
        "DEVICE_KNOWN",
        "NUMBER_KNOWN",
    }
    entry = api.call("GET", f"/v1/domains/{domain}/decisions/{second['decision_id']}").document
    assert (entry["call_risk"]["version"], entry["call_risk"]["nats"]) == ("expert-1", -1.5)
    exported = api.call("GET", f"{path}/export")
    assert {each["kind"] for each in exported.document["known_calls"]} == {"number", "device", "country"}
    assert PHONE[1:].encode() not in exported.content


def test_a_call_is_said_at_the_start_of_a_session(api: Api, domain: str) -> None:
    body = {"format": {"encoding": "mulaw", "sample_rate": 8000}, "call": SAID}
    started = api.call("POST", f"/v1/domains/{domain}/sessions", body).document
    found = api.call("GET", f"/v1/domains/{domain}/sessions/{started['session_id']}/evaluation").document
    assert (found["decision"], found["degraded"]) == ("INCONCLUSIVE", [])
    assert [each["code"] for each in found["call_risk"]["reasons"]] == ["ATTESTATION_A"]
