"""Tells Step Functions that a job is alive, and shows its log, while it runs."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 60
# Where SageMaker puts a job's settings and looks for the reason of its failure.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
ML_FOLDER = "/opt/ml"
LONGEST_REASON = 1024


def ml_folder() -> Path:
    """Returns SageMaker's folder; TRAINING_ML_FOLDER names another one where SageMaker is imitated."""
    return Path(os.environ.get("TRAINING_ML_FOLDER", ML_FOLDER))


def task_token(folder: Path) -> str | None:
    """Returns the token of the task that this job is; None if it is none."""
    try:
        found = json.loads((folder / "input/config/hyperparameters.json").read_bytes()).get("task_token")
    except OSError:
        return None
    return str(found) if found else None


def failed(folder: Path, reason: str) -> None:
    """Leaves the reason of a failure where SageMaker takes it for `FailureReason`."""
    (folder / "output").mkdir(parents=True, exist_ok=True)
    (folder / "output/failure").write_text(reason[:LONGEST_REASON], encoding="utf-8")


@contextmanager
def alive(step_functions: Any, token: str | None, log: Path) -> Iterator[None]:
    """Sends heartbeats and copies a log to stdout until the context ends."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(step_functions, token, log, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(step_functions: Any, token: str | None, log: Path, ended: threading.Event) -> None:
    shown, last = 0, False
    while not last:
        last = ended.wait(SECONDS)
        shown = _show(log, shown)
        if token and not last:
            try:
                step_functions.send_task_heartbeat(taskToken=token)
            except Exception as error:  # The next beat tries again; the state machine decides how many may be missing.
                sys.stderr.write(f"no heartbeat was sent: {type(error).__name__}\n")


def _show(log: Path, shown: int) -> int:
    if not log.is_file():
        return shown
    with log.open("rb") as file:
        file.seek(shown)
        more = file.read()
    sys.stdout.write(more.decode(errors="replace"))
    sys.stdout.flush()
    return shown + len(more)
