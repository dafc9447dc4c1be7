"""One stage as one job: downloads its inputs, runs its command by the pipeline's runner, uploads its outputs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.training.alive import alive
from ops.training.content import Content
from ops.training.run import Outputs, TrainingRun, key_of, part
from training.pipeline.fingerprint import DigestCache, fingerprint
from training.pipeline.graph import PipelineGraph, PipelineStage
from training.pipeline.progress import ProgressView
from training.pipeline.runner import PipelineRunner
from training.pipeline.state import FOLDER


@dataclass(frozen=True, slots=True)
class StageJob:
    """A stage, or one of its shards, of a run.

    Attributes:
        run: that it belongs to.
        root: folder of the code, where the command runs; inputs and outputs are beneath it.
        pythons: the interpreter of each environment.
        step_functions: client that heartbeats are sent by.
        token: of the task; None outside a state machine.
    """

    run: TrainingRun
    root: Path
    pythons: Mapping[str, Path]
    step_functions: Any
    token: str | None

    def perform(self, name: str, shard: int | None = None) -> None:
        """Runs a stage, unless it has made the same from the same inputs and code before.

        Args:
            name: of the stage.
            shard: its number; None if the stage is not divided.

        Raises:
            PipelineError: its command failed, or an input is missing.
        """
        whole = self.run.graph.stages[self.run.graph.require(name)]
        stage, inputs = part(whole, shard), self.run.inputs(whole)
        key = key_of(fingerprint(stage, self.root, self._digests(inputs)))
        outputs = self.run.made(stage, key)
        if outputs is None:
            outputs = self.run.keep(stage, key, self._made(stage, inputs))
        else:
            sys.stdout.write(f"{name}: unchanged\n")
        self.run.finish(whole, shard, outputs)

    def _made(self, stage: PipelineStage, inputs: Outputs) -> Outputs:
        for path, content in inputs.items():
            self._fetch(path, content)
        alone = PipelineGraph(dict.fromkeys(inputs, "downloaded"), [stage])
        log = self.root / FOLDER / "logs" / f"{stage.name}.log"
        with alive(self.step_functions, self.token, log):
            PipelineRunner(alone, self.root, self.pythons, ProgressView()).run([stage.name])
        return {path: self.run.content.put(self.root / path) for path in stage.outputs.values()}

    def _fetch(self, path: str, content: Content) -> None:
        sys.stdout.write(f"input {path} {content}\n")
        self.run.content.get(content, self.root / path)

    def _digests(self, inputs: Outputs) -> DigestCache:
        return _KnownDigests(self.root, {self.root / path: each.digest for path, each in inputs.items()})


class _KnownDigests(DigestCache):
    """Digests of inputs that are not here yet."""

    def __init__(self, root: Path, digests: Mapping[Path, str]) -> None:
        super().__init__(root)
        self._digests = digests

    def of(self, path: Path) -> str:
        return self._digests[path]
