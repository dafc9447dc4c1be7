"""Runs stages: each writes to a temporary folder; after success its outputs are moved, and the stage is recorded.

Stages that do not need one another run side by side, all in one thread: the kernel ends commands with the thread that
started them. Each is a generator that yields while its command runs.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from training.parallel import end_with_parent
from training.pipeline.errors import PipelineError
from training.pipeline.fingerprint import fingerprint
from training.pipeline.graph import PipelineGraph, PipelineStage
from training.pipeline.progress import ProgressView
from training.pipeline.state import PipelineState, StageRecord, StageState, folder_of

POLL_SECONDS = 0.02
AT_ONCE = 2
SHOWN_LINES = 15
LOCK_ATTEMPTS = 5
ENDED = object()
# Stages divide their work over processes; threads besides would get in their way, and may sum in another order.
SINGLE_THREADED = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class PipelineRunner:
    """Runs the stages of a graph.

    Attributes:
        graph: of stages.
        root: that paths are relative to, and where commands run.
        pythons: the interpreter of each environment.
        view: shows progress.
        at_once: stages that run side by side at most.
    """

    graph: PipelineGraph
    root: Path
    pythons: Mapping[str, Path]
    view: ProgressView
    at_once: int = AT_ONCE

    @property
    def folder(self) -> Path:
        """Returns the folder of the runs of this size."""
        return self.root / folder_of(self.graph.size)

    def run(self, names: Sequence[str], *, force: bool = False) -> None:
        """Runs the stages that are not done, each after those that it needs, else in the order of the graph.

        Args:
            names: of the stages, in order.
            force: runs those that are done as well.

        Raises:
            PipelineError: a stage failed or cannot run, or another run is going on. Stages beside it are ended.
        """
        with self._alone() as lock_descriptor:
            state = PipelineState.load(self.root, self.graph.size)
            self.view.begin(names, {name: state.records[name].span for name in names if name in state.records})
            waiting, running = list(names), dict[str, Generator[None]]()
            try:
                while waiting or running:
                    for name in self._ready(waiting, running):
                        waiting.remove(name)
                        running[name] = self._stage(self.graph.stages[name], state, lock_descriptor, force=force)
                    self._look(running)
            finally:
                for each in running.values():
                    each.close()
            self.view.finished()

    def _ready(self, waiting: Sequence[str], running: Collection[str]) -> Sequence[str]:
        """Returns the stages that can begin now."""
        behind = {*waiting, *running}
        ready = [name for name in waiting if not behind & set(self.graph.needs(name))]
        return ready[: self.at_once - len(running)]

    def _look(self, running: dict[str, Generator[None]]) -> None:
        """Looks once at every stage that runs, and drops those that have ended."""
        ended = [name for name, stage in running.items() if next(stage, ENDED) is ENDED]
        for name in ended:
            del running[name]
        if not ended:
            time.sleep(POLL_SECONDS)
            self.view.draw()

    def _stage(
        self, stage: PipelineStage, state: PipelineState, lock_descriptor: int, *, force: bool
    ) -> Generator[None]:
        """Runs a stage unless it is done; yields while it runs."""
        found, reason = state.of(stage)
        if found is StageState.WAITING:
            raise PipelineError(f"{stage.name}: {reason}{self._advice(stage)}")
        if found is StageState.DONE and not force:
            self.view.skipped(stage.name)
            return
        inputs = fingerprint(stage, self.root, state.digests)
        state.forget(stage.name)
        started = time.monotonic()
        with self._scratch(stage, inputs) as outputs:
            shards = [None] if stage.shards is None else range(stage.shards)
            parts = [self._part(stage, shard, outputs, lock_descriptor) for shard in shards]
            busy = yield from _side_by_side(parts, self.at_once)
            self._place(stage, outputs)
        digests = {path: state.digests.of(self.root / path) for path in stage.outputs.values()}
        seconds = round(time.monotonic() - started, 1)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        state.record(stage.name, StageRecord(inputs, digests, seconds, now, round(busy, 1)))
        self.view.done(stage.name, seconds)

    def _place(self, stage: PipelineStage, outputs: Mapping[str, Path]) -> None:
        """Moves the outputs of a stage to where they belong, if all are there."""
        for name, output in outputs.items():
            if not output.exists():
                raise PipelineError(f"{stage.name}: did not write its output {name} ({stage.outputs[name]})")
        for name, output in outputs.items():
            _replace(output, self.root / stage.outputs[name])

    def _part(
        self, stage: PipelineStage, shard: int | None, outputs: Mapping[str, Path], lock_descriptor: int
    ) -> Generator[None, None, float]:
        """Runs the command of a stage; its output goes to a log. A shard that was done before is not run again.

        Args:
            stage: to run.
            shard: its number; None for a stage that is not divided.
            outputs: temporary path of each output.
            lock_descriptor: open file of the lock, which the command inherits.

        Returns:
            Seconds of processor time, of the command and all that it has started and waited for.

        Raises:
            PipelineError: the command fails.
        """
        part = stage.name if shard is None else f"{stage.name}-{shard}"
        done = next(iter(outputs.values())).parents[1] / f"{part}.done"
        if shard is not None and done.exists():
            return 0.0
        log = self.folder / "logs" / f"{part}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.view.started(stage.name, shard, stage.shards)
        with log.open("wb") as sink:
            # The command holds the lock too: one that outlives a killed run still keeps the next run out.
            process = subprocess.Popen(
                self._command(stage, shard, outputs),
                cwd=self.root,
                env=os.environ | SINGLE_THREADED | search_path(self.root),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                pass_fds=[lock_descriptor],
                preexec_fn=end_with_parent,  # noqa: PLW1509 - this process has one thread
            )
            busy = yield from _ended(process)
        if process.returncode not in stage.statuses:
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
            failure = f"{stage.name}: failed with status {process.returncode}"
            raise PipelineError("\n".join([failure, *tail, f"log: {log}"]))
        done.touch()
        return busy

    def _command(self, stage: PipelineStage, shard: int | None, outputs: Mapping[str, Path]) -> list[str]:
        program, *rest = stage.arguments(outputs, shard)
        if program != "python":
            return [program, *rest]
        python = self.pythons[stage.environment]
        if not python.exists():
            raise PipelineError(f"{stage.name}: needs the environment {stage.environment}, but {python} does not exist")
        return [str(python), *rest]

    @contextmanager
    def _scratch(self, stage: PipelineStage, inputs: Mapping[str, str]) -> Iterator[dict[str, Path]]:
        """Yields a temporary place for each output; a stage that resumes gets its own from the same inputs back."""
        folder = self.folder / "scratch" / stage.name
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
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            _lock(file)
            yield file.fileno()

    def _advice(self, stage: PipelineStage) -> str:
        missing = [path for path in stage.inputs.values() if not (self.root / path).exists()]
        return "".join(f"; it is {self.graph.sources[path]}" for path in missing if path in self.graph.sources)


def _side_by_side(parts: Sequence[Generator[None, None, float]], at_once: int) -> Generator[None, None, float]:
    """Runs parts in order, some at once; yields while they run, and returns the sum of what they return."""
    waiting, running, total = list(parts), list[Generator[None, None, float]](), 0.0
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
            for each in list(running):
                try:
                    next(each)
                except StopIteration as end:
                    total += end.value
                    running.remove(each)
            yield
    finally:
        for each in running:
            each.close()
    return total


def _ended(process: subprocess.Popen[bytes]) -> Generator[None, None, float]:
    """Yields until a process has ended, which it is made to if nobody waits any longer; returns its processor time."""
    try:
        while process.returncode is None:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                process.returncode = os.waitstatus_to_exitcode(status)
                return used.ru_utime + used.ru_stime
            yield
    finally:
        if process.returncode is None:
            process.terminate()
            process.wait()
    return 0.0


def search_path(root: Path) -> dict[str, str]:
    """Returns the variable by which commands find the modules of this project."""
    return {"PYTHONPATH": os.pathsep.join((str(root), str(root / "layers/core/python")))}


def _lock(file: IO[str]) -> None:
    """Locks a file, at the latest when the commands of a run that was just killed have ended.

    Raises:
        PipelineError: somebody else holds it.
    """
    for attempt in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if attempt == LOCK_ATTEMPTS - 1:
                message = "another run of this pipeline, or one of its commands, is still going on"
                raise PipelineError(message) from error
            time.sleep(0.1)
        else:
            return


def _replace(output: Path, destination: Path) -> None:
    """Moves an output to its destination; a folder that was there is deleted first."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.is_dir():
        shutil.rmtree(destination)
    shutil.move(output, destination)
