"""Follows requests through logs, metrics and traces: `python -m local.traces --calls 1000`.

Runs a deployment with an X-Ray daemon, and shows that one id leads from each request to its stored decision, and that
neither logs nor traces nor metrics contain names, audio or embeddings.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from layers.golden.readers import load
from local.aws.xray import Segment, XRayDaemon
from local.runner import ExtraServices, deployment
from local.traces.calls import TracedCaller, TracedCalls
from local.traces.leaks import leaks
from local.traces.trail import TraceTelemetry, logs


def main() -> None:
    """Prints the findings; exits with 1 if a decision cannot be traced or anything leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    number = parser.parse_args().calls
    voices = {name: reader.enrollment for name, reader in list(load().items())[:2]}
    daemon = XRayDaemon()
    services = ExtraServices(variables={"AWS_XRAY_DAEMON_ADDRESS": daemon.address})
    with tempfile.TemporaryDirectory() as folder, deployment(logs=Path(folder), services=services) as running:
        calls = TracedCaller(running.endpoint, "traced", voices).run(number)
        daemon.stop()
        written = logs(Path(folder))
        gaps = list(TraceTelemetry.gather(running, daemon.segments).gaps(calls))
    found = [leak for text in (*written, json.dumps(daemon.segments)) for leak in leaks(text, calls.marker)]
    _report(calls, written, daemon.segments)
    _show("gaps between a request and its decision", gaps)
    _show("names, audio or embeddings in logs, traces and metrics", found)
    sys.exit(bool(gaps or found))


def _report(calls: TracedCalls, written: list[str], segments: list[Segment]) -> None:
    decisions = Counter(answer.document["decision"] for answer in calls.decided)
    decisions.update(session.final.document["decision"] for session in calls.streamed)
    size = sum(map(len, written)) + len(json.dumps(segments))
    print(f"{calls.number} calls: {len(calls.decided)} at once, {len(calls.streamed)} streamed", end=", ")
    print(f"{len(calls.refused)} refused; decisions {dict(decisions)}")
    print(f"{sum(text.count(chr(10)) for text in written)} lines of log, {len(segments)} segments, {size} characters")


def _show(what: str, entries: list[str]) -> None:
    print(f"{what}: {len(entries)}")
    for entry in entries[:20]:
        print(f"  {entry}")


if __name__ == "__main__":
    main()
