"""The graph of stages, read from YAML and checked."""

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from training.pipeline.errors import PipelineError
from training.pipeline.size import SIZES, TrainingSize

FILE = Path("training/stages.yaml")
PLACEHOLDER = re.compile(r"\{(inputs|outputs)\.([a-z_]+)\}")
SHARD, SHARDS = "{shard}", "{shards}"
IDENTIFIER = r"^[a-z][a-z0-9-]*$"


def _relative(path: str) -> str:
    place = PurePosixPath(path)
    if place.is_absolute() or ".." in place.parts or str(place) != path or path == ".":
        raise ValueError(f"{path!r} is not a plain path beneath the root")
    return path


type PlainPath = Annotated[str, AfterValidator(_relative)]


class PipelineStage(BaseModel):
    """One stage.

    Attributes:
        name: unique, lower case with hyphens.
        does: its work, in a few words.
        environment: the interpreter that `python` stands for.
        command: one command line, whose paths are placeholders.
        inputs: files and folders that it reads, by name.
        outputs: files and folders that it writes, by name.
        resumes: whether it continues from its own partial output.
        shards: into how many parts its work is divided; None if it is not. The command runs once for each, with its
            number from 0 for `{shard}` and their count for `{shards}`, and writes to a folder of that number within
            each output.
        statuses: exit statuses of the command after which its outputs are whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=IDENTIFIER)
    does: str = Field(min_length=1)
    environment: Literal["product", "torch"]
    command: str
    inputs: Mapping[str, PlainPath]
    outputs: Mapping[str, PlainPath] = Field(min_length=1)
    resumes: bool = False
    shards: int | None = Field(default=None, ge=1)
    statuses: Sequence[int] = (0,)

    def arguments(self, outputs: Mapping[str, Path], shard: int | None = None) -> list[str]:
        """Returns the command with its paths.

        Args:
            outputs: where outputs go, by name; of the whole stage, also for a shard.
            shard: its number; None for a stage that is not divided.
        """
        places = outputs if shard is None else {name: path / str(shard) for name, path in outputs.items()}
        paths = {"inputs": self.inputs, "outputs": places}
        words = [
            PLACEHOLDER.sub(lambda found: str(paths[found[1]][found[2]]), each) for each in shlex.split(self.command)
        ]
        return [each.replace(SHARDS, str(self.shards)).replace(SHARD, str(shard)) for each in words]

    def without(self, names: Collection[str]) -> "PipelineStage":
        """Returns the stage without some of its inputs, and without the options of its command that name them."""
        words, kept = shlex.split(self.command), list[str]()
        for word in words:
            named = {found[1] for found in PLACEHOLDER.findall(word) if found[0] == "inputs"}
            if not named & set(names):
                kept.append(word)
            elif kept and kept[-1].startswith("--"):
                kept.pop()
        inputs = {name: path for name, path in self.inputs.items() if name not in names}
        return self.model_copy(update={"command": shlex.join(kept), "inputs": inputs})

    def defects(self) -> Iterator[str]:
        """Yields defects of the command."""
        known = {f"inputs.{name}" for name in self.inputs} | {f"outputs.{name}" for name in self.outputs}
        used = {".".join(found) for found in PLACEHOLDER.findall(self.command)}
        yield from (f"its command uses {each}, which it does not declare" for each in sorted(used - known))
        yield from (
            f"its command does not use outputs.{name}" for name in self.outputs if f"outputs.{name}" not in used
        )
        divided = {SHARD, SHARDS} if self.shards else set()
        words = shlex.split(self.command)
        yield from (f"its command does not use {each}" for each in sorted(divided - set(words)))
        for word in words:
            if not PLACEHOLDER.search(word) and ("/" in word or "{" in word) and word not in divided:
                yield f"its command has the path {word}, which is neither an input nor an output"


class PipelineGraph:
    """All stages, each after the stages whose outputs it reads.

    Attributes:
        sources: inputs that no stage makes, with a word on what they are.
        size: its name.
        stages: by name, in an order in which they can run.
    """

    def __init__(self, sources: Mapping[str, str], stages: Sequence[PipelineStage], size: str = "full") -> None:
        """Checks and orders the stages.

        Raises:
            PipelineError: two stages have one name or write one output, an input comes from nowhere, or stages wait for
                one another.
        """
        _require_unique([stage.name for stage in stages])
        self.sources, self.size = sources, size
        self._makers = _makers(stages)
        self._needs = {stage.name: self._needed(stage) for stage in stages}
        by_name = {stage.name: stage for stage in stages}
        self.stages = {name: by_name[name] for name in _ordered(self._needs)}

    @classmethod
    def read(cls, file: Path = FILE, size: TrainingSize | None = None) -> Self:
        """Reads and checks the file.

        Args:
            file: with the stages.
            size: that stands for `{size}`, and says which stages there are; if None, `full`.

        Raises:
            PipelineError: names the stage and what is wrong with it.
        """
        size = size or (TrainingSize.read("full", SIZES) if file == FILE else TrainingSize())
        try:
            written = yaml.safe_load(size.filled(file.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError) as error:
            raise PipelineError(f"{file} cannot be read: {error}") from error
        if not isinstance(written, dict) or written.keys() != {"sources", "stages"}:
            raise PipelineError(f"{file.name} has to have exactly sources and stages")
        if not isinstance(written["sources"], dict) or not isinstance(written["stages"], list):
            raise PipelineError(f"{file.name}: sources has to be a mapping, and stages a list")
        return cls(*_sized(written["sources"], [_stage(each) for each in written["stages"]], size), size.name)

    def needs(self, name: str) -> list[str]:
        """Returns the stages whose outputs a stage reads."""
        return sorted(self._needs[name], key=list(self.stages).index)

    def up_to(self, name: str) -> list[str]:
        """Returns a stage and all that come before it, in order."""
        chosen = {self.require(name)}
        for each in reversed(self.stages):
            if each in chosen:
                chosen |= self._needs[each]
        return [each for each in self.stages if each in chosen]

    def onward(self, name: str) -> list[str]:
        """Returns a stage and all that come after it, in order."""
        chosen = {self.require(name)}
        for each in self.stages:
            if self._needs[each] & chosen:
                chosen.add(each)
        return [each for each in self.stages if each in chosen]

    def require(self, name: str) -> str:
        """Returns the name.

        Raises:
            PipelineError: there is no such stage.
        """
        if name not in self.stages:
            raise PipelineError(f"there is no stage {name}; there are {', '.join(self.stages)}")
        return name

    def _needed(self, stage: PipelineStage) -> set[str]:
        makers = {path: _at(path, self._makers) for path in stage.inputs.values()}
        for path, maker in makers.items():
            if maker is None and _at(path, self.sources) is None:
                raise PipelineError(f"{stage.name}: no stage makes {path}, nor is it among the sources")
        return {maker for maker in makers.values() if maker}


def _stage(written: Any) -> PipelineStage:
    name = written.get("name", "a stage without a name") if isinstance(written, dict) else repr(written)
    try:
        stage = PipelineStage.model_validate(written)
    except ValidationError as error:
        found = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise PipelineError(f"{name}: {'; '.join(found)}") from error
    if defects := list(stage.defects()):
        raise PipelineError(f"{name}: {'; '.join(defects)}")
    return stage


def _sized(
    sources: Mapping[str, str], stages: Sequence[PipelineStage], size: TrainingSize
) -> tuple[Mapping[str, str], Sequence[PipelineStage]]:
    """Leaves out what a size does without, and everything that commands would read of it."""
    gone = set(size.without)
    known = {*sources, *(stage.name for stage in stages)}
    if unknown := sorted({*gone, *size.shards} - known):
        raise PipelineError(f"size {size.name}: there is no stage or source {', '.join(unknown)}")
    paths = {path: path for stage in stages if stage.name in gone for path in stage.outputs.values()}
    paths |= {path: path for path in sources if path in gone}
    kept = [
        stage.without([name for name, path in stage.inputs.items() if _at(path, paths)])
        for stage in stages
        if stage.name not in gone
    ]
    sized = [each.model_copy(update={"shards": size.shards.get(each.name, each.shards)}) for each in kept]
    return {path: what for path, what in sources.items() if path not in gone}, sized


def _require_unique(names: Sequence[str]) -> None:
    if repeated := {name for name in names if names.count(name) > 1}:
        raise PipelineError(f"{', '.join(sorted(repeated))}: there more than once")


def _makers(stages: Sequence[PipelineStage]) -> dict[str, str]:
    """Returns the stage that makes each path."""
    makers: dict[str, str] = {}
    for stage in stages:
        for path in stage.outputs.values():
            within = [other for other in makers if _at(path, {other: other}) or _at(other, {path: path})]
            if within:
                raise PipelineError(f"{makers[within[0]]} and {stage.name} both write {path}")
            makers[path] = stage.name
    return makers


def _at(path: str, places: Mapping[str, str]) -> str | None:
    """Returns the value of a place that is the path, or a folder that holds it."""
    above = [path, *map(str, PurePosixPath(path).parents)]
    return next((places[each] for each in above if each in places), None)


def _ordered(needs: Mapping[str, set[str]]) -> list[str]:
    """Orders stages as they are written, but after what they need."""
    order: list[str] = []
    while len(order) < len(needs):
        ready = [name for name in needs if name not in order and needs[name] <= set(order)]
        if not ready:
            raise PipelineError(f"these wait for one another: {', '.join(name for name in needs if name not in order)}")
        order.append(ready[0])
    return order
