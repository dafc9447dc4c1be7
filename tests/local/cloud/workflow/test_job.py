"""Jobs of the state machine on this machine, by the command of the container."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from local.aws.functions.function import platform
from local.cloud.workflow.job import JobFailedError, JobHost
from ops.synthesis import ROOT
from ops.training.run import TrainingRun
from ops.training.start import put_sources
from tests.hosted import HOSTED
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize

BUCKET, RUN = "jobs", "2026-01-01-tiny"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Emulator]:
    with emulator(tmp_path, tmp_path / "log") as running:
        yield running


@pytest.fixture
def run(aws: Emulator) -> TrainingRun:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    graph = PipelineGraph.read(size=TrainingSize.read("tiny"))
    started = TrainingRun(s3, BUCKET, RUN, graph)
    put_sources(started, ROOT)
    return started


def request(name: str, *arguments: str) -> Mapping[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "ContainerEntrypoint": ["/opt/product/bin/python", "-m", "ops.training"],
            "ContainerArguments": [*arguments, "--run", RUN, "--bucket", BUCKET, "--size", "tiny"],
        },
        "HyperParameters": {},
    }


@HOSTED
def test_a_job_runs_a_stage_of_this_project_with_nothing_but_its_image_and_what_it_downloads(
    run: TrainingRun, aws: Emulator, tmp_path: Path
) -> None:
    jobs = JobHost(ROOT, tmp_path / "jobs", platform(aws.endpoint), {}, Path(sys.executable))
    done = jobs.run(request("golden-1", "stage", "golden"), threading.Event())
    assert done["TrainingJobStatus"] == "Completed"
    made = run.outputs_of(".build/training/tiny/golden")
    assert set(made) == {".build/training/tiny/golden"}
    # What a stage before it has not made is missing, and the description of the job says so.
    with pytest.raises(JobFailedError) as failure:
        jobs.run(request("evaluate-1", "stage", "evaluate"), threading.Event())
    reason = json.loads(str(failure.value))["FailureReason"]
    assert reason.startswith("AlgorithmError: ")
    assert "has not finished in the run" in reason
