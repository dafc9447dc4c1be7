"""The gate on reproducibility: a second build from the recorded inputs gives the same files.

The second build is given as a folder, made by running stages again, or it is made here by `layers.model.build`, which
builds the graphs from the pinned packages, and takes the files that were fitted or trained from the candidate.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from training.gates.criteria import MANIFEST, Submission
from training.gates.results import CriterionFinding

ROOT = Path(__file__).parents[2]
FITTED = ("calibration.json",)
DETECTOR = ("spoof.onnx", "spoof.json")
# What of a manifest a build decides; the rest tells of the run.
BUILT = ("schema", "embedding_space", "dimension", "input", "calibration")
SECONDS = 600


def reproducibility(submission: Submission) -> Iterator[CriterionFinding]:
    """Compares the candidate with a second build."""
    if submission.rebuilt:
        yield from _compared(submission, submission.rebuilt, "of the stages that were repeated")
        return
    with TemporaryDirectory() as folder:
        second = Path(folder) / "bundle"
        if problem := _build(submission.candidate, second):
            yield _result("can be built again", problem, passed=False)
            return
        yield from _compared(submission, second, "of `layers.model.build`, repeated here")


def _compared(submission: Submission, second: Path, which: str) -> Iterator[CriterionFinding]:
    rebuilt: Mapping[str, Any] = json.loads((second / MANIFEST).read_bytes())
    first, again = submission.manifest["files"], rebuilt["files"]
    differing = [name for name in sorted(first.keys() | again.keys()) if first.get(name) != again.get(name)]
    differing += [f"{MANIFEST}: {key}" for key in BUILT if submission.manifest.get(key) != rebuilt.get(key)]
    found = f"other: {', '.join(differing)}" if differing else "same files"
    yield _result(f"digests {which}", found, passed=not differing)


def _build(candidate: Path, out: Path) -> str | None:
    """Runs the build with the candidate's own fitted files; returns what went wrong."""
    calibration = out.with_name("calibration")
    calibration.mkdir()
    for name in FITTED:
        (calibration / name).write_bytes((candidate / name).read_bytes())
    detector = [argument for name in DETECTOR for argument in ("--spoof", str(candidate / name))]
    command = [sys.executable, "-m", "layers.model.build", "--calibration", str(calibration), *detector]
    done = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stderr.strip()[-200:] if done.returncode else None


def _result(criterion: str, found: str, *, passed: bool) -> CriterionFinding:
    return CriterionFinding("reproducibility", criterion, "same files", found, passed)
