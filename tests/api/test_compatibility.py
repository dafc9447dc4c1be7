"""The contract evolves by adding: what was released stays."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bonafide.http.openapi import document
from tests.api.compatibility import breaking_changes

RELEASED = json.loads((Path(__file__).parents[2] / "docs/contracts/openapi-v1.json").read_text())
DOMAIN = "/v1/domains/{domain}"
SPEAKERS = f"{DOMAIN}/speakers"
ENROL = f"{SPEAKERS}/{{speaker}}/enrollments"

type Edit = Callable[[dict[str, Any]], object]


def schema(contract: dict[str, Any], name: str) -> Any:
    return contract["components"]["schemas"][name]


def mutated(edit: Edit) -> dict[str, Any]:
    contract: dict[str, Any] = copy.deepcopy(RELEASED)
    edit(contract)
    return contract


def test_what_was_released_is_kept() -> None:
    assert breaking_changes(RELEASED, json.loads(document())) == []


BREAKING: dict[str, Edit] = {
    "path removed": lambda c: c["paths"].pop(ENROL),
    "method removed": lambda c: c["paths"][DOMAIN].pop("get"),
    "status removed": lambda c: c["paths"][DOMAIN]["get"]["responses"].pop("404"),
    "media type changed": lambda c: c["paths"][DOMAIN]["get"]["responses"]["200"].update(content={"text/xml": {}}),
    "signature asked for": lambda c: c["paths"]["/v1/health"]["get"].pop("security"),
    "parameter removed": lambda c: c["paths"][SPEAKERS]["get"]["parameters"].pop(),
    "parameter required": lambda c: c["paths"][SPEAKERS]["get"]["parameters"][-1].update(required=True),
    "parameter narrowed": lambda c: c["paths"][SPEAKERS]["get"]["parameters"][-1]["schema"].update(maximum=50.0),
    "body required": lambda c: c["paths"][f"{DOMAIN}/uploads"]["post"].update(
        requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    ),
    "request field required": lambda c: schema(c, "AudioInput").update(required=["encoding"]),
    "request field removed": lambda c: schema(c, "AudioInput")["properties"].pop("channel"),
    "request field of another type": lambda c: schema(c, "AudioInput")["properties"]["channel"]["anyOf"].pop(0),
    "request enum narrowed": lambda c: schema(c, "Encoding")["enum"].pop(),
    "request bound raised": lambda c: schema(c, "RetentionSettings")["properties"]["decision_days"].update(minimum=2.0),
    "request length cut": lambda c: schema(c, "AudioInput")["properties"]["upload"]["anyOf"][0].update(maxLength=9),
    "request pattern changed": lambda c: schema(c, "ConsentReceipt")["properties"]["receipt_id"].update(pattern="^a$"),
    "request number made integer": lambda c: schema(c, "PolicySettings")["properties"][
        "minimum_enrolment_seconds"
    ].update(type="integer"),
    "answer field removed": lambda c: schema(c, "Speaker")["properties"].pop("status"),
    "answer field may be missing": lambda c: schema(c, "Speaker")["required"].remove("status"),
    "answer field of another type": lambda c: schema(c, "Speaker")["properties"]["total_speech_seconds"].update(
        type="string"
    ),
    "answer field may be null": lambda c: schema(c, "Enrollment")["properties"].update(
        bundle={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "answer item changed": lambda c: schema(c, "AuthenticationDecision")["properties"]["degraded"].update(
        items={"type": "object"}
    ),
    "problem field removed": lambda c: schema(c, "Problem")["properties"].pop("code"),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_is_found(change: str) -> None:
    assert breaking_changes(RELEASED, mutated(BREAKING[change]))


COMPATIBLE: dict[str, Edit] = {
    "nothing": lambda c: None,
    "path added": lambda c: c["paths"].update({"/v1/new": c["paths"]["/v1/health"]}),
    "status added": lambda c: c["paths"][DOMAIN]["get"]["responses"].update({"418": {"description": "Teapot"}}),
    "optional parameter added": lambda c: c["paths"][SPEAKERS]["get"]["parameters"].append(
        {"in": "query", "name": "status", "required": False, "schema": {"type": "string"}}
    ),
    "optional request field added": lambda c: schema(c, "AudioInput")["properties"].update(gain={"type": "number"}),
    "answer field added": lambda c: schema(c, "Speaker")["properties"].update(note={"type": "string"}),
    "request enum widened": lambda c: schema(c, "Encoding")["enum"].append("opus"),
    "request bound lowered": lambda c: schema(c, "PolicySettings")["properties"]["minimum_enrolment_seconds"].update(
        minimum=1.0
    ),
    "answer no longer null": lambda c: schema(c, "QualityReport")["properties"].update(snr_db={"type": "number"}),
    "descriptions": lambda c: schema(c, "Speaker").update(description="Somebody."),
}


@pytest.mark.parametrize("change", COMPATIBLE)
def test_an_addition_breaks_nothing(change: str) -> None:
    assert breaking_changes(RELEASED, mutated(COMPATIBLE[change])) == []


def test_a_break_is_named_by_its_place() -> None:
    (found,) = breaking_changes(RELEASED, mutated(BREAKING["request field removed"]))[:1]
    assert "authentications request.audio.channel: is no longer taken" in found
