"""The graph of stages, read from YAML and checked."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

FILE = Path("training/stages.yaml")
PLACEHOLDER = re.compile(r"\{(inputs|outputs)\.([a-z_]+)\}")
IDENTIFIER = r"^[a-z][a-z0-9-]*$"


class PipelineError(Exception):
    """The pipeline cannot be read or run; the message names the stage."""


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=IDENTIFIER)
    does: str = Field(min_length=1)
    environment: Literal["product", "torch"]
    command: str
    inputs: Mapping[str, PlainPath]
    outputs: Mapping[str, PlainPath] = Field(min_length=1)
    resumes: bool = False

    def arguments(self, outputs: Mapping[str, Path]) -> list[str]:
        """Returns the command with its paths.

        Args:
            outputs: where outputs go, by name.
        """
        paths = {"inputs": self.inputs, "outputs": outputs}
        return [
            PLACEHOLDER.sub(lambda found: str(paths[found[1]][found[2]]), each) for each in shlex.split(self.command)
        ]

    def defects(self) -> Iterator[str]:
        """Yields defects of the command."""
        known = {f"inputs.{name}" for name in self.inputs} | {f"outputs.{name}" for name in self.outputs}
        used = {".".join(found) for found in PLACEHOLDER.findall(self.command)}
        yield from (f"its command uses {each}, which it does not declare" for each in sorted(used - known))
        yield from (
            f"its command does not use outputs.{name}" for name in self.outputs if f"outputs.{name}" not in used
        )
        for word in shlex.split(self.command):
            if not PLACEHOLDER.search(word) and ("/" in word or "{" in word):
                yield f"its command has the path {word}, which is neither an input nor an output"


class PipelineGraph:
    """All stages, each after the stages whose outputs it reads.

    Attributes:
        sources: inputs that no stage makes, with a word on what they are.
        stages: by name, in an order in which they can run.
    """

    def __init__(self, sources: Mapping[str, str], stages: Sequence[PipelineStage]) -> None:
        """Checks and orders the stages.

        Raises:
            PipelineError: two stages have one name or write one output, an input comes from nowhere, or stages wait for
                one another.
        """
        _require_unique([stage.name for stage in stages])
        self.sources = sources
        self._makers = _makers(stages)
        self._needs = {stage.name: self._needed(stage) for stage in stages}
        by_name = {stage.name: stage for stage in stages}
        self.stages = {name: by_name[name] for name in _ordered(self._needs)}

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Reads and checks the file.

        Raises:
            PipelineError: names the stage and what is wrong with it.
        """
        try:
            written = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise PipelineError(f"{file} cannot be read: {error}") from error
        if not isinstance(written, dict) or written.keys() != {"sources", "stages"}:
            raise PipelineError(f"{file.name} has to have exactly sources and stages")
        if not isinstance(written["sources"], dict) or not isinstance(written["stages"], list):
            raise PipelineError(f"{file.name}: sources has to be a mapping, and stages a list")
        return cls(written["sources"], [_stage(each) for each in written["stages"]])

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
