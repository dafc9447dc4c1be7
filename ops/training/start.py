"""Starts a training in AWS: uploads what no stage makes, and starts the state machine of a deployment."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.training.run import TrainingRun
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize


def start(stage: str, root: Path, client: Callable[[str], Any]) -> str:
    """Starts a training and returns its run: the name of the execution.

    Args:
        stage: of the deployment.
        root: that paths are relative to.
        client: makes a client of a service.

    Raises:
        FileNotFoundError: a source is missing.
    """
    (stack,) = client("cloudformation").describe_stacks(StackName=f"Bonafide-{stage}-Ml")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    graph = PipelineGraph.read(size=TrainingSize.read(outputs["TrainingSize"]))
    run = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{outputs['TrainingSize']}"
    TrainingRun(client("s3"), outputs["TrainingBucket"], run, graph).put_sources(root)
    machine = outputs["TrainingMachine"]
    client("stepfunctions").start_execution(stateMachineArn=machine, name=run, input="{}")
    sys.stdout.write(f"{machine.replace(':stateMachine:', ':execution:')}:{run}\n")
    return run
