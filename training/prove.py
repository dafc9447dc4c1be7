"""Kills a training at random points and continues it; its candidate has to be that of an unbroken run.

    python -m training.prove [--size tiny] [--kills 5] [--seed N] [--once]

Both runs begin without anything but fetched packages. Half of the kills fall into stages that are named here, some
random time after they began, the others at random times of the run. Every kill is SIGKILL, to the run alone: what it
started has to end by itself. `--once` leaves the unbroken run out, and only looks whether the killed one finishes.
Exit status: 0 if both manifests have one digest, else 1.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.corpus.manifest import digest
from training.pipeline.state import FOLDER

NAMED = ("features", "train", "candidate")
POLL_SECONDS = 0.05
AFTER_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class ProvedTraining:
    """Runs of one size.

    Attributes:
        size: its name.
        generator: source of all random times.
    """

    size: str
    generator: np.random.Generator

    @property
    def folder(self) -> Path:
        """Returns the folder of the size."""
        return FOLDER / self.size

    @property
    def command(self) -> Sequence[str]:
        """Returns the command of a run."""
        return [sys.executable, "-m", "training", "--size", self.size, "run", "--no-tracking"]

    def unbroken(self) -> float:
        """Runs from nothing; returns the seconds that it took."""
        shutil.rmtree(self.folder, ignore_errors=True)
        started = time.monotonic()
        subprocess.run(self.command, check=True)
        return time.monotonic() - started

    def broken(self, kills: int, seconds: float) -> None:
        """Runs from nothing, killed so many times."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for number in range(kills):
            self._killed(NAMED[number // 2] if number % 2 == 0 and number // 2 < len(NAMED) else None, seconds)
        subprocess.run(self.command, check=True)

    def digest(self) -> str:
        """Returns the digest of the candidate."""
        return digest(self.folder / "candidate/bundle/manifest.json")

    def _killed(self, stage: str | None, seconds: float) -> None:
        run = subprocess.Popen(self.command)
        if stage:
            self._await(run, stage)
            wait = self.generator.uniform(0, AFTER_SECONDS)
        else:
            wait = self.generator.uniform(1, seconds / 5)
        try:
            run.wait(wait)
            sys.stderr.write("had ended before it was killed\n")
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            place = f"{wait:.1f} s after {stage} began" if stage else f"{wait:.1f} s after it was started"
            sys.stderr.write(f"killed {place}\n")

    def _await(self, run: subprocess.Popen[bytes], stage: str) -> None:
        """Waits until a stage has begun, or the run has ended."""
        scratch, state = self.folder / "pipeline/scratch" / stage, self.folder / "pipeline/state.json"
        while run.poll() is None and not scratch.exists() and stage not in _done(state):
            time.sleep(POLL_SECONDS)


def _done(state: Path) -> Sequence[str]:
    return list(json.loads(state.read_bytes())) if state.exists() else []


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Show that a killed training gives what an unbroken one gives.")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None, help="of the times; another one each time if not given")
    parser.add_argument("--once", action="store_true", help="leave the unbroken run out")
    arguments = parser.parse_args()
    training = ProvedTraining(arguments.size, np.random.default_rng(arguments.seed))
    seconds, expected = 60.0, None
    if not arguments.once:
        seconds, expected = training.unbroken(), training.digest()
    training.broken(arguments.kills, seconds)
    found = training.digest()
    sys.stdout.write(f"unbroken:  {expected or 'not run'}\n{arguments.kills} kills:   {found}\n")
    return 0 if expected in {None, found} else 1


if __name__ == "__main__":
    sys.exit(main())
