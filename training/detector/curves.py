"""Keeps the curves of a training: a JSON object a line, `step` and any series of numbers, for the report page."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TrainingCurves:
    """A file of curves.

    Attributes:
        path: of the file.
    """

    path: Path

    def begin(self, step: int) -> None:
        """Drops the rows beyond the step from which a training resumes; all of them when it starts anew."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if step and self.path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        self.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def add(self, step: int, **values: float) -> None:
        """Keeps the values of one step."""
        row = {"step": step, **{name: round(value, 6) for name, value in values.items()}}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def held_out(scores: NDArray[np.float64], human: NDArray[np.bool_]) -> dict[str, float]:
    """Measures scores that are log odds: cross entropy, in which both classes count alike, and equal error rate.

    The latter is the least, over thresholds, of the larger of both error rates.

    Args:
        scores: shape (crops,).
        human: whether bona fide, shape (crops,); both occur.
    """
    losses = np.logaddexp(0.0, np.where(human, -scores, scores))
    order = np.argsort(scores, kind="stable")
    missed = np.cumsum(human[order]) / human.sum()
    passed = 1.0 - np.cumsum(~human[order]) / (~human).sum()
    return {
        "held_out_loss": float((losses[human].mean() + losses[~human].mean()) / 2),
        "held_out_eer": float(np.maximum(missed, passed).min()),
    }
