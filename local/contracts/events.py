"""Writes sample events of API Gateway to events/: `python -m local.contracts.events`.

Their audio is a tone, since no recording of a person is part of this repository.
"""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from local.aws.api.definition import ApiDefinition
from local.aws.api.front import handle
from local.aws.api.proxy import HttpRequest
from local.aws.functions.environment import InvocationResult
from local.aws.synth import synthesize
from local.aws.template import StackTemplate
from ops.synthesis import ROOT

FOLDER = ROOT / "events"
SPEAKER = "/v1/domains/acme/speakers/s-1024"
RATE = 8000
# Fixed values of fields that differ between requests.
MOMENT = {"requestTime": "01/Jun/2026:12:00:00 +0000", "requestTimeEpoch": 1780315200000}
TRACE = "Root=1-6a1d7a40-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"

type SampleRequest = tuple[str, str, Mapping[str, Any] | None]


def samples() -> dict[str, SampleRequest]:
    """Returns method, path and body by operation id."""
    audio = {"content": tone_base64(), "encoding": "pcm_s16le", "sample_rate": RATE}
    consent = {"receipt_id": "c-77", "given_at": "2026-06-01T11:58:00+00:00"}
    return {
        "get_health": ("GET", "/v1/health", None),
        "put_domain": ("PUT", "/v1/domains/acme", {"policy": {"minimum_enrolment_seconds": 30}}),
        "list_speakers": ("GET", "/v1/domains/acme/speakers?limit=2", None),
        "enroll_speaker": ("POST", f"{SPEAKER}/enrollments", {"consent": consent, "audio": audio}),
        "authenticate_caller": ("POST", f"{SPEAKER}/authentications", {"audio": audio, "context": {"call_id": "k-9"}}),
        "opt_out_speaker": ("POST", f"{SPEAKER}/opt-out", None),
    }


def tone_base64() -> str:
    """Returns half a second of 440 Hz as base64 of 16-bit samples."""
    n = np.arange(RATE // 2)
    return base64.b64encode((8000 * np.sin(2 * np.pi * 440 * n / RATE)).astype("<i2").tobytes()).decode()


def events() -> dict[str, str]:
    """Returns the JSON event of each sample request."""
    template = StackTemplate.read(synthesize(), "Bonafide-dev-Service", {})
    return {name: _event(template, name, sample) for name, sample in samples().items()}


def _event(template: StackTemplate, name: str, sample: SampleRequest) -> str:
    """Sends one request through the API and returns the event that the function receives."""
    received: list[bytes] = []

    def submit(_function: str, payload: bytes, _trace: str, _request: str) -> Future[InvocationResult]:
        received.append(payload)
        future: Future[InvocationResult] = Future()
        future.set_result(InvocationResult(b'{"statusCode": 200}'))
        return future

    method, path, body = sample
    headers = [("Accept", "application/json")]
    if method == "POST":
        headers += [("Idempotency-Key", f"sample-{name}")]
    if body:
        headers += [("Content-Type", "application/json")]
    content = json.dumps(body).encode() if body else b""
    api = ApiDefinition(template.stage(), template.routes(), {}, template.binary_types(), submit)
    handle(api, HttpRequest(f"sample-{name}", method, f"/{template.stage()}{path}", headers, "192.0.2.10", content))
    event = json.loads(received[0])
    event["requestContext"] |= MOMENT
    event["headers"] |= {"X-Amzn-Trace-Id": TRACE}
    event["multiValueHeaders"] |= {"X-Amzn-Trace-Id": [TRACE]}
    return json.dumps(event, indent=2) + "\n"


def main() -> None:
    """Writes all sample events."""
    FOLDER.mkdir(exist_ok=True)
    for name, event in events().items():
        (FOLDER / f"{name}.json").write_text(event, encoding="utf-8")


if __name__ == "__main__":
    main()
