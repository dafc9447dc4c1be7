import base64
import json
from pathlib import Path

import pytest

from bonafide.audio.decode import decode
from bonafide.contracts.authentications import AuthenticationRequest
from bonafide.contracts.base import Request
from bonafide.contracts.domains import DomainSettings
from bonafide.contracts.speakers import EnrollmentRequest
from local.contracts.events import FOLDER, events

BODIES: dict[str, type[Request]] = {
    "put_domain": DomainSettings,
    "enroll_speaker": EnrollmentRequest,
    "authenticate_caller": AuthenticationRequest,
}


def test_the_sample_events_are_those_that_the_api_makes(assembly: Path) -> None:
    written = {path.stem: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == events()


@pytest.mark.parametrize("name", BODIES)
def test_the_sample_bodies_are_those_of_the_contract(name: str) -> None:
    event = json.loads((FOLDER / f"{name}.json").read_text())
    BODIES[name].model_validate_json(event["body"])


def test_the_sample_audio_can_be_decoded() -> None:
    event = json.loads((FOLDER / "authenticate_caller.json").read_text())
    audio = AuthenticationRequest.model_validate_json(event["body"]).audio
    content = base64.b64decode(audio.content or "")
    assert decode(content, encoding=audio.encoding, rate=audio.sample_rate).seconds == 0.5
