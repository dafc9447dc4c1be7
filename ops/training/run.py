"""One run of the state machine in the bucket: its sources, what its stages made, and what any run made before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from ops.training.content import Content, ContentError, ContentStore, is_fresh
from training.pipeline.graph import PipelineGraph, PipelineStage

type Outputs = Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Facts of one run.

    Attributes:
        s3: client.
        bucket: of the training.
        name: of the execution of the state machine.
        graph: of stages.
    """

    s3: Any
    bucket: str
    name: str
    graph: PipelineGraph

    @property
    def content(self) -> ContentStore:
        """Files and folders."""
        return ContentStore(self.s3, self.bucket)

    def put_sources(self, root: Path) -> dict[str, Content]:
        """Stores all sources of the graph, and names them in the run.

        Raises:
            FileNotFoundError: one is missing.
        """
        sources = {path: self.content.put(root / path) for path in self.graph.sources}
        self._write(f"runs/{self.name}/sources.json", sources)
        return sources

    def made(self, stage: PipelineStage, key: str) -> Outputs | None:
        """Returns what a stage made of the same inputs, in any run; None if that is unknown or too old."""
        return self._read(f"stages/{stage.name}/{key}.json", is_fresh)

    def keep(self, stage: PipelineStage, key: str, outputs: Outputs) -> Outputs:
        """Records what a stage made of its inputs, and returns what counts: the first record, if there are two."""
        name = f"stages/{stage.name}/{key}.json"
        try:
            self._write(name, outputs, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            if kept := self.made(stage, key):
                return kept
            self._write(name, outputs)
        return outputs

    def finish(self, stage: PipelineStage, shard: int | None, outputs: Outputs) -> None:
        """Names what a stage, or one shard of it, made in this run."""
        self._write(self._place(stage, shard), outputs)

    def inputs(self, stage: PipelineStage) -> dict[str, Content]:
        """Returns the inputs of a stage by path.

        Raises:
            ContentError: a stage that makes one has not finished in this run.
        """
        known = dict(self._sources())
        for name in self.graph.needs(stage.name):
            known |= self._outputs(name)
        return {path: self.find(path, known) for path in stage.inputs.values()}

    def find(self, path: str, known: Outputs) -> Content:
        """Returns the content of a path that is among known ones, or within one of them."""
        for above in (PurePosixPath(path), *PurePosixPath(path).parents):
            if content := known.get(str(above)):
                inner = PurePosixPath(path).relative_to(above)
                return content if str(inner) == "." else self.content.within(content, str(inner))
        raise ContentError(f"{path} is not known in the run {self.name}")

    def outputs_of(self, path: str) -> Outputs:
        """Returns the outputs of the stage that makes a path."""
        return self._outputs(maker(self.graph, path))

    def note(self, name: str, facts: Mapping[str, str]) -> None:
        """Keeps facts as metadata of an empty object, which the state machine reads."""
        self.s3.put_object(Bucket=self.bucket, Key=f"runs/{self.name}/{name}", Body=b"", Metadata=dict(facts))

    def _sources(self) -> Outputs:
        if (found := self._read(f"runs/{self.name}/sources.json")) is None:
            raise ContentError(f"there is no run {self.name}: it has no sources")
        return found

    def _outputs(self, name: str) -> Outputs:
        stage = self.graph.stages[name]
        if not stage.shards:
            return self._finished(stage, None)
        parts = {shard: self._finished(stage, shard) for shard in range(stage.shards)}
        return {
            path: self.content.joined({str(shard): made[f"{path}/{shard}"] for shard, made in parts.items()})
            for path in stage.outputs.values()
        }

    def _finished(self, stage: PipelineStage, shard: int | None) -> Outputs:
        if (found := self._read(self._place(stage, shard))) is None:
            raise ContentError(f"{stage.name} has not finished in the run {self.name}")
        return found

    def _place(self, stage: PipelineStage, shard: int | None) -> str:
        return f"runs/{self.name}/stages/{stage.name}{'' if shard is None else f'.{shard}'}.json"

    def _write(self, key: str, contents: Outputs, **condition: str) -> None:
        body = json.dumps({path: str(content) for path, content in sorted(contents.items())}, indent=1).encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)

    def _read(self, key: str, counts: Any = lambda _written: True) -> Outputs | None:
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        if not counts(found["LastModified"].astimezone(UTC)):
            return None
        return {path: Content.parse(each) for path, each in json.loads(found["Body"].read()).items()}


def maker(graph: PipelineGraph, path: str) -> str:
    """Returns the name of the stage that makes a path, or a folder that holds it.

    Raises:
        ContentError: no stage does.
    """
    above = [path, *map(str, PurePosixPath(path).parents)]
    for stage in graph.stages.values():
        if any(each in stage.outputs.values() for each in above):
            return stage.name
    raise ContentError(f"no stage makes {path}")


def part(stage: PipelineStage, shard: int | None) -> PipelineStage:
    """Returns one shard of a stage as a stage of its own; the stage itself, if it has no shards."""
    if shard is None:
        return stage
    command = stage.command.replace("{shards}", str(stage.shards)).replace("{shard}", str(shard))
    outputs = {name: f"{path}/{shard}" for name, path in stage.outputs.items()}
    return stage.model_copy(update={"command": command, "outputs": outputs, "shards": None})


def key_of(dependencies: Mapping[str, str]) -> str:
    """Returns the digest of all that a stage's output depends on."""
    return hashlib.sha256(json.dumps(dependencies, sort_keys=True).encode()).hexdigest()
