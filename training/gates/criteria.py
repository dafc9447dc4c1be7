"""The criteria of `gates.yaml`, and what is judged by them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml

from training.corpus.manifest import digest

CRITERIA = Path(__file__).with_name("gates.yaml")
MANIFEST = "manifest.json"
DATA = "data.csv"


@dataclass(frozen=True, slots=True)
class MeasuredCriterion:
    """A criterion on a figure of evaluation.json, which is worse the higher it is, or the farther from 0.

    Attributes:
        gate: its name.
        task: verification or liveness.
        measure: name of the figure.
        criterion: the same for people.
        margin: by which a candidate may be worse than the champion in all trials together.
        cohort_margin: the same in a cohort; None where cohorts are not judged.
        bound: beyond which no candidate may be that is worse than the champion.
        unless: name of a figure; given for one that is worse the farther it is from 0, whose change either way is
            judged, but where the other figure is lower than the champion's beyond doubt.
    """

    gate: str
    task: str
    measure: str
    criterion: str
    margin: float
    cohort_margin: float | None
    bound: float
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class GateCriteria:
    """`gates.yaml`, which explains each."""

    version: str
    false_alarm: float
    measured: Sequence[MeasuredCriterion]
    cohorts: Mapping[str, Sequence[str]]
    minimum: Mapping[str, Mapping[str, int]]
    golden: Mapping[str, float]
    latency: Mapping[str, float]
    size: Mapping[str, float]
    parity: Mapping[str, float]
    contract: int
    licence: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, path: Path = CRITERIA) -> Self:
        """Reads the file."""
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        measured = [MeasuredCriterion(**each) for each in document.pop("measured")]
        return cls(**document, measured=measured)


@dataclass(frozen=True)
class Submission:
    """A candidate with all that is known of it.

    Attributes:
        candidate: folder of its bundle.
        champion: folder of the bundle that it would replace; None for the first of all.
        evaluation: content of evaluation.json; empty when there is none.
        documents: folder of what accompanies the bundle and is never deployed.
        rebuilt: folder of a second build from the same recorded inputs; None when nobody made one.
        criteria: to judge by.
    """

    candidate: Path
    champion: Path | None
    evaluation: Mapping[str, Any]
    documents: Path
    criteria: GateCriteria
    rebuilt: Path | None = None

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The candidate's manifest."""
        return _manifest(self.candidate)

    @property
    def lineage(self) -> Mapping[str, Any]:
        """The lineage in the candidate's manifest; empty without one, and where it is no object."""
        return object_or_empty(self.manifest.get("lineage"))

    @property
    def lists_files(self) -> bool:
        """Tells whether the manifest of the candidate can be read."""
        try:
            return bool(self.manifest["files"])
        except ValueError:
            return False

    @cached_property
    def champion_manifest(self) -> Mapping[str, Any] | None:
        """The champion's manifest."""
        return _manifest(self.champion) if self.champion else None

    @property
    def digests(self) -> tuple[str, str | None]:
        """Digests of candidate and champion."""
        return digest(self.candidate / MANIFEST), digest(self.champion / MANIFEST) if self.champion else None

    def keeps(self, *names: str) -> bool:
        """Tells whether these files of the candidate are those of the champion."""
        former = self.champion_manifest["files"] if self.champion_manifest else {}
        return bool(former) and all(self.manifest["files"].get(name) == former.get(name) for name in names)


def object_or_empty(value: object) -> Mapping[str, Any]:
    """Returns a JSON object, or an empty one for whatever else was read."""
    return value if isinstance(value, dict) else {}


def _manifest(folder: Path) -> Mapping[str, Any]:
    """Reads a manifest.

    Raises:
        OSError: there is none.
        ValueError: it is no JSON object.
    """
    document = json.loads((folder / MANIFEST).read_bytes())
    if not isinstance(document, dict) or not isinstance(document.get("files"), dict):
        raise ValueError(f"{folder / MANIFEST} lists no files")
    return document
