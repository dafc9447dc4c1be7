"""Runs the training pipeline of training/stages.yaml.

    python -m training run [--until STAGE] [--from STAGE] [--force]
    python -m training status
    python -m training graph

A stage is skipped when neither its inputs, nor its code, nor its command, nor its outputs have changed since it last
succeeded. An interrupted run continues where it was. After the last stage, the run is reported and recorded as an
experiment. Exit status: 0 when the candidate is complete, whether or not it passed its gates; 1 when a stage failed.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from training.pipeline import revision
from training.pipeline.drawing import mermaid
from training.pipeline.errors import PipelineError
from training.pipeline.graph import FILE, PipelineGraph
from training.pipeline.progress import ProgressView, table
from training.pipeline.runner import PipelineRunner, search_path
from training.pipeline.size import TrainingSize
from training.pipeline.state import FOLDER, PipelineState

TORCH_PYTHON = ".venv-torch/bin/python"
# The last stage, after which a run is reported and recorded.
DOCUMENTS = "documents"
TRACKING = "training.tracking"
FOLLOW_UP_SECONDS = 120


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        graph = PipelineGraph.read(arguments.graph, TrainingSize.read(arguments.size) if arguments.size else None)
        if arguments.action == "graph":
            sys.stdout.write(mermaid(graph))
        elif arguments.action == "status":
            _status(graph, arguments.root)
        else:
            _run(graph, arguments)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; the same command continues\n")
        return 130
    return 0


def _run(graph: PipelineGraph, arguments: argparse.Namespace) -> None:
    until = graph.up_to(arguments.until) if arguments.until else list(graph.stages)
    begun = graph.onward(arguments.begin) if arguments.begin else until
    if not (chosen := [name for name in until if name in begun]):
        raise PipelineError(f"{arguments.until} does not come after {arguments.begin}")
    if revision.FILE.as_posix() in graph.sources:
        revision.write_revision(arguments.root)
    pythons = {"product": Path(sys.executable), "torch": arguments.torch_python}
    PipelineRunner(graph, arguments.root, pythons, ProgressView()).run(chosen, force=arguments.force)
    if DOCUMENTS in chosen:
        _follow_up(graph, arguments, pythons)


def _follow_up(graph: PipelineGraph, arguments: argparse.Namespace, pythons: Mapping[str, Path]) -> None:
    """Writes the report of a whole run and records it; neither can fail the run, whose candidate is complete."""
    folder = FOLDER / graph.size
    commands = [[str(pythons["product"]), "-m", "training.candidate.report", "--folder", str(folder)]]
    if not arguments.no_tracking:
        commands.append([str(pythons["torch"]), "-m", "training.tracking", "--folder", str(folder)])
    for command in commands:
        try:
            done = subprocess.run(
                command,
                cwd=arguments.root,
                env=os.environ | search_path(arguments.root),
                capture_output=True,
                text=True,
                timeout=FOLLOW_UP_SECONDS,
                check=False,
            )
            problem = done.stderr[-500:] if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        if problem:
            sys.stderr.write(f"{command[2]} did not succeed, which changes nothing of the candidate: {problem}\n")
        elif command[2] != TRACKING:
            sys.stderr.write(done.stdout)


def _status(graph: PipelineGraph, root: Path) -> None:
    state = PipelineState.load(root, graph.size)
    sys.stdout.write(table(state.all(graph), state.records))
    state.digests.save()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training", description="Run the training pipeline.")
    parser.add_argument("--graph", type=Path, default=FILE, help="the stages; training/stages.yaml if not given")
    parser.add_argument("--size", help="a file of training/conf/sizes; full if not given")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="that paths are relative to")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run the stages that are not done")
    run.add_argument("--until", metavar="STAGE", help="run this stage and all that it needs")
    run.add_argument("--from", dest="begin", metavar="STAGE", help="begin at this stage, with what is there before it")
    run.add_argument("--force", action="store_true", help="run stages that are done as well")
    default = Path(os.environ.get("TRAINING_TORCH_PYTHON", TORCH_PYTHON))
    run.add_argument("--torch-python", type=Path, default=default, help="interpreter of the environment torch")
    run.add_argument("--no-tracking", action="store_true", help="do not record the run by MLflow")
    actions.add_parser("status", help="show the state of every stage")
    actions.add_parser("graph", help="print the graph for Mermaid")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
