"""Versions for releases: changed copies of the deployed code, synthesized like the original."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from local.rehearse.scenarios import BUNDLE, SourceChange
from ops.synthesis import ROOT, run_app

# Folders that scenarios change; the rest is large, and linked.
COPIED = ("functions", "layers/core", BUNDLE)
BUILT = ".build"


def synthesize(folder: Path, changes: Mapping[str, SourceChange], stage: str, source: Path = ROOT) -> dict[str, Path]:
    """Returns the cloud assembly of each changed version by its name.

    Args:
        folder: folder for the copies.
        changes: changes by the version's name.
        stage: one of cdk.json.
        source: folder with the sources that are changed.
    """
    roots = {name: copy(folder / name, change, source) for name, change in changes.items()}
    if roots:
        run_app(ROOT, folder, stage, "-m", "local.rehearse.compose", *map(str, roots.values()))
    return {name: root / "cdk.out" for name, root in roots.items()}


def copy(root: Path, change: SourceChange, source: Path = ROOT) -> Path:
    """Creates one version in a new folder."""
    for each in COPIED:
        shutil.copytree(source / each, root / each, ignore=shutil.ignore_patterns("__pycache__"))
    _link(source / BUILT, root / BUILT)
    change(root)
    return root


def _link(source: Path, target: Path) -> None:
    """Links built files, down to the layers, except layers that were copied."""
    for each in source.iterdir():
        if each.name == "layers" and source.name == BUILT:
            _link(each, target / each.name)
        elif not (target / each.name).exists():
            (target / each.name).symlink_to(each)
