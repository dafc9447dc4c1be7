"""Training in AWS.

    python -m ops.training stage NAME --run RUN --bucket BUCKET [--size SIZE] [--shard N]
    python -m ops.training register CANDIDATE --run RUN --bucket BUCKET --endpoint URL [--size SIZE]
    python -m ops.training start --stage STAGE

The first two run in the container; the last uploads the sources and starts the state machine.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

import boto3

from bonafide_client import Client
from ops.registry.client import ModelRegistry
from ops.training.alive import failed, ml_folder, task_token
from ops.training.job import StageJob
from ops.training.register import register
from ops.training.run import TrainingRun
from ops.training.start import start
from training.pipeline.errors import PipelineError
from training.pipeline.graph import PipelineGraph
from training.pipeline.size import TrainingSize


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        arguments.act(arguments)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        failed(ml_folder(), str(error))
        return 1
    return 0


def _stage(arguments: argparse.Namespace) -> None:
    folder = ml_folder()
    pythons = {"product": Path(sys.executable), "torch": Path(os.environ.get("TRAINING_TORCH_PYTHON", "python"))}
    token = task_token(folder)
    StageJob(_run(arguments), arguments.root, pythons, _client("stepfunctions"), token).perform(
        arguments.name, arguments.shard
    )


def _register(arguments: argparse.Namespace) -> None:
    registry = ModelRegistry(Client(arguments.endpoint))
    sys.stdout.write(f"{register(_run(arguments), registry, arguments.candidate, arguments.root)}\n")


def _start(arguments: argparse.Namespace) -> None:
    start(arguments.stage, arguments.root, _client, despite_gates=arguments.despite_gates)


def _run(arguments: argparse.Namespace) -> TrainingRun:
    graph = PipelineGraph.read(size=TrainingSize.read(arguments.size) if arguments.size else None)
    return TrainingRun(_client("s3"), arguments.bucket, arguments.run, graph)


def _client(service: Any) -> Any:
    return boto3.client(service)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.training", description="Training in AWS.")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="that paths are relative to")
    actions = parser.add_subparsers(dest="action", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--run", required=True, help="name of the execution")
    shared.add_argument("--bucket", required=True, help="of the training")
    shared.add_argument("--size", help="of the training; full if not given")
    stage = actions.add_parser("stage", parents=[shared], help="run one stage as a job")
    stage.add_argument("name")
    stage.add_argument("--shard", type=int)
    stage.set_defaults(act=_stage)
    registering = actions.add_parser("register", parents=[shared], help="register what the run made")
    registering.add_argument("candidate", help="folder with bundle and documents")
    registering.add_argument("--endpoint", required=True, help="URL of the API's stage")
    registering.set_defaults(act=_register)
    starting = actions.add_parser("start", help="upload the sources, and start the state machine of a stage")
    starting.add_argument("--stage", required=True, choices=["dev", "staging", "production"])
    starting.add_argument("--despite-gates", action="store_true", help="wait for a promotion although the gates failed")
    starting.set_defaults(act=_start)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
