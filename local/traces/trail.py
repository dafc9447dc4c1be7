"""The trail of a request id through logs, metrics and traces to the stored decision."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.aws.logs import documents
from local.aws.xray import Segment
from local.runner import Deployment
from local.traces.calls import TracedAnswer, TracedCalls, TracedSession

SCORING = {"decode", "find_speech", "embed"}
AUTHENTICATION = SCORING | {"find_speaker", "find_replay", "search_watchlists", "score", "decide", "store", "DynamoDB"}
# Log of the emulator, which is not deployed.
OTHER_LOGS = {"emulator.log"}


@dataclass(frozen=True, slots=True)
class TraceTelemetry:
    """Logs, traces and stored rows of the calls.

    Attributes:
        lines: JSON lines of the functions' logs, by correlation id or, of streams, by the session's request id.
        parts: segments and subsegments by trace id.
        decisions: stored decisions by id.
        evidence: request ids of evidence rows by session.
    """

    lines: Mapping[str, Sequence[Mapping[str, Any]]]
    parts: Mapping[str, Sequence[Segment]]
    decisions: Mapping[str, Mapping[str, Any]]
    evidence: Mapping[str, Sequence[str]]

    @classmethod
    def gather(cls, running: Deployment, segments: Iterable[Segment]) -> Self:
        """Reads the logs, segments and rows that exist now."""
        environment = running.functions["score_audio"].definition.environment
        tables = [environment["BONAFIDE_DECISION_TABLE"], environment["BONAFIDE_SESSION_TABLE"]]
        client = running.emulator.client("dynamodb")
        decisions, rows = (
            [item for page in client.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
            for table in tables
        )
        return cls(
            lines=_grouped((line for text in logs(running.logs) for line in _json(text)), _ids),
            parts=_grouped((part for segment in segments for part in flat(segment)), lambda part: [part["trace_id"]]),
            decisions={item["decision_id"]["S"]: json.loads(item["document"]["S"]) for item in decisions},
            evidence=_evidence(rows),
        )

    def gaps(self, calls: TracedCalls) -> Iterator[str]:
        """Yields the gaps between each request and its decision."""
        for answer in calls.decided:
            yield from (f"request {answer.request_id}: {gap}" for gap in self._authentication(answer))
        for stream in calls.streamed:
            yield from (f"session {stream.start.request_id}: {gap}" for gap in self._stream(stream))

    def _authentication(self, answer: TracedAnswer) -> Iterator[str]:
        yield from self._decision(answer.request_id, answer.document)
        yield from self._trace(answer.trace, AUTHENTICATION, {"request_id": answer.request_id})
        wanted = {name: answer.document.get(name) for name in ("domain", "decision", "bundle", "decision_id")}
        yield from self._trace(answer.trace, set(), wanted)

    def _stream(self, stream: TracedSession) -> Iterator[str]:
        request_id = stream.start.request_id
        yield from self._decision(request_id, stream.final.document)
        for chunk in stream.chunks:
            yield from self._trace(chunk.trace, {*SCORING, "audio.chunk", "Kinesis"}, {"call": request_id})
        if stream.final.document["decision_id"] not in self._annotated("decision_id"):
            yield "its decision is in no trace"
        if set(self.evidence.get(stream.start.document["session_id"], ())) != {request_id}:
            yield "its evidence has another id"

    def _decision(self, request_id: str, document: Mapping[str, Any]) -> Iterator[str]:
        name = document.get("decision_id") or "none"
        if not request_id or document.get("request_id") != request_id:
            yield "the answer has another id"
        if self.decisions.get(name, {}).get("request_id") != request_id:
            yield "the stored decision has another id"
        lines = self.lines.get(request_id, ())
        if [line["decision_id"] for line in lines if line.get("message") == "decided"] != [name]:
            yield "no single log line reports the decision"
        if not any("Decisions" in line or "Failures" in line for line in lines):
            yield "no metrics line has its id"

    def _annotated(self, name: str) -> set[str]:
        parts = (part for parts in self.parts.values() for part in parts)
        return {part["annotations"][name] for part in parts if name in part.get("annotations", {})}

    def _trace(self, trace: str, stages: set[str], annotations: Mapping[str, Any]) -> Iterator[str]:
        parts = self.parts.get(trace, ())
        yield from (f"no {name} in the trace" for name in stages - {part["name"] for part in parts})
        noted = [part.get("annotations", {}) for part in parts]
        if not any(annotations.items() <= each.items() for each in noted):
            yield f"nothing in the trace is annotated {annotations}"


def logs(folder: Path) -> list[str]:
    """Reads the logs of all functions."""
    return [path.read_text() for path in sorted(folder.glob("*.log")) if path.name not in OTHER_LOGS]


def _json(text: str) -> Iterator[Mapping[str, Any]]:
    return (document for line in text.splitlines() for document in documents(line))


def _ids(line: Mapping[str, Any]) -> list[str]:
    return [line[name] for name in ("correlation_id", "call") if line.get(name)]


def flat(segment: Segment, trace: str = "") -> Iterator[Segment]:
    """Yields a segment and its subsegments, each with the trace id."""
    trace = segment.get("trace_id", trace)
    yield {**segment, "trace_id": trace}
    for inner in segment.get("subsegments", ()):
        yield from flat(inner, trace)


def _evidence(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["item"]["S"].startswith("chunk#"):
            found[row["session"]["S"].partition("#")[2]].append(json.loads(row["document"]["S"])["request_id"])
    return found


def _grouped[T](things: Iterable[T], names: Callable[[T], Iterable[str]]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for thing in things:
        for name in names(thing):
            groups[name].append(thing)
    return groups
