"""Sizes of a training: the same stages and code with less material, fewer steps, and without some stages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.pipeline.errors import PipelineError

SIZES = Path("training/conf/sizes")


class TrainingSize(BaseModel):
    """One file of `training/conf/sizes`.

    Attributes:
        name: of the file.
        does: how long it takes and what it is for.
        without: stages and sources that it does without; options of commands that name them are left out.
        parameters: words that stand for `{NAME}` in the stage file.
        shards: of stages that have some, instead of the number in the stage file.
        settings: what commands read instead of the numbers in `training/conf`; the graph does not look at it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "full"
    does: str = ""
    without: Sequence[str] = ()
    parameters: Mapping[str, int] = Field(default_factory=dict)
    shards: Mapping[str, int] = Field(default_factory=dict)
    settings: Mapping[str, Any] = Field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path = SIZES) -> Self:
        """Reads a size.

        Raises:
            PipelineError: there is no such size, or its file cannot be read.
        """
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        if name not in known:
            raise PipelineError(f"there is no size {name}; there are {', '.join(known) or 'none'}")
        try:
            return cls(name=name, **yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")))
        except (TypeError, ValidationError, yaml.YAMLError) as error:
            raise PipelineError(f"size {name} cannot be read: {error}") from error

    def filled(self, text: str) -> str:
        """Returns a stage file with the size's name and parameters in it."""
        for name, value in {"size": self.name, **self.parameters}.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text
