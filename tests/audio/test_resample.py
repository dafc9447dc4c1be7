from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.audio.resample import resample
from tests.audio.signals import tone

RATES = [(16000, 8000), (48000, 16000), (44100, 16000), (22050, 16000), (11025, 8000), (15999, 8000), (8000, 16000)]


def gain_db(hertz: float, source: int, target: int) -> float:
    """Level of a tone after resampling over its level before, away from the edges."""
    before, after = tone(hertz, source, 0.5), resample(tone(hertz, source, 0.5), source, target)
    inner = slice(len(after) // 8, -len(after) // 8)
    power = np.mean(after[inner].astype(float) ** 2) / np.mean(before.astype(float) ** 2)
    return float(10 * np.log10(power + 1e-15))


@pytest.mark.parametrize(("source", "target"), RATES)
def test_the_pass_band_is_flat_within_a_hundredth_of_a_decibel(source: int, target: int) -> None:
    top = 0.86 * min(source, target) / 2
    assert max(abs(gain_db(hertz, source, target)) for hertz in np.linspace(100, top, 15)) < 0.01


@pytest.mark.parametrize(("source", "target"), [rates for rates in RATES if rates[0] > rates[1]])
def test_what_would_alias_is_more_than_70_decibels_down(source: int, target: int) -> None:
    assert max(gain_db(hertz, source, target) for hertz in np.linspace(target / 2, 0.99 * source / 2, 25)) < -70


def test_the_image_of_an_upsampled_tone_is_more_than_70_decibels_down() -> None:
    spectrum = np.abs(np.fft.rfft(resample(tone(3000, 8000), 8000, 16000) * np.hanning(16000)))
    assert spectrum[4500:].max() < spectrum.max() * 10 ** (-70 / 20)


@pytest.mark.parametrize(("source", "target"), RATES)
def test_a_tone_stays_where_it_was(source: int, target: int) -> None:
    after, expected = resample(tone(440, source), source, target), tone(440, target)
    inner = slice(len(after) // 4, -len(after) // 4)
    assert np.abs(after - expected)[inner].max() < 1e-3


@given(st.integers(0, 3000), st.integers(8000, 48000), st.sampled_from([8000, 16000]))
def test_the_length_is_the_duration_rounded_up_to_a_sample(length: int, source: int, target: int) -> None:
    assert len(resample(np.zeros(length, np.float32), source, target)) == ceil(length * target / source)


def test_a_constant_keeps_its_value() -> None:
    after = resample(np.full(44100, 0.25, np.float32), 44100, 16000)
    assert np.abs(after[200:-200] - 0.25).max() < 1e-5


def test_the_same_input_gives_the_same_bits() -> None:
    noise = np.random.default_rng(0).standard_normal(44100).astype(np.float32)
    assert resample(noise, 44100, 16000).tobytes() == resample(noise.copy(), 44100, 16000).tobytes()


def test_nothing_is_done_when_the_rate_is_right_already() -> None:
    samples = tone(440)
    assert resample(samples, 16000, 16000) is samples
