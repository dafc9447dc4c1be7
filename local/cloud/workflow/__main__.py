"""Runs the training's state machine on this machine, to the end: `python -m local.cloud.workflow [--size SIZE]`.

The definition is that of the template. A person's part, the promotion, is played: it is asked for as soon as the
version is registered, and released here through the canary.
"""

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bonafide_client import Client
from local.aws.functions.function import platform
from local.cloud.workflow.compose import STAGE
from local.cloud.workflow.deployed import DeployedMachine
from local.cloud.workflow.job import JobHost
from local.cloud.workflow.machine import Execution, LocalMachine
from local.cloud.workflow.timeline import Timeline
from local.cloud.workflow.worker import WorkflowWorker
from local.promotion.serving import promoting
from local.runner import Deployment
from ops.registry.client import ModelRegistry
from ops.synthesis import ROOT, run_app
from ops.training.register import NOTE
from ops.training.run import TrainingRun
from ops.training.start import put_sources
from training.__main__ import TORCH_PYTHON
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize

OUT = ROOT / ".build/workflow"
# Simulated seconds of a release per second: its waits take five minutes otherwise.
PACE = 30


def main() -> int:
    """Runs the state machine; returns 0 if the candidate was promoted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="tiny", help="a file of training/conf/sizes")
    size = parser.parse_args().size
    OUT.mkdir(parents=True, exist_ok=True)
    run_app(ROOT, OUT / "cdk.out", STAGE, "-m", "local.cloud.workflow.compose", str(OUT / "cdk.out"), size)
    deployed = DeployedMachine.read(OUT / "cdk.out", STAGE)
    with promoting(pace=PACE) as running, tempfile.TemporaryDirectory(prefix="bonafide-") as folder:
        timeline = Timeline()
        execution = _run(running, deployed, JobHost(ROOT, Path(folder), *_places(running, deployed)), timeline, size)
    timeline.finished(f"{execution.status} {execution.error} {execution.cause}".rstrip())
    timeline.draw(OUT / "run.png", f"make workflow SIZE={size}: {execution.status} {execution.error}".rstrip())
    sys.stdout.write(f"picture: {OUT / 'run.png'}\n")
    return int(execution.status != "SUCCEEDED")


def _places(running: Deployment, deployed: DeployedMachine) -> tuple[dict[str, str], dict[str, str], Path]:
    """Returns the environment of jobs, what stands for addresses in AWS, and the interpreter of torch."""
    torch = ROOT / os.environ.get("TRAINING_TORCH_PYTHON", TORCH_PYTHON)
    return platform(running.emulator.endpoint), {deployed.api: running.endpoint}, torch


def _run(running: Deployment, deployed: DeployedMachine, jobs: JobHost, timeline: Timeline, size: str) -> Execution:
    client = running.emulator.client
    client("s3").create_bucket(Bucket=deployed.bucket)
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{size}"
    run = TrainingRun(client("s3"), deployed.bucket, name, PipelineGraph.read(size=TrainingSize.read(size)))
    put_sources(run, ROOT)
    machine = LocalMachine.create(client, deployed.name, deployed.definition)
    person = Person(run, ModelRegistry(Client(running.endpoint)), timeline)
    worker = WorkflowWorker(client("sqs"), client("stepfunctions"), machine.queue, jobs, running.endpoint, timeline)
    with worker:
        # A small training makes a bad model; the way to production is shown all the same.
        execution = machine.start(name, despite_gates=True)
        return machine.wait(execution, person.look)


class Person:
    """The person who promotes what was registered."""

    def __init__(self, run: TrainingRun, registry: ModelRegistry, timeline: Timeline) -> None:
        self._run = run
        self._registry = registry
        self._timeline = timeline
        self._asked = False

    def look(self) -> None:
        """Promotes the version of the run, once."""
        if not self._asked and (noted := self._noted()):
            self._asked = True
            override = "shows the way of a version, not its quality" if noted["gates"] == "failed" else None
            id_ = self._registry.promote(noted["digest"], f"trained by {self._run.name}", override)
            self._timeline.acted(f"promotion {id_} of {noted['digest'][:12]} asked for, gates {noted['gates']}")

    def _noted(self) -> dict[str, Any] | None:
        try:
            found = self._run.s3.head_object(Bucket=self._run.bucket, Key=f"runs/{self._run.name}/{NOTE}")
        except ClientError:
            return None
        return dict(found["Metadata"])


if __name__ == "__main__":
    sys.exit(main())
