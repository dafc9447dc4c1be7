"""Expectations of data, and what was found instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict

FILE = Path("training/conf/expectations.yaml")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowExpectations(_Part):
    """Values that columns may have."""

    use: Sequence[str]
    label: Sequence[str]
    split: Sequence[str]
    rate: Sequence[int]
    seconds: tuple[float, float]


class SignalExpectations(_Part):
    """Limits of what is in a file."""

    level_db: tuple[float, float]
    silence: float
    clipping: float


class DuplicateExpectations(_Part):
    """The likeness at which two files count as one."""

    windows: int
    correlation: float


class SplitExpectations(_Part):
    """The least that each side of the split holds."""

    speakers: int
    share: float


class LabelExpectations(_Part):
    """Limits of what may be told of a label by what has nothing to do with it."""

    balance: float
    telling: float
    constant: float
    fewest: int


class DataExpectations(_Part):
    """`conf/expectations.yaml`, which explains each."""

    version: str
    rows: RowExpectations
    signal: SignalExpectations
    duplicates: DuplicateExpectations
    split: SplitExpectations
    label: LabelExpectations

    @classmethod
    def read(cls, path: Path = FILE) -> Self:
        """Reads the file.

        Raises:
            pydantic.ValidationError: a number is missing, or there is one that nothing asks for.
        """
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class DataViolation:
    """One row, or one column over several rows, that is not as expected.

    Attributes:
        rule: name of the expectation.
        path: of the row, or the rows; empty where it is about all of them.
        column: or trait.
        found: value.
        expected: in words.
    """

    rule: str
    path: str
    column: str
    found: str
    expected: str

    @property
    def line(self) -> str:
        """Returns one line for people."""
        return f"{self.rule}: {self.path or 'all rows'}: {self.column} is {self.found}, expected {self.expected}"
