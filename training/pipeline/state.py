"""The record of stages that succeeded, and the state of each stage by it."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from training.pipeline.errors import PipelineError
from training.pipeline.fingerprint import DigestCache, fingerprint
from training.pipeline.graph import PipelineGraph, PipelineStage

FOLDER = Path(".build/training")


def folder_of(size: str) -> Path:
    """Returns the folder in which the runs of a size keep state, logs and partial outputs."""
    return FOLDER / size / "pipeline"


class StageState(StrEnum):
    """The state of a stage."""

    DONE = "done"
    CHANGED = "changed"
    NEVER = "never run"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """The last success of a stage.

    Attributes:
        inputs: digests that its output depends on, by what they are of.
        outputs: digests of its outputs, by path.
        seconds: that it took.
        finished: when, ISO 8601.
        processor_seconds: of all its processes.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float
    finished: str
    processor_seconds: float = 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Returns begin and end, in seconds since the epoch."""
        end = datetime.fromisoformat(self.finished).timestamp()
        return end - self.seconds, end


@dataclass
class PipelineState:
    """All records, on disk.

    Attributes:
        root: that paths are relative to.
        size: of the training.
        digests: of files.
        records: by stage.
    """

    root: Path
    size: str
    digests: DigestCache
    records: dict[str, StageRecord] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path, size: str = "full") -> Self:
        """Reads the records; none where nothing has run."""
        folder = root / folder_of(size)
        digests = DigestCache.load(folder / "digests.json")
        try:
            written = json.loads((folder / "state.json").read_bytes())
        except OSError:
            written = {}
        return cls(root, size, digests, {name: StageRecord(**each) for name, each in written.items()})

    def record(self, stage: str, record: StageRecord) -> None:
        """Records a success: the last step of a stage."""
        self.records[stage] = record
        self.digests.save()
        file = self.root / folder_of(self.size) / "state.json"
        scratch = file.with_suffix(".part")
        written = {name: asdict(each) for name, each in self.records.items()}
        scratch.write_text(json.dumps(written, indent=1), encoding="utf-8")
        scratch.replace(file)

    def forget(self, stage: str) -> None:
        """Forgets the success of a stage."""
        if stage in self.records:
            done = self.records.pop(stage)
            self.record(stage, replace(done, inputs={}, outputs={}))

    def of(self, stage: PipelineStage) -> tuple[StageState, str]:
        """Returns the state of a stage by its own inputs and outputs, with the reason."""
        record = self.records.get(stage.name)
        try:
            now = fingerprint(stage, self.root, self.digests)
        except PipelineError as error:
            return StageState.WAITING, str(error).partition(": ")[2]
        if record is None:
            return StageState.NEVER, ""
        if not record.inputs:
            return StageState.CHANGED, "did not finish"
        differing = [name for name in now if record.inputs.get(name) != now[name]]
        differing += [name for name in record.inputs if name not in now]
        differing += [f"output {path}" for path in stage.outputs.values() if not self._intact(path, record)]
        return (StageState.CHANGED, ", ".join(differing)) if differing else (StageState.DONE, "")

    def all(self, graph: PipelineGraph) -> dict[str, tuple[StageState, str]]:
        """Returns the state of every stage; one that needs a stage that has to run waits for it."""
        states: dict[str, tuple[StageState, str]] = {}
        for name, stage in graph.stages.items():
            behind = [each for each in graph.needs(name) if states[each][0] is not StageState.DONE]
            states[name] = (StageState.WAITING, f"for {', '.join(behind)}") if behind else self.of(stage)
        return states

    def _intact(self, path: str, record: StageRecord) -> bool:
        place = self.root / path
        return place.exists() and record.outputs.get(path) == self.digests.of(place)
