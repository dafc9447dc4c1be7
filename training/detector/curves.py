"""Keeps how a training goes: one JSON object a line, `step` and any series of numbers, for the page on the detector."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Curves:
    """A file of them.

    Attributes:
        path: of the file.
    """

    path: Path

    def begin(self, step: int) -> None:
        """Forgets what was kept beyond the step from which a training goes on; all of it, when it starts anew."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if step and self.path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        self.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def add(self, step: int, **values: float) -> None:
        """Keeps the values of one step."""
        row = {"step": step, **{name: round(value, 6) for name, value in values.items()}}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def held_out(scores: NDArray[np.float64], human: NDArray[np.bool_]) -> dict[str, float]:
    """How scores that are log odds do: cross entropy, in which both classes count alike, and equal error rate.

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
