import numpy as np
import pytest
from numpy.typing import NDArray

from training.detector.rounding import prefers_floats, rounded

GENERATOR = np.random.default_rng(1)
SINES = np.sin(np.arange(4000, dtype=np.float32) * 0.1)
WEIGHTS = (GENERATOR.standard_normal(4000) * np.exp(GENERATOR.normal(0, 2, 4000))).astype(np.float32)


@pytest.mark.parametrize("value", [SINES, WEIGHTS, np.zeros(2000, np.float32)])
def test_what_was_rounded_before_a_training_is_not_changed_by_an_export(value: NDArray[np.float32]) -> None:
    once = rounded(value)
    assert np.abs(rounded(once) - once).max() <= 1e-6 * max(float(np.abs(value).max()), 1e-30)


def test_sines_are_kept_in_steps_and_weights_of_many_sizes_in_floats() -> None:
    assert not prefers_floats(SINES)
    assert prefers_floats(WEIGHTS)
    assert np.abs(rounded(SINES) - SINES).max() < 2e-5
