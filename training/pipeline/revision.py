"""States which code a run is of: the lineage of whatever it trains."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

FILE = Path(".build/training/revision.json")
LOCKS = (
    "requirements-dev.txt",
    "layers/runtime/requirements.txt",
    "training/requirements.txt",
)
# The revision where there is no repository, as in a container.
VARIABLE = "TRAINING_REVISION"
DESCRIBE = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def write_revision(root: Path) -> None:
    """Writes the revision of the code and the digest of its locks; a file that says so already is left alone."""
    locks = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in LOCKS if (root / name).exists()}
    lock = hashlib.sha256(json.dumps(locks, sort_keys=True).encode()).hexdigest()
    content = json.dumps({"code": _revision(root), "lock": lock}, sort_keys=True) + "\n"
    file = root / FILE
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".part")
        scratch.write_text(content, encoding="utf-8")
        scratch.replace(file)


def _revision(root: Path) -> str:
    if stated := os.environ.get(VARIABLE):
        return stated
    described = subprocess.run(DESCRIBE, cwd=root, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"
