"""Compares the time of a warm authentication with that of the bare graphs on the same recording.

The handler is the deployed function in its own Lambda runtime process, with the emulator's tables behind it and a new
Idempotency-Key for every call; the bare graphs are one run of each, `vad.onnx`, `speaker.onnx` and `spoof.onnx`, on
the whole recording, one thread, in this process. Both are measured in turn, so that other load on the machine affects
both.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE, load, wav
from local.aws.api.identity import LOCAL_ADMINISTRATOR
from local.runner import Deployment, deployment

BUNDLE = Path(".build/layers/model/bundle")
GRAPHS = ("vad.onnx", "speaker.onnx", "spoof.onnx")
LENGTHS = (1, 3, 5, 10, 30, 60)
ROUNDS = {1: 60, 3: 60, 5: 200, 10: 40, 30: 12, 60: 6}
DOMAIN = "benchmark"


@dataclass(frozen=True, slots=True)
class HandlerRow:
    """Milliseconds of one length of recording; shape (rounds,) each."""

    seconds: int
    handler: np.ndarray[Any, np.dtype[np.float64]]
    graphs: np.ndarray[Any, np.dtype[np.float64]]

    def table(self) -> str:
        """Returns one line of the printed table."""
        handler, graphs = float(np.median(self.handler)), float(np.median(self.graphs))
        tail = float(np.percentile(self.handler, 99)) / handler
        ratio = float(np.median(self.handler / self.graphs))
        return (
            f"{self.seconds:>7} {handler:>11.1f} {graphs:>10.1f} {ratio:>8.2f} {tail:>9.2f}"
            f" {handler / self.seconds:>15.1f} {len(self.handler):>6}"
        )


def main() -> None:
    """Prints one line for each length of recording."""
    reader = max(load().values(), key=lambda reader: len(reader.enrollment))
    graphs = [_open(BUNDLE / name) for name in GRAPHS]
    print("authentication, warm: deployed handler against bare graphs on the same recording, in turn, one thread")
    print("seconds  handler ms  graphs ms    ratio   p99/p50  ms/s of audio  calls")
    with deployment() as running:
        enroll(running, reader.enrollment[: 55 * RATE])
        for seconds in LENGTHS:
            speech = np.resize(np.concatenate(reader.clips), seconds * RATE)
            print(_measure(running, graphs, seconds, speech).table(), flush=True)


def _measure(
    running: Deployment, graphs: list[onnxruntime.InferenceSession], seconds: int, speech: Samples
) -> HandlerRow:
    body = {"audio": audio(speech)}
    inputs = {"samples": speech, "rate": np.array(RATE, np.int64)}
    pairs = [
        (_timed(lambda: authenticate(running, body)), _timed(lambda: [graph.run(None, inputs) for graph in graphs]))
        for _ in range(ROUNDS[seconds] + 3)
    ]
    return HandlerRow(seconds, *np.array(pairs[3:]).T)


SENDER = {"identity": LOCAL_ADMINISTRATOR.document()}


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def enroll(running: Deployment, speech: Samples) -> None:
    """Enrolls the reader whom all calls claim."""
    settings = {"policy": {"minimum_enrolment_seconds": 10}}
    _call(running, "manage_domains", "PUT", f"/v1/domains/{DOMAIN}", settings)
    consent = {"receipt_id": "benchmark", "given_at": "2026-01-01T00:00:00Z"}
    body = {"consent": consent, "audio": audio(speech)}
    _call(running, "enroll_speaker", "POST", f"/v1/domains/{DOMAIN}/speakers/reader/enrollments", body)


def authenticate(running: Deployment, body: dict[str, Any]) -> None:
    """Authenticates as the enrolled reader."""
    path = f"/v1/domains/{DOMAIN}/speakers/reader/authentications"
    _call(running, "authenticate_caller", "POST", path, body)


def audio(speech: Samples) -> dict[str, str]:
    """Returns speech, shape (n,) at RATE, as the API takes it."""
    return {"content": base64.b64encode(wav(speech)).decode()}


def _call(running: Deployment, function: str, method: str, path: str, body: dict[str, Any]) -> None:
    headers = {"content-type": "application/json", "idempotency-key": str(uuid.uuid4())}
    event: dict[str, Any] = {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"requestId": str(uuid.uuid4()), "stage": "dev", "resourcePath": path, **SENDER},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    # Not sampled, as most requests are.
    trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0"
    payload = json.dumps(event).encode()
    answer = json.loads(running.submit(function, payload, trace, event["requestContext"]["requestId"]).result().payload)
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])


if __name__ == "__main__":
    main()
