"""Folders with the code of functions and layers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

# Running code writes compiled files next to the sources; they must neither be deployed nor change a hash.
IGNORED = ["**/__pycache__", "**/*.pyc"]


# Everything at the root of the repository that the container image of the training is built of.
TRAINING = ("client", "layers", "ops", "pyproject.toml", "requirements-dev.txt", "stacks", "training")


class NotBuiltError(RuntimeError):
    """An asset of the templates has not been built; the message says how to build it."""


@dataclass(frozen=True, slots=True)
class Assets:
    """Assets below the root of the repository."""

    root: Path

    def function(self, name: str) -> lambda_.AssetCode:
        """Returns the code of one function."""
        return self._code(f"functions/{name}", "handler.py", IGNORED, "write functions/<name>/handler.py")

    def core(self) -> lambda_.AssetCode:
        """Returns the product's own package, from its sources."""
        return self._code("layers/core", "python/bonafide/__init__.py", IGNORED, "check out the repository again")

    def runtime(self) -> lambda_.AssetCode:
        """Returns the third-party packages; their compiled files are reproducible and halve the start time."""
        return self._code(".build/layers/runtime", "python/boto3", [], "run `make layers`")

    def model(self) -> lambda_.AssetCode:
        """Returns the bundle of models."""
        return self._code(".build/layers/model", "bundle/manifest.json", [], "run `make bundle`")

    def golden(self) -> lambda_.AssetCode:
        """Returns the recordings of golden calls."""
        return self._code(".build/layers/golden", "golden/genuine.wav", [], "run `make golden`")

    def training(self, scope: Construct, id_: str) -> s3_assets.Asset:
        """Returns what the container image of the training is built of; its hash is that of these files alone."""
        kept = [path for each in TRAINING for path in _sources(self.root / each)]
        digest = hashlib.sha256()
        for path in kept:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(self.root).as_posix()} {content}\n".encode())
        others = [path.name for path in self.root.iterdir() if path.name not in TRAINING]
        return s3_assets.Asset(
            scope,
            id_,
            path=str(self.root),
            exclude=[*others, *IGNORED],
            asset_hash=digest.hexdigest(),
            asset_hash_type=AssetHashType.CUSTOM,
        )

    def bundle_digest(self) -> str:
        """Returns the SHA-256 of the manifest, which holds each file's digest: a new bundle, new function versions."""
        self.model()
        return hashlib.sha256((self.root / ".build/layers/model/bundle/manifest.json").read_bytes()).hexdigest()

    def _code(self, folder: str, proof: str, exclude: list[str], remedy: str) -> lambda_.AssetCode:
        if not (self.root / folder / proof).exists():
            raise NotBuiltError(f"{folder}/{proof} is missing: {remedy}")
        return lambda_.Code.from_asset(str(self.root / folder), exclude=exclude)


def _sources(path: Path) -> list[Path]:
    """Returns a file, or the files of a folder, without compiled ones."""
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
