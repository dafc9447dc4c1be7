"""Puts a registered bundle where the build takes it from: `python -m ops.promotion.bundle --bundle B [--stage S]`.

A bundle is named by its digest, the SHA-256 of its manifest, or as the registry of the stage or endpoint names it.
Bundles are kept in .build/models, and every byte is verified again whenever one is used: one that is not what its
digest says gets into no layer. The registry's documents about a version stay there.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bonafide.adapters.bundle import MANIFEST, BundleCorrupt, BundleFiles
from layers.model import build as default
from layers.packages import sha256
from ops.promotion.stage import DIGEST, FAILURES, registry_of
from ops.registry.__main__ import UnknownNameError, resolved
from ops.registry.client import ModelRegistry

# Names that are safe as names of files in one folder.
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

# Called with a digest and a folder that does not exist yet.
type Download = Callable[[str, Path], object]


class UnknownBundle(Exception):
    """No bundle can be had under the name that was given; the message says why."""


@dataclass(frozen=True, slots=True)
class BundleCache:
    """The bundles that were fetched before.

    Attributes:
        folder: has one folder for each digest.
    """

    folder: Path = Path(".build/models")

    def find(self, digest: str) -> Path | None:
        """Returns the folder of a bundle if it is there, whole and unchanged."""
        try:
            verify(self.folder / digest, digest)
        except BundleCorrupt:
            return None
        return self.folder / digest

    def fetch(self, digest: str, download: Download) -> Path:
        """Returns the folder of a bundle, which is downloaded unless it is there, whole and unchanged.

        Raises:
            BundleCorrupt: what was downloaded is not what the digest says, or this code cannot serve it.
        """
        if found := self.find(digest):
            return found
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            fresh = Path(scratch) / "bundle"
            download(digest, fresh)
            verify(fresh, digest)
            return self._keep(fresh, digest)

    def _keep(self, fresh: Path, digest: str) -> Path:
        kept = self.folder / digest
        shutil.rmtree(kept, ignore_errors=True)
        try:
            return fresh.rename(kept)
        except OSError:
            # Somebody else was faster.
            verify(kept, digest)
            return kept


def verify(folder: Path, digest: str) -> BundleFiles:
    """Reads every file of a bundle.

    Raises:
        BundleCorrupt: a file is missing, is not the one that was registered or has an odd name, or this code cannot
            serve the bundle.
    """
    files = BundleFiles.open(folder, digest)
    for name in files.manifest["files"]:
        if not FILE.fullmatch(name) or name == MANIFEST:
            raise BundleCorrupt(f"{name!r} is not the name of a file of a bundle")
        files.read(name)
    return files


def install(folder: Path, digest: str, out: Path = default.OUT) -> None:
    """Replaces `out` by a bundle, without what else is in its folder.

    Raises:
        BundleCorrupt: it is not what its digest says.
    """
    fresh = out.with_name(f"{out.name}.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in [MANIFEST, *verify(folder, digest).manifest["files"]]:
        shutil.copyfile(folder / name, fresh / name)
    # The copies are what is deployed.
    verify(fresh, digest)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


def is_there(digest: str, out: Path = default.OUT) -> bool:
    """Tells whether the build takes this very bundle already."""
    try:
        return set(verify(out, digest).manifest["files"]) | {MANIFEST} == {path.name for path in out.iterdir()}
    except BundleCorrupt:
        return False


def named(bundle: str, registry: ModelRegistry | None) -> str:
    """Returns the digest of a bundle that is named by it, or, with a registry, by its first digits or by an alias.

    Raises:
        UnknownNameError: no version of the registry has such a name.
        UnknownBundle: it is no digest, and there is no registry to ask.
    """
    if registry:
        return resolved(registry, bundle)
    if not DIGEST.fullmatch(bundle):
        raise UnknownBundle(f"{bundle!r} is no digest of 64 hex digits: name its registry by STAGE= or ENDPOINT=")
    return bundle


def source(registry: ModelRegistry | None) -> Download:
    """Returns what gets a bundle that is not in the cache: the registry, or the build of the repository's own."""

    def build(digest: str, folder: Path) -> None:
        default.build(folder)
        if sha256(folder / MANIFEST) != digest:
            raise UnknownBundle(f"bundle {digest[:12]} is not in .build/models: name its registry, STAGE= or ENDPOINT=")

    return registry.download if registry else build


def main() -> int:
    """Runs the command; returns 0 if the build takes the bundle now."""
    parser = argparse.ArgumentParser(description="Put a registered bundle where the build takes it from.")
    parser.add_argument("--bundle", required=True, help="digest; with a registry also its first digits, or an alias")
    parser.add_argument("--stage", help="stage whose registry has it")
    parser.add_argument("--endpoint", help="URL of an API whose registry has it")
    given = parser.parse_args()
    try:
        registry = registry_of(given.stage, given.endpoint) if given.stage or given.endpoint else None
        digest = named(given.bundle, registry)
        if not is_there(digest):
            install(BundleCache().fetch(digest, source(registry)), digest)
    except (UnknownBundle, UnknownNameError, *FAILURES) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    print(f"bundle {digest[:12]}: {default.OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
