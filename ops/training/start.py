"""Starts a training in AWS: uploads what no stage makes, and starts the state machine of a deployment."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.training.run import TrainingRun
from training.pipeline import revision
from training.pipeline.errors import PipelineError
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize


def start(stage: str, root: Path, client: Callable[[str], Any], *, despite_gates: bool = False) -> str:
    """Starts a training and returns its run: the name of the execution.

    Args:
        stage: of the deployment.
        root: that paths are relative to.
        client: makes a client of a service.
        despite_gates: whether to wait for a promotion although the gates failed.

    Raises:
        PipelineError: a source is missing.
    """
    (stack,) = client("cloudformation").describe_stacks(StackName=f"Bonafide-{stage}-Ml")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    graph = PipelineGraph.read(size=TrainingSize.read(outputs["TrainingSize"]))
    run = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{outputs['TrainingSize']}"
    put_sources(TrainingRun(client("s3"), outputs["TrainingBucket"], run, graph), root)
    machine = outputs["TrainingMachine"]
    given = json.dumps({"despite_gates": despite_gates})
    client("stepfunctions").start_execution(stateMachineArn=machine, name=run, input=given)
    sys.stdout.write(f"{machine.replace(':stateMachine:', ':execution:')}:{run}\n")
    return run


def put_sources(run: TrainingRun, root: Path) -> None:
    """Stores the sources of a run.

    Raises:
        PipelineError: one is missing.
    """
    if revision.FILE.as_posix() in run.graph.sources:
        revision.write_revision(root)
    for path, what in run.graph.sources.items():
        if not (root / path).exists():
            raise PipelineError(f"{path} is missing; it is {what}")
    run.put_sources(root)
