"""Filters and noise of simulated lines and channels, with numpy alone: the same design as the product's own filters."""

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples

LOWEST_NOISE_HZ = 50.0
QUIETEST = 1e-6

Numbers = NDArray[np.floating]


def band_passed(samples: Samples, rate: int, low_hz: float, high_hz: float, order: float) -> Samples:
    """Applies a band pass with the gentle edges of real lines: the power response of Butterworth filters, no delay.

    Args:
        samples: shape (n,).
        rate: of the samples, Hz.
        low_hz: lower edge, -3 dB.
        high_hz: upper edge.
        order: of the lower edge; the upper one is four times as steep.
    """
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / rate), 1.0)
    power = 1.0 + (low_hz / frequency) ** (2 * order) + (frequency / high_hz) ** (8 * order)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) / np.sqrt(power), len(samples)), np.float32)


def frequency_sampled(hertz: Numbers, decibels: Numbers, taps: int, rate: int) -> Samples:
    """Returns a linear-phase FIR of an odd number of taps with a response that is drawn by points, shape (taps,)."""
    grid = np.fft.rfftfreq(8 * taps, 1 / rate)
    gain = 10 ** (np.interp(grid, hertz, decibels) / 20)
    return np.asarray(np.roll(np.fft.irfft(gain), taps // 2)[:taps] * np.hamming(taps), np.float32)


def filtered(samples: Samples, taps: Numbers) -> Samples:
    """Applies a linear-phase FIR of an odd number of taps without delay, shape (n,)."""
    return convolved(samples, taps)[len(taps) // 2 :][: len(samples)]


def convolved(samples: Numbers, response: Numbers) -> Samples:
    """Returns the full convolution, shape (n + m - 1,), by way of the spectrum."""
    length = len(samples) + len(response) - 1
    size = 1 << (length - 1).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(product, size)[:length], np.float32)


def noise(length: int, rate: int, slope: float, generator: np.random.Generator) -> Samples:
    """Draws noise whose power falls as 1 / f^slope above 50 Hz, shape (length,)."""
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / rate), LOWEST_NOISE_HZ)
    return np.asarray(np.fft.irfft(spectrum * frequency ** (-slope / 2), length), np.float32)


def rms(samples: Numbers) -> float:
    """Returns the root mean square, never quite 0."""
    return max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), QUIETEST)


def amplitude(decibels: float) -> np.float32:
    """Returns the ratio of amplitudes that decibels stand for."""
    return np.float32(10.0 ** (decibels / 20.0))
