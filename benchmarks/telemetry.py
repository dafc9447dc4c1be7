"""Measures the telemetry of an authentication: log, metrics and trace of one decision, without the decision.

Each row is a process with the environment of Lambda; nothing listens at the daemon's address.
"""

import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

ROUNDS = 2000
STAGES = (
    "decode",
    "find_speech",
    "find_speaker",
    "find_replay",
    "embed",
    "search_watchlists",
    "score",
    "decide",
    "store",
)
AWS_CALLS = 4
TRACE = "Root=1-6a1d7a40-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled="
CONTEXT: Any = SimpleNamespace(
    function_name="authenticate_caller", memory_limit_in_mb=1769, invoked_function_arn="arn", aws_request_id="id"
)
EVENT = {"requestContext": {"requestId": "3353a1d7-fbac-4a81-aa72-038b9d43112d"}}
MODEL: Any = SimpleNamespace(name="PutItem", service_model=SimpleNamespace(service_id="DynamoDB"))


def main() -> None:
    """Prints the time of one decision's telemetry, for traces that are kept and that are not."""
    print("telemetry of one authentication, ms", "p50", "p99", sep="\t", flush=True)
    for sampled in (0, 1):
        environment = os.environ | {
            "LAMBDA_TASK_ROOT": "/var/task",
            "POWERTOOLS_SERVICE_NAME": "authenticate_caller",
            "_X_AMZN_TRACE_ID": f"{TRACE}{sampled}",
        }
        command = [sys.executable, "-m", "benchmarks.telemetry", "one"]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        print("trace kept" if sampled else "trace not kept", done.stderr.decode().strip(), sep="\t", flush=True)


def one() -> None:
    """Measures in this process; its stdout is dropped."""
    # Imported here, since they read the environment at import.
    from bonafide.adapters import tracing  # noqa: PLC0415
    from bonafide.observability import annotate, logger, measurements, observed, stage  # noqa: PLC0415

    def handle(_event: dict[str, Any], _context: object) -> None:
        for name in STAGES:
            with stage(name):
                continue
        for _ in range(AWS_CALLS):
            tracing.begin(MODEL, context := dict[str, Any]())
            tracing.end(SimpleNamespace(status_code=200), context)
        annotate(domain="acme", decision="ACCEPT", bundle="b" * 64, decision_id="d" * 36)
        logger.info("decided", extra={"domain": "acme", "decision": "ACCEPT", "bundle": "b" * 64})
        measurements.add_decision("acme", "ACCEPT", 9.9, 55.0)
        measurements.add(Failures=False, RequestLatency=56.0)

    entry = observed(handle, "requestContext.requestId")
    times = [_timed(lambda: entry(EVENT, CONTEXT)) for _ in range(ROUNDS)][ROUNDS // 10 :]
    print(f"{np.percentile(times, 50):.2f}", f"{np.percentile(times, 99):.2f}", sep="\t", file=sys.stderr)


def _timed(call: Any) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    one() if sys.argv[1:] else main()
