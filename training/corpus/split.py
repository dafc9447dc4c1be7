"""The split of the corpus: speakers by a digest of their name, families of attacks by the configuration."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

CONF = Path("training/conf/spoof.yaml")


def configuration(path: Path, size: Path | None = None) -> dict[str, Any]:
    """Reads chosen numbers, which the file explains; those that a size chooses otherwise are taken from there."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return overridden(document, settings(size).get(path.stem, {}))


def settings(size: Path | None) -> dict[str, Any]:
    """Reads the settings of a size; none if there is no size."""
    document = yaml.safe_load(size.read_text(encoding="utf-8")) if size else {}
    found: dict[str, Any] = document.get("settings", {})
    return found


def overridden(document: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings with others in their place; an empty mapping empties one."""
    merged = dict(document)
    for name, value in other.items():
        inner = merged.get(name)
        merged[name] = overridden(inner, value) if value and isinstance(inner, dict) else value
    return merged


@dataclass(frozen=True, slots=True)
class CorpusSplit:
    """The part `split` of the configuration.

    Attributes:
        held_out_speakers: share of speakers that nothing is trained on.
        held_out_families: families of attacks that nothing is trained on.
        measured_only: families that the detector is not calibrated on either.
    """

    held_out_speakers: float
    held_out_families: Sequence[str]
    measured_only: Sequence[str]

    @classmethod
    def read(cls, path: Path, size: Path | None = None) -> Self:
        """Reads it from the configuration."""
        return cls(**configuration(path, size)["split"])

    def of_speaker(self, speaker: str) -> str:
        """Returns the side of a speaker: `train` or `test`."""
        return "test" if fraction(speaker) < self.held_out_speakers else "train"

    def of_family(self, family: str) -> str:
        """Returns the side of a family of attacks: `train` or `test`."""
        return "test" if family in self.held_out_families else "train"

    def fits(self, family: str, speaker: str) -> bool:
        """Tells whether a copy would have a side: held-out families copy held-out speakers, and only those."""
        return self.of_family(family) == self.of_speaker(speaker)


def fraction(name: str) -> float:
    """Returns a number in [0, 1) that depends on the name only."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
