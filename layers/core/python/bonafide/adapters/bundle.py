"""A bundle's files, verified against the digest that the deployment names."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bonafide.records.model import MANIFEST, SERVED_CONTRACTS

CALIBRATION = "calibration.json"
DISTRIBUTIONS = "distributions.json"
SPEAKER = "speaker.onnx"
SPOOF_CARD = "spoof.json"


class BundleCorrupt(RuntimeError):
    """Raised when a file of the bundle is missing or is not the one that was built: the function must not start."""


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """A bundle on disk, of which every file that is read is verified.

    Attributes:
        directory: where the files are.
        digest: sha256 of the manifest, which holds the digests of all files.
        manifest: parsed.
    """

    directory: Path
    digest: str
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, directory: Path, digest: str | None = None) -> Self:
        """Reads the manifest.

        Args:
            directory: where the files are.
            digest: sha256 that the manifest must have; None accepts any manifest (training and tools only).

        Raises:
            BundleCorrupt: the manifest is missing or another one, or this release cannot serve the bundle's graphs.
        """
        content = _read(directory / MANIFEST, digest)
        manifest = json.loads(content)
        if (contract := manifest.get("contract", min(SERVED_CONTRACTS))) not in SERVED_CONTRACTS:
            raise BundleCorrupt(f"{MANIFEST} has contract {contract}, which this release cannot serve")
        return cls(directory, hashlib.sha256(content).hexdigest(), manifest)

    def read(self, name: str) -> bytes:
        """Reads one file.

        Raises:
            BundleCorrupt: it is missing or its digest is wrong.
        """
        return _read(self.directory / name, self.manifest["files"][name])

    @property
    def former(self) -> Sequence[Mapping[str, Any]]:
        """Networks of former embedding spaces that are served beside the bundle's own, the newest first."""
        listed: Sequence[Mapping[str, Any]] = self.manifest.get("former", [])
        return listed

    def calibration(self) -> Mapping[str, Any]:
        """Reads the document that turns scores into likelihood ratios, with `liveness`; empty without calibration."""
        return self._calibration(CALIBRATION) if CALIBRATION in self.manifest["files"] else {}

    def calibrations(self) -> Sequence[Mapping[str, Any]]:
        """Reads the calibration of each embedding space that is served, the newest first; none without calibration."""
        own = self.calibration()
        return [own, *(self._calibration(each["calibration"]) for each in self.former)] if own else []

    def directions(self) -> Sequence[Sequence[float]]:
        """Reads the directions that drift of the embedding is watched by; none if they are of another network."""
        files = self.manifest["files"]
        found = json.loads(self.read(DISTRIBUTIONS)) if DISTRIBUTIONS in files else {}
        mine = found.get("graphs", {}).get(SPEAKER) == files[SPEAKER]
        return found.get("directions", []) if mine else []

    def _calibration(self, name: str) -> Mapping[str, Any]:
        liveness = {"liveness": json.loads(self.read(SPOOF_CARD))["calibration"]} if self.has_detector else {}
        return {**json.loads(self.read(name)), **liveness}

    @property
    def has_detector(self) -> bool:
        """Tells whether the bundle has a detector of synthetic speech."""
        return SPOOF_CARD in self.manifest["files"]


def _read(path: Path, expected: str | None) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleCorrupt(f"{path.name} cannot be read") from error
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise BundleCorrupt(f"{path.name} is not the file that was built")
    return content
