"""The training's state machine as it runs on the emulator; training jobs are played by functions."""

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from local.cloud.workflow.job import JobFailedError
from local.cloud.workflow.machine import Execution, LocalMachine
from local.cloud.workflow.timeline import Timeline
from local.cloud.workflow.worker import WorkflowWorker
from tests.local.cloud.workflow.graphs import BUCKET, small_graph, workflow

DIGEST = "d" * 64


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        yield running


@dataclass
class PlayedJobs:
    """Jobs that fail as often as they are told to; the last one registers what was trained.

    Attributes:
        s3: client.
        failures: reasons of failures by stage, the first one first.
        noted: metadata that the registering job leaves.
        runs: how often each stage was run, with its shard.
    """

    s3: Any
    failures: dict[str, list[str]] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)

    def run(self, request: Mapping[str, Any], _stopped: threading.Event) -> dict[str, Any]:
        words = request["AlgorithmSpecification"]["ContainerArguments"]
        run = words[words.index("--run") + 1]
        name = words[1] + (f" {words[words.index('--shard') + 1]}" if "--shard" in words else "")
        self.runs[name] += 1
        if reasons := self.failures.get(name):
            description = {"TrainingJobStatus": "Failed", "FailureReason": reasons.pop(0)}
            raise JobFailedError(json.dumps(description, separators=(",", ":")))
        if words[0] == "register":
            noted = {"digest": DIGEST, "sequence": "4", "gates": "passed", "champion": "false", **self.noted}
            self.s3.put_object(Bucket=BUCKET, Key=f"runs/{run}/registered", Body=b"", Metadata=noted)
        return {}


@dataclass
class PlayedHistory:
    """Answers polls of the registry's history, one page each; the last page stays."""

    pages: list[list[dict[str, Any]]]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/dev"

    def __enter__(self) -> "PlayedHistory":
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.pop(0) if len(pages) > 1 else pages[0]
                body = json.dumps({"entries": page}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def entry(sequence: int, action: str, digest: str = DIGEST) -> dict[str, Any]:
    return {"sequence": sequence, "action": action, "digest": digest}


PROMOTED = [
    [entry(4, "REGISTERED")],
    [entry(5, "PROMOTION_REQUESTED"), entry(4, "REGISTERED")],
    [entry(7, "CHALLENGED", "e" * 64), entry(6, "PROMOTED"), entry(5, "PROMOTION_REQUESTED")],
]

type Play = Callable[..., tuple[Execution, PlayedJobs, Timeline]]


@pytest.fixture
def play(aws: Emulator, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs the machine of the small graph with what jobs and the registry are told to do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = request.node.name.replace("[", "-").replace("]", "")[:60]

    def run(pages: list[list[dict[str, Any]]], **told: Any) -> tuple[Execution, PlayedJobs, Timeline]:
        definition = workflow(small_graph(tmp_path)).definition()
        machine = LocalMachine.create(aws.client, name, definition, wait=0)
        despite_gates = told.pop("despite_gates", False)
        jobs, timeline = PlayedJobs(aws.client("s3"), **told), Timeline(io.StringIO())
        with PlayedHistory(pages) as registry:
            clients = aws.client("sqs"), aws.client("stepfunctions")
            with WorkflowWorker(*clients, machine.queue, jobs, registry.endpoint, timeline):
                return machine.wait(machine.start(name, despite_gates=despite_gates)), jobs, timeline

    return run


def test_every_stage_runs_once_and_each_of_its_shards(play: Play) -> None:
    execution, jobs, _ = play(PROMOTED)
    assert execution == Execution("SUCCEEDED")
    candidate = ".build/training/tiny/candidate"
    assert jobs.runs == dict.fromkeys(["upper", "letters", "parts 0", "parts 1", "candidate", candidate], 1)


def test_a_failed_stage_is_named_with_its_reason(play: Play) -> None:
    execution, jobs, _ = play(PROMOTED, failures={"parts 1": ["AlgorithmError: no letters, exit code: 1"]})
    assert (execution.status, execution.error) == ("FAILED", "StageFailed.parts")
    assert "AlgorithmError: no letters" in execution.cause
    assert jobs.runs["parts 1"] == 1
    assert jobs.runs["candidate"] == 0


def test_a_job_that_found_no_capacity_is_run_again_and_no_other(play: Play) -> None:
    capacity = "CapacityError: Unable to provision requested ML compute capacity"
    execution, jobs, _ = play(PROMOTED, failures={"upper": [capacity, capacity]})
    assert (execution.status, jobs.runs["upper"], jobs.runs["letters"]) == ("SUCCEEDED", 3, 1)


def test_capacity_that_stays_away_ends_as_a_failed_stage(play: Play) -> None:
    execution, jobs, _ = play(PROMOTED, failures={"upper": ["CapacityError: none"] * 10})
    assert (execution.error, jobs.runs["upper"]) == ("StageFailed.upper", 6)


def test_a_candidate_whose_gates_failed_is_registered_and_not_waited_for(play: Play) -> None:
    execution, _, _ = play(PROMOTED, noted={"gates": "failed"})
    assert execution.error == "GatesFailed"
    assert DIGEST in execution.cause


def test_a_run_may_wait_for_a_promotion_although_the_gates_failed(play: Play) -> None:
    execution, _, _ = play(PROMOTED, noted={"gates": "failed"}, despite_gates=True)
    assert execution == Execution("SUCCEEDED")


def test_a_candidate_that_is_champion_already_needs_no_promotion(play: Play) -> None:
    execution, _, _ = play([[]], noted={"champion": "true"})
    assert execution == Execution("SUCCEEDED")


def test_a_promotion_that_was_taken_back_is_told(play: Play) -> None:
    pages = [[entry(5, "PROMOTION_REQUESTED")], [entry(6, "PROMOTION_FAILED"), entry(5, "PROMOTION_REQUESTED")]]
    execution, _, _ = play(pages)
    assert execution.error == "PromotionFailed"


def test_what_happened_to_the_same_version_before_the_run_does_not_count(play: Play) -> None:
    pages = [[entry(3, "PROMOTION_FAILED")], [entry(6, "PROMOTED"), entry(3, "PROMOTION_FAILED")]]
    execution, _, _ = play(pages)
    assert execution == Execution("SUCCEEDED")


def test_a_promotion_that_nobody_asks_for_ends_the_run(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.workflow.promotion.APPROVAL_POLLS", 2)
    execution, _, _ = play([[]])
    assert execution.error == "PromotionNotRequested"


def test_a_release_pipeline_that_died_leaves_a_promotion_that_is_overdue(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stacks.workflow.promotion.RELEASE_POLLS", 2)
    execution, _, _ = play([[entry(5, "PROMOTION_REQUESTED")]])
    assert execution.error == "PromotionOverdue"


def test_tasks_are_drawn_and_told_as_they_run(play: Play, tmp_path: Path) -> None:
    _, _, timeline = play(PROMOTED, failures={"candidate": ["AlgorithmError: x"]})
    assert [each.name for each in timeline.spans][-1] == "candidate"
    timeline.draw(tmp_path / "run.png", "a run")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert isinstance(timeline.stream, io.StringIO)
    assert "candidate: failed" in timeline.stream.getvalue()
