"""A training job of SageMaker on this machine: the container's command in a folder of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.synthesis import ROOT
from stacks.assets import TRAINING
from stacks.workflow.jobs import PYTHON
from stacks.workflow.jobs import ROOT as IMAGE_ROOT

SHOWN_CHARACTERS = 1024


class JobFailedError(Exception):
    """A job failed; the message is its description in JSON, as Step Functions gives it for a cause."""


@dataclass(frozen=True, slots=True)
class JobHost:
    """Runs jobs.

    Attributes:
        sources: what the image would be built of: the folder that holds it.
        folder: for one folder a job, and for checkpoints.
        variables: of the environment: where AWS is.
        addresses: what stands for addresses that are only there in AWS.
        torch: interpreter of the environment torch.
    """

    sources: Path
    folder: Path
    variables: Mapping[str, str]
    addresses: Mapping[str, str]
    torch: Path

    def run(self, request: Mapping[str, Any], stopped: threading.Event) -> dict[str, Any]:
        """Runs a job until it ends, and returns its description.

        Args:
            request: of CreateTrainingJob.
            stopped: ends the job early when it is set.

        Raises:
            JobFailedError: the command failed.
        """
        name = request["TrainingJobName"]
        home = self.folder / name
        root, ml = self._image(home), home / "ml"
        self._configure(request, root, ml)
        status = self._execute(self._command(request, root), root, ml, home / "log", stopped)
        shutil.rmtree(root)
        if status == 0:
            return {"TrainingJobName": name, "TrainingJobStatus": "Completed"}
        failure = ml / "output/failure"
        reason = failure.read_text(encoding="utf-8") if failure.exists() else _tail(home / "log")
        reason = f"AlgorithmError: {reason}, exit code: {status}"
        raise JobFailedError(
            json.dumps({"TrainingJobName": name, "TrainingJobStatus": "Failed", "FailureReason": reason})
        )

    def _image(self, home: Path) -> Path:
        """Copies the sources of the image, and nothing that was made here: a job has what it downloads."""
        root = home / "image"
        for each in TRAINING:
            source = self.sources / each
            if source.is_dir():
                shutil.copytree(source, root / each, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                root.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, root / each)
        # Packages that stages download are the same every time.
        (root / ".build").mkdir(exist_ok=True)
        (ROOT / ".build/cache").mkdir(parents=True, exist_ok=True)
        (root / ".build/cache").symlink_to(ROOT / ".build/cache")
        return root

    def _configure(self, request: Mapping[str, Any], root: Path, ml: Path) -> None:
        settings = ml / "input/config/hyperparameters.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(request["HyperParameters"]), encoding="utf-8")
        if checkpoints := request.get("CheckpointConfig"):
            # SageMaker copies to and from the bucket; a folder that stays does for a machine that stays.
            kept = self.folder / "checkpoints" / checkpoints["S3Uri"].removeprefix("s3://").rstrip("/")
            kept.mkdir(parents=True, exist_ok=True)
            local = Path(checkpoints["LocalPath"].replace(IMAGE_ROOT, str(root)))
            local.parent.mkdir(parents=True, exist_ok=True)
            local.symlink_to(kept)

    def _command(self, request: Mapping[str, Any], root: Path) -> Sequence[str]:
        algorithm = request["AlgorithmSpecification"]
        given = {PYTHON: sys.executable, IMAGE_ROOT: str(root), **self.addresses}
        words = [*algorithm["ContainerEntrypoint"], *algorithm["ContainerArguments"]]
        for there, here in given.items():
            words = [word.replace(there, here) for word in words]
        return words

    def _execute(self, command: Sequence[str], root: Path, ml: Path, log: Path, stopped: threading.Event) -> int:
        packages = os.pathsep.join(str(root / each) for each in (".", "layers/core/python", "client"))
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(root),
            "PYTHONPATH": packages,
            "TRAINING_ML_FOLDER": str(ml),
            "TRAINING_TORCH_PYTHON": str(self.torch),
            **self.variables,
        }
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, cwd=root, env=variables, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
            while True:
                try:
                    return process.wait(0.2)
                except subprocess.TimeoutExpired:
                    if stopped.is_set():
                        os.killpg(process.pid, signal.SIGKILL)


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-SHOWN_CHARACTERS:]
