"""The files of a model version on disk, and the checks that they are what its digest names."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

MANIFEST = "manifest.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PART_BYTES = 1 << 20


class TamperedFileError(Exception):
    """A file is missing or is not the one that the manifest, or the registry, lists."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"{name} is not the registered file: expected {expected}, found {found}")
        self.name = name


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file on disk.

    Attributes:
        name: in the registry.
        path: where it is.
        sha256: of its bytes, hex.
        size: bytes.
        document: whether it is kept with the version and never deployed.
    """

    name: str
    path: Path
    sha256: str
    size: int
    document: bool

    @classmethod
    def read(cls, path: Path, *, document: bool) -> Self:
        """Reads a file to the end.

        Raises:
            TamperedFileError: there is none.
        """
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            return cls(path.name, path, digest, path.stat().st_size, document)
        except OSError as error:
            raise TamperedFileError(path.name, "a file", "none that can be read") from error

    def parts(self, sent: Callable[[int], object]) -> Iterator[bytes]:
        """Yields the content, and tells how many bytes were taken."""
        with self.path.open("rb") as content:
            while part := content.read(PART_BYTES):
                yield part
                sent(len(part))


@dataclass(frozen=True, slots=True)
class Artifact:
    """A bundle with its documents.

    Attributes:
        digest: sha256 of the manifest, hex, which names the version.
        manifest: its text.
        files: all of them, the manifest included.
    """

    digest: str
    manifest: str
    files: Sequence[ArtifactFile]

    @classmethod
    def of(cls, bundle: Path, documents: Sequence[Path] = ()) -> Self:
        """Reads and verifies a bundle.

        Raises:
            TamperedFileError: a file is missing or is not the one that the manifest lists.
        """
        manifest = ArtifactFile.read(bundle / MANIFEST, document=False)
        text = manifest.path.read_bytes().decode()
        listed = listed_files(text)
        files = [ArtifactFile.read(bundle / name, document=False) for name in sorted(listed)]
        for file in files:
            if file.sha256 != listed[file.name]:
                raise TamperedFileError(file.name, listed[file.name], file.sha256)
        kept = [ArtifactFile.read(path, document=True) for path in documents]
        return cls(manifest.sha256, text, [manifest, *files, *kept])

    def file(self, name: str) -> ArtifactFile:
        """Returns a file by its name."""
        return next(file for file in self.files if file.name == name)

    def offer(self) -> dict[str, Any]:
        """Returns the request that offers the artifact to the registry."""
        listed = [file for file in self.files if not file.document and file.name != MANIFEST]
        bundle = [{"name": file.name, "bytes": file.size} for file in listed]
        documents = [
            {"name": file.name, "sha256": file.sha256, "bytes": file.size} for file in self.files if file.document
        ]
        return {"manifest": self.manifest, "files": bundle, "documents": documents}


def listed_files(manifest: str) -> dict[str, str]:
    """Returns the digests of a bundle's files by name.

    Raises:
        TamperedFileError: the manifest cannot be read, or a name is not one of a file in the same folder.
    """
    try:
        files: dict[str, str] = json.loads(manifest)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise TamperedFileError(MANIFEST, "a manifest", "something else") from error
    for name in files:
        if not NAME.fullmatch(name):
            raise TamperedFileError(MANIFEST, "names of files", repr(name))
    return files


def receive(parts: Iterable[bytes], name: str, sha256: str, folder: Path) -> None:
    """Writes a file whole and verified, or not at all.

    Raises:
        TamperedFileError: its bytes are not those of the digest.
    """
    if not NAME.fullmatch(name):
        raise TamperedFileError(name, "the name of a file", "a path")
    unverified = folder / f".{name}.{os.getpid()}"
    digest = hashlib.sha256()
    try:
        with unverified.open("wb") as out:
            for part in parts:
                digest.update(part)
                out.write(part)
        if digest.hexdigest() != sha256:
            raise TamperedFileError(name, sha256, digest.hexdigest())
        unverified.replace(folder / name)
    finally:
        unverified.unlink(missing_ok=True)
