"""SIP headers as Amazon Connect passes them, and what a request may say of a call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bonafide.biometrics.risk.facts import Attestation, CallFlag, CallReference, LineType, Verstat
from bonafide.contracts.risk.calls import CallDetails
from bonafide.contracts.risk.sip import read_headers, read_verstat
from bonafide.records.risk.call import StatedCall

PHONE, HOTLINE = "+12025550143", "+18005550100"
CONNECT = {
    "P-Charge-Info": "sip:+12025550143@10.0.0.1;npi=ISDN;noa=2",
    "From": f'"Ann" <sip:{PHONE}@10.0.0.1:5060;verstat=TN-Validation-Passed-A>;tag=gK0c',
    "To": f"<sip:{HOTLINE}@10.0.0.2>",
    "ISUP-OLI": "62",
    "JIP": "202555",
    "Hop-Counter": "7",
    "Originating-Switch": "a",
    "Originating-Trunk": "b",
    "Call-Forwarding-Indicator": "",
    "Calling-Party-Address": PHONE,
    "Called-Party-Address": HOTLINE,
}


def stated(**call: Any) -> StatedCall | None:
    return CallDetails.model_validate(call).to_record()


def test_the_headers_of_a_call_as_connect_passes_them() -> None:
    found = stated(sip_headers=CONNECT)
    references = {CallReference.NUMBER: PHONE}
    assert found == StatedCall(references, Attestation.A, Verstat.PASSED, LineType.MOBILE)


def test_what_is_said_wins_over_the_headers() -> None:
    said = {
        "caller_number": "+442079460000",
        "attestation": "B",
        "verstat": "No-TN-Validation",
        "line_type": "landline",
    }
    found = stated(sip_headers=CONNECT, **said)
    references = {CallReference.NUMBER: "+442079460000"}
    assert found == StatedCall(references, Attestation.B, Verstat.NONE, LineType.LANDLINE)


@pytest.mark.parametrize(
    ("headers", "flags"),
    [
        ({"From": "<sip:anonymous@anonymous.invalid>;tag=1"}, {CallFlag.WITHHELD}),
        ({"from": f"<sip:{PHONE}@x>", "to": f"<tel:{PHONE}>"}, {CallFlag.MIRRORED}),
        ({"Diversion": f"<sip:{HOTLINE}@x>;reason=no-answer"}, {CallFlag.FORWARDED}),
        ({"Call-Forwarding-Indicator": "no"}, set()),
        ({"From": f"<sip:{PHONE}@x>", "P-Charge-Info": "<sip:2025550143@x>"}, set()),
        ({"From": f"<sip:{PHONE}@x>", "P-Charge-Info": f"<sip:{HOTLINE}@x>"}, {CallFlag.CHARGED_ELSEWHERE}),
        ({"From": "<sip:2025550143@x>"}, set()),
    ],
)
def test_peculiarities_of_a_call(headers: dict[str, str], flags: set[CallFlag]) -> None:
    found = stated(sip_headers=headers)
    assert set(found.flags if found else ()) == flags


def test_a_number_in_national_form_is_no_reference() -> None:
    assert stated(sip_headers={"From": "<sip:2025550143@x>"}) is None
    asserted = {"P-Asserted-Identity": f"<tel:{PHONE}>", "From": "<sip:anonymous@anonymous.invalid>"}
    assert stated(sip_headers=asserted) == StatedCall({CallReference.NUMBER: PHONE})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TN-Validation-Passed", (Verstat.PASSED, None)),
        ("tn-validation-passed-b", (Verstat.PASSED, Attestation.B)),
        ("No-TN-Validation", (Verstat.NONE, None)),
        ("TN-Validation-Failed-C", (Verstat.FAILED, Attestation.C)),
    ],
)
def test_a_verification_status_may_name_the_attestation(text: str, found: tuple[Verstat, Attestation | None]) -> None:
    assert read_verstat(text) == found


@pytest.mark.parametrize(
    ("text", "number", "verstat"),
    [
        ('"verstat=TN-Validation-Passed-A" <sip:+1999;verstat=TN-Validation-Failed>', None, Verstat.FAILED),
        (f'"sip:{PHONE}" <sip:+19995550100@x;verstat=No-TN-Validation>;tag=1', "+19995550100", Verstat.NONE),
        (rf'"a\" <sip:{PHONE}> " <sip:+19995550100@x>', "+19995550100", None),
        (f'sip:{PHONE} "a" <sip:+19995550100@x>', None, None),
        (f";verstat=TN-Validation-Passed {PHONE} <sip:+19995550100@x>", "+19995550100", None),
        (f'"Ann <sip:{PHONE};verstat=TN-Validation-Passed>', None, None),
        (f'"Ann" sip:{PHONE};verstat=TN-Validation-Passed', None, None),
        (f"<sip:ann@x>;verstat=TN-Validation-Passed;by=<tel:{PHONE}>", None, None),
        (f"<sip:ann@x>, <tel:{PHONE};verstat=TN-Validation-Passed>", PHONE, Verstat.PASSED),
        (f"sip:{PHONE};verstat=TN-Validation-Passed@x;user=phone", PHONE, Verstat.PASSED),
    ],
)
def test_only_the_uri_is_read_since_callers_choose_the_name(
    text: str, number: str | None, verstat: Verstat | None
) -> None:
    found = read_headers({"From": text})
    assert (found.number, found.verstat, found.attestation) == (number, verstat, None)


def test_a_displayed_name_withholds_nothing() -> None:
    assert read_headers({"From": f'"sip:anonymous@anonymous.invalid" <sip:{PHONE}@x>'}).flags == frozenset()


@given(st.dictionaries(st.sampled_from([*CONNECT, "P-Asserted-Identity", "Diversion"]), st.text(max_size=80)))
def test_whatever_a_carrier_sends_is_read(headers: dict[str, str]) -> None:
    read_headers(headers)


@pytest.mark.parametrize(
    "call",
    [
        {"caller_number": "2025550143"},
        {"caller_number": "+0205550143"},
        {"caller_number": "+1202555014312345"},
        {"caller_number": 12025550143},
        {"dialed_number": "+1"},
        {"attestation": "D"},
        {"verstat": "passed"},
        {"line_type": "satellite"},
        {"carrier": ""},
        {"carrier": "x" * 65},
        {"device": "has spaces"},
        {"device": "x" * 257},
        {"channel": ""},
        {"claimed_country": "usa"},
        {"sip_headers": {"From": "x" * 2049}},
        {"sip_headers": {"Fr om": "x"}},
        {"sip_headers": {f"X-{number}": "x" for number in range(41)}},
        {"number": PHONE},
    ],
)
def test_what_cannot_be_meant_is_refused(call: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CallDetails.model_validate(call)
