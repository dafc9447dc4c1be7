"""Filters and effects of simulated lines and channels."""

from collections.abc import Callable

import numpy as np
import pytest

from bonafide.audio.waveform import Samples
from tests.audio.signals import tone, voice
from training.corpus.effects import colored, distorted, reverberant
from training.corpus.filters import band_passed, convolved, filtered, frequency_sampled, noise, rms

EFFECTS = (colored, distorted, reverberant)
RATE = 16000


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_keeps_length_and_form_and_only_its_generator_decides(
    effect: Callable[[Samples, np.random.Generator], Samples],
) -> None:
    first, same, other = (effect(voice(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == voice().shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_keeps_silence_finite(effect: Callable[[Samples, np.random.Generator], Samples]) -> None:
    assert np.isfinite(effect(np.zeros(RATE, np.float32), np.random.default_rng(1))).all()


@pytest.mark.parametrize(("hertz", "loss"), [(60, 10), (1000, 0), (7000, 20)])
def test_a_band_pass_keeps_its_band_and_no_more(hertz: int, loss: float) -> None:
    level = 20 * np.log10(rms(band_passed(tone(hertz), RATE, 200, 3400, 2.0)) / rms(tone(hertz)))
    assert (abs(level) < 0.5) if loss == 0 else (level < -loss)


def test_a_filter_has_the_drawn_response_and_no_delay() -> None:
    taps = frequency_sampled(np.array([0, 3000, 4000, 8000]), np.array([0, 0, -50, -80]), 127, RATE)
    assert rms(filtered(tone(1000), taps)[200:-200]) == pytest.approx(rms(tone(1000)[200:-200]), rel=0.01)
    assert rms(filtered(tone(5000), taps)[200:-200]) < 0.01 * rms(tone(5000))
    assert np.argmax(np.correlate(voice(), filtered(voice(), taps), mode="full")) == len(voice()) - 1


def test_a_convolution_is_that_of_numpy() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal(300), generator.standard_normal(77)
    assert convolved(first, second) == pytest.approx(np.convolve(first, second), abs=1e-4)


def test_steeper_noise_has_less_of_high_frequencies() -> None:
    flat, steep = (np.abs(np.fft.rfft(noise(RATE, RATE, slope, np.random.default_rng(1)))) for slope in (0.0, 2.0))
    assert np.mean(steep[4000:] ** 2) / np.mean(steep[100:1000] ** 2) < 0.05
    assert np.mean(flat[4000:] ** 2) / np.mean(flat[100:1000] ** 2) == pytest.approx(1.0, abs=0.3)
