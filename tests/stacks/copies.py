"""A copy of what is deployed, so that a test never changes the sources beside other tests."""

import shutil
from pathlib import Path

from ops.synthesis import ROOT


def copy_product(folder: Path) -> None:
    """Copies functions and the product's package into an empty folder; what was built is linked."""
    for each in ("layers/core", "functions"):
        shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".build").symlink_to(ROOT / ".build")
