"""Synthesizes the templates if any of their inputs has changed: `python -m local.aws.synth [STAGE]`."""

import fcntl
import hashlib
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

from ops.synthesis import ROOT, run_app

INPUTS = ("app.py", "cdk.json", "stacks", "functions", "layers/core/python", ".build/layers")


def synthesize(root: Path = ROOT, stage: str = "dev") -> Path:
    """Returns the folder of the cloud assembly, written by app.py as for a deployment."""
    out = root / ".build" / "cdk.out"
    out.mkdir(parents=True, exist_ok=True)
    with (out.parent / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = out / f"{stage}.digest"
        wanted = _digest(root, stage)
        if not stamp.exists() or stamp.read_text() != wanted:
            run_app(root, out, stage)
            stamp.write_text(wanted)
    return out


def _digest(root: Path, stage: str) -> str:
    digest = hashlib.sha256(f"{stage} {importlib.metadata.version('aws-cdk-lib')}".encode())
    for path in _files(root):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(_fingerprint(path))
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for each in INPUTS:
        start = root / each
        found = sorted(start.rglob("*")) if start.is_dir() else [start]
        yield from (path for path in found if path.is_file() and not _ignored(root, path))


def _ignored(root: Path, path: Path) -> bool:
    # The runtime layer has thousands of files; its digest stands for them.
    parts = path.relative_to(root).parts
    return "__pycache__" in parts or parts[:4] == (".build", "layers", "runtime", "python")


def _fingerprint(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


if __name__ == "__main__":
    print(synthesize(stage=sys.argv[1] if len(sys.argv) > 1 else "dev"))
