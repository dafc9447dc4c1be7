import json
from pathlib import Path

import numpy as np
import pytest

from training.detector.curves import TrainingCurves, held_out


def kept(curves: TrainingCurves) -> list[dict[str, float]]:
    return [json.loads(line) for line in curves.path.read_text().splitlines()]


def test_a_training_that_goes_on_keeps_what_came_before_and_repeats_nothing(tmp_path: Path) -> None:
    curves = TrainingCurves(tmp_path / "curves.jsonl")
    curves.begin(0)
    for step in (10, 20, 30):
        curves.add(step, loss=1 / step)
    curves.begin(20)
    curves.add(30, loss=0.5)
    assert kept(curves) == [{"step": 10, "loss": 0.1}, {"step": 20, "loss": 0.05}, {"step": 30, "loss": 0.5}]


def test_a_new_training_forgets_the_one_before(tmp_path: Path) -> None:
    curves = TrainingCurves(tmp_path / "curves.jsonl")
    curves.begin(5)
    curves.add(10, loss=0.1)
    curves.begin(0)
    assert kept(curves) == []


def test_scores_that_say_nothing_cost_the_log_of_two() -> None:
    assert held_out(np.zeros(10), np.arange(10) < 3)["held_out_loss"] == pytest.approx(np.log(2))


def test_held_out_errors_are_as_by_hand() -> None:
    scores = np.array([-2.0, -1.0, 1.0, 2.0, -3.0, -4.0, 0.0, 3.0])
    assert held_out(scores, np.arange(8) < 4)["held_out_eer"] == pytest.approx(0.5)
    assert held_out(np.array([-1.0, 1.0]), np.array([False, True]))["held_out_eer"] == 0.0
