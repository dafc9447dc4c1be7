"""The training changes rates by the resampler of the product, which has to be as good as those of other packages."""

import numpy as np
import pytest

from bonafide.audio.waveform import Samples
from training.evaluation.resampling import PAIRS, measured


def ideal(samples: Samples, given: int, wanted: int) -> Samples:
    """Cuts or extends the spectrum: exact for a signal that repeats."""
    count = round(len(samples) * wanted / given)
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, np.complex128)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, count) * (count / len(samples)), np.float32)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_resampler_of_the_product_is_exact_in_its_flat_band(pair: tuple[int, int]) -> None:
    flat, _ = measured(ideal)[pair]
    assert flat < -80.0
