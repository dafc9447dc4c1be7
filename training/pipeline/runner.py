"""Runs stages: each writes to a temporary folder; after success its outputs are moved, and the stage is recorded."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from training.pipeline.errors import PipelineError
from training.pipeline.fingerprint import fingerprint
from training.pipeline.graph import PipelineGraph, PipelineStage
from training.pipeline.progress import ProgressView
from training.pipeline.state import FOLDER, PipelineState, StageRecord, StageState

POLL_SECONDS = 0.5
SHOWN_LINES = 15


@dataclass(frozen=True, slots=True)
class PipelineRunner:
    """Runs the stages of a graph.

    Attributes:
        graph: of stages.
        root: that paths are relative to, and where commands run.
        pythons: the interpreter of each environment.
        view: shows progress.
    """

    graph: PipelineGraph
    root: Path
    pythons: Mapping[str, Path]
    view: ProgressView

    def run(self, names: Sequence[str], *, force: bool = False) -> None:
        """Runs the stages that are not done, in order.

        Args:
            names: of the stages, in order.
            force: runs those that are done as well.

        Raises:
            PipelineError: a stage failed or cannot run, or another run is going on.
        """
        with self._alone() as lock_descriptor:
            state = PipelineState.load(self.root)
            for number, name in enumerate(names):
                stage = self.graph.stages[name]
                found, reason = state.of(stage)
                if found is StageState.DONE and not force:
                    self.view.skipped(number, len(names), name)
                    continue
                if found is StageState.WAITING:
                    raise PipelineError(f"{name}: {reason}{self._advice(stage)}")
                self._run(stage, state, lock_descriptor, (number, len(names)))
            self.view.finished(len(names))

    def _run(self, stage: PipelineStage, state: PipelineState, lock_descriptor: int, position: tuple[int, int]) -> None:
        inputs = fingerprint(stage, self.root, state.digests)
        state.forget(stage.name)
        started = time.monotonic()
        with self._scratch(stage, inputs) as outputs:
            self._execute(stage, outputs, lock_descriptor, position)
            for name, output in outputs.items():
                if not output.exists():
                    raise PipelineError(f"{stage.name}: did not write its output {name} ({stage.outputs[name]})")
            for name, output in outputs.items():
                _replace(output, self.root / stage.outputs[name])
        digests = {path: state.digests.of(self.root / path) for path in stage.outputs.values()}
        seconds = round(time.monotonic() - started, 1)
        state.record(stage.name, StageRecord(inputs, digests, seconds, datetime.now(UTC).isoformat(timespec="seconds")))
        self.view.done(*position, stage.name, seconds)

    def _execute(
        self, stage: PipelineStage, outputs: Mapping[str, Path], lock_descriptor: int, position: tuple[int, int]
    ) -> None:
        """Runs the command of a stage; its output goes to a log.

        Args:
            stage: to run.
            outputs: temporary path of each output.
            lock_descriptor: open file of the lock, which the command inherits.
            position: number of the stage, from 0, and of all stages of the run.

        Raises:
            PipelineError: the command fails.
        """
        log = self.root / FOLDER / "logs" / f"{stage.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(self.root), str(self.root / "layers/core/python")))
        }
        self.view.started(*position, stage.name)
        with log.open("wb") as sink:
            # The command holds the lock too: one that outlives a killed run still keeps the next run out.
            process = subprocess.Popen(
                self._command(stage, outputs),
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                pass_fds=[lock_descriptor],
            )
            status = self._watched(process, stage.name, position)
        if status:
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
            raise PipelineError(f"{stage.name}: failed with status {status}\n" + "\n".join([*tail, f"log: {log}"]))

    def _watched(self, process: subprocess.Popen[bytes], name: str, position: tuple[int, int]) -> int:
        try:
            while True:
                try:
                    return process.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    self.view.running(*position, name)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()

    def _command(self, stage: PipelineStage, outputs: Mapping[str, Path]) -> list[str]:
        program, *rest = stage.arguments(outputs)
        if program != "python":
            return [program, *rest]
        python = self.pythons[stage.environment]
        if not python.exists():
            raise PipelineError(f"{stage.name}: needs the environment {stage.environment}, but {python} does not exist")
        return [str(python), *rest]

    @contextmanager
    def _scratch(self, stage: PipelineStage, inputs: Mapping[str, str]) -> Iterator[dict[str, Path]]:
        """Yields a temporary place for each output; a stage that resumes gets its own from the same inputs back."""
        folder = self.root / FOLDER / "scratch" / stage.name
        stamp = folder / "inputs"
        same = stamp.is_file() and stamp.read_text(encoding="utf-8") == repr(sorted(inputs.items()))
        if not (stage.resumes and same):
            shutil.rmtree(folder, ignore_errors=True)
        places = {name: folder / name / Path(path).name for name, path in stage.outputs.items()}
        for place in places.values():
            place.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(repr(sorted(inputs.items())), encoding="utf-8")
        yield places
        shutil.rmtree(folder)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        (self.root / FOLDER).mkdir(parents=True, exist_ok=True)
        with (self.root / FOLDER / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PipelineError(
                    "another run of this pipeline, or one of its commands, is still going on"
                ) from error
            yield file.fileno()

    def _advice(self, stage: PipelineStage) -> str:
        missing = [path for path in stage.inputs.values() if not (self.root / path).exists()]
        return "".join(f"; it is {self.graph.sources[path]}" for path in missing if path in self.graph.sources)


def _replace(output: Path, destination: Path) -> None:
    """Moves an output to its destination; a folder that was there is deleted first."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.is_dir():
        shutil.rmtree(destination)
    shutil.move(output, destination)
