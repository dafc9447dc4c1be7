"""The versions that are released: copies of what is deployed, changed and synthesized like the original."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from local.rehearse.scenarios import BUNDLE, SourceChange
from ops.synthesis import ROOT, run_app

# What scenarios change. All else that is deployed is linked, for it is large.
COPIED = ("functions", "layers/core", BUNDLE)
BUILT = ".build"


def synthesize(folder: Path, changes: Mapping[str, SourceChange], stage: str) -> dict[str, Path]:
    """Returns the cloud assembly of each changed version by its name.

    Args:
        folder: where the copies are made.
        changes: what is different, by name.
        stage: one of cdk.json.
    """
    roots = {name: copy(folder / name, change) for name, change in changes.items()}
    if roots:
        run_app(ROOT, folder, stage, "-m", "local.rehearse.compose", *map(str, roots.values()))
    return {name: root / "cdk.out" for name, root in roots.items()}


def copy(root: Path, change: SourceChange) -> Path:
    """Makes one version in a new folder."""
    for each in COPIED:
        shutil.copytree(ROOT / each, root / each, ignore=shutil.ignore_patterns("__pycache__"))
    _link(ROOT / BUILT, root / BUILT)
    change(root)
    return root


def _link(source: Path, target: Path) -> None:
    """Links what was built, down to the layers; only a layer that was copied is not that of the original."""
    for each in source.iterdir():
        if each.name == "layers" and source.name == BUILT:
            _link(each, target / each.name)
        elif not (target / each.name).exists():
            (target / each.name).symlink_to(each)
