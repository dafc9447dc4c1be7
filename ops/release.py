"""Builds the release archive of all stages: `python -m ops.release` writes .build/release.tar.gz.

Beside it goes the software bill of materials of what is in it, .build/release.cdx.json.

A cloud assembly holds the stacks of one stage. The archive merges the assemblies of all stages: their templates, and
one copy of each asset, so that production gets the same bytes as staging. Each archive is a release of its own, also
one of a revision that was built before, or that differs in its model only: its id is in every function.
"""

import gzip
import json
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from layers import sbom
from layers.packages import sha256
from ops.synthesis import ROOT, run_app

ARCHIVE = Path(".build/release.tar.gz")
MANIFEST = "manifest.json"
# What names the models by its digest.
BUNDLE = Path(".build/layers/model/bundle/manifest.json")
# Digits of a bundle's digest that people see.
SHORT = 12


def build(root: Path = ROOT) -> Path:
    """Synthesizes all stages of cdk.json without a cache and packs them, with the bill beside; returns the archive."""
    folder = root / ".build" / "release"
    shutil.rmtree(folder, ignore_errors=True)
    release, manifests = identify(root, datetime.now(UTC), sha256(root / BUNDLE)), []
    for stage in json.loads((root / "cdk.json").read_text())["context"]["stages"]:
        run_app(root, folder, stage, release=release)
        manifests.append(json.loads((folder / MANIFEST).read_text()))
    (folder / MANIFEST).write_text(json.dumps(merge(manifests), indent=1, sort_keys=True))
    archive = pack(folder, root / ARCHIVE)
    sbom.write(release, archive, archive.with_name(sbom.TARGET.name))
    return archive


def identify(root: Path, built: datetime, bundle: str) -> str:
    """Returns the id of a release: its revision, marked if files differ from it, when it was built, and its model."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{described.stdout.strip() or 'unknown'} {built:%Y-%m-%dT%H:%M:%SZ} model {bundle[:SHORT]}"


def merge(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """Merges manifests into one with all artifacts.

    Raises:
        ValueError: a manifest lacks values that require a lookup in an account.
    """
    if any(manifest.get("missing") for manifest in manifests):
        raise ValueError("the templates depend on an account; a synthesis must not need a lookup")
    artifacts = {name: artifact for manifest in manifests for name, artifact in manifest["artifacts"].items()}
    return manifests[0] | {"artifacts": artifacts}


def pack(folder: Path, archive: Path) -> Path:
    """Packs a folder without times and owners, so that equal content gives an equal archive."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_anonymous)
    return archive


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime = info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    print(build().relative_to(ROOT))
