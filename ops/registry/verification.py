"""Checks of every byte of a model version: of a folder, or of the registry."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.registry.client import ModelRegistry


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file, compared with what was registered.

    Attributes:
        name: of the file.
        expected: sha256 that was registered, hex; None for a file that was not.
        found: sha256 of its bytes, hex; None for one that is missing.
    """

    name: str
    expected: str | None
    found: str | None

    @property
    def passed(self) -> bool:
        """True if it is the registered file."""
        return self.expected is not None and self.expected == self.found

    def __str__(self) -> str:
        if self.passed:
            return f"ok        {self.name}"
        if self.found is None:
            return f"MISSING   {self.name}"
        if self.expected is None:
            return f"UNKNOWN   {self.name}: it is no file of this version"
        return f"TAMPERED  {self.name}: registered {self.expected}, found {self.found}"


def check_folder(registry: ModelRegistry, digest: str, folder: Path) -> Iterator[FileCheck]:
    """Compares the files of a folder with a version's, of which only the list is fetched.

    Documents may be missing: they are not part of a bundle.
    """
    files: Sequence[dict[str, Any]] = registry.files(digest)
    present = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    for file in files:
        if file["name"] in present:
            yield FileCheck(file["name"], file["sha256"], _sha256_of(folder / file["name"]))
        elif not file["document"]:
            yield FileCheck(file["name"], file["sha256"], None)
    for name in sorted(present - {file["name"] for file in files}):
        yield FileCheck(name, None, _sha256_of(folder / name))


def check_registry(registry: ModelRegistry, digest: str) -> Iterator[FileCheck]:
    """Reads every stored byte of a version, and keeps none."""
    for file in registry.files(digest):
        yield FileCheck(file["name"], file["sha256"], _sha256(registry.content(file)))


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
