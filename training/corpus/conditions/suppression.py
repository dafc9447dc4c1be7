"""Noise suppression: spectral gates, RNNoise, and gates that transmit nothing in pauses."""

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.conditions.activity import FRAMES_PER_SECOND, active_frames
from training.corpus.conditions.native import RNNOISE_RATE, rnnoise
from training.corpus.filters import Numbers, amplitude, convolved, noise, rms

Spectrum = NDArray[np.complexfloating]
# Widths that a gate is smoothed over.
SMOOTH_HZ, SMOOTH_SECONDS = 500.0, 0.05
# A cell of a stationary gate passes so many standard deviations above the mean of its band.
DEVIATIONS = 1.5
# An adaptive gate opens around so many times the slow average of its band, which follows in so many seconds.
TIMES, FOLLOWS_SECONDS, STEEPNESS = 2.0, 2.0, 10.0
COMFORT_POINTS = 128


def gated(
    samples: Samples, rate: int, _generator: np.random.Generator, *, removed: float, adaptive: bool, points: int
) -> Samples:
    """Applies a spectral gate (Sainburg 2020): what is not well above the noise of its band is turned down.

    Args:
        samples: shape (n,).
        rate: of the samples, Hz.
        removed: share of the amplitude that a closed gate takes away.
        adaptive: whether the noise of a band is its slow average, instead of its mean and deviation over all time.
        points: of the Fourier transform.
    """
    spectrum = _transformed(samples, points)
    level = np.abs(spectrum)
    opened = _adaptive(level, points / 4 / rate) if adaptive else _stationary(level)
    gate = _smoothed(opened * removed + (1 - removed), rate / points, points / 4 / rate)
    return _inverse(spectrum * gate, points, len(samples))


def without_noise(samples: Samples, rate: int, _generator: np.random.Generator) -> Samples:
    """Applies RNNoise (Valin 2018), at its own rate."""
    return resample(rnnoise(resample(samples, rate, RNNOISE_RATE)), RNNOISE_RATE, rate)


def discontinuous(samples: Samples, rate: int, generator: np.random.Generator, *, comfort: bool) -> Samples:
    """Transmits nothing in pauses; the other end hears silence, or noise of the pauses' level and spectrum."""
    speech = active_frames(samples, rate)
    kept = _held(speech, int(generator.integers(2, 12)))
    gate = np.repeat(kept, rate // FRAMES_PER_SECOND)[: len(samples)]
    filling = _comfort_noise(samples[~gate], len(samples), rate, generator) if comfort else np.zeros_like(samples)
    return np.where(gate, samples, filling).astype(np.float32)


def _held(speech: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Keeps a gate open one frame before speech and so many after it."""
    return np.asarray(np.convolve(speech, np.ones(frames + 2))[1 : len(speech) + 1] > 0)


def _comfort_noise(pauses: Samples, length: int, rate: int, generator: np.random.Generator) -> Samples:
    """Draws noise as loud as the pauses and with their smoothed spectrum, as a silence descriptor tells it."""
    if len(pauses) < COMFORT_POINTS:
        return noise(length, rate, 1.0, generator) * amplitude(-70)
    frames = pauses[: len(pauses) // COMFORT_POINTS * COMFORT_POINTS].reshape(-1, COMFORT_POINTS)
    color = np.sqrt(np.mean(np.abs(np.fft.rfft(frames * np.hanning(COMFORT_POINTS), axis=1)) ** 2, axis=0))
    response = np.roll(np.fft.irfft(color), COMFORT_POINTS // 2) * np.hanning(COMFORT_POINTS)
    hiss = convolved(generator.standard_normal(length), response)[:length]
    return np.asarray(hiss / rms(hiss) * rms(pauses), np.float32)


def _stationary(level: Numbers) -> Numbers:
    decibels = 20 * np.log10(level + 1e-8)
    threshold = decibels.mean(axis=0) + DEVIATIONS * decibels.std(axis=0)
    return np.asarray(decibels > threshold, np.float64)


def _adaptive(level: Numbers, hop_seconds: float) -> Numbers:
    """Compares cells with an average that looks both ways, as the filter of a recording does."""
    keep = np.exp(-hop_seconds / FOLLOWS_SECONDS)
    weights = keep ** np.abs(np.arange(-len(level), len(level) + 1))
    weights /= weights.sum()
    padded = np.pad(level, ((len(level), len(level)), (0, 0)), mode="reflect" if len(level) > 1 else "edge")
    slow = np.stack([convolved(band, weights)[2 * len(level) :][: len(level)] for band in padded.T], axis=1)
    return np.asarray(1 / (1 + np.exp(-STEEPNESS * (level / (slow + 1e-8) - 1 - TIMES).clip(-5, 5))), np.float64)


def _smoothed(gate: Numbers, band_hz: float, hop_seconds: float) -> Numbers:
    """Smooths a gate by triangles over neighboring bands and times."""
    for axis, width in ((1, SMOOTH_HZ / band_hz / 2), (0, SMOOTH_SECONDS / hop_seconds)):
        side = max(1, int(width))
        triangle = np.bartlett(2 * side + 3)[1:-1] / (side + 1)
        padded = np.pad(gate, [(side, side) if each == axis else (0, 0) for each in range(2)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * side + 1, axis=axis)
        gate = windows @ triangle
    return gate


def _transformed(samples: Samples, points: int) -> Spectrum:
    """Returns the short-time spectrum, shape (times, bands): Hann windows that overlap by three quarters."""
    hop = points // 4
    padded = np.pad(samples, (points, points + (-len(samples)) % hop))
    windows = np.lib.stride_tricks.sliding_window_view(padded, points)[::hop]
    return np.fft.rfft(windows * np.hanning(points + 1)[:-1], axis=1)


def _inverse(spectrum: Spectrum, points: int, length: int) -> Samples:
    hop = points // 4
    parts = np.fft.irfft(spectrum, points, axis=1) * np.hanning(points + 1)[:-1]
    out = np.zeros((len(parts) + 3) * hop)
    for quarter in range(4):
        out[quarter * hop :][: len(parts) * hop] += parts[:, quarter * hop :][:, :hop].ravel()
    # Squared Hann windows at this hop sum to 1.5.
    return np.asarray(out[points:][:length] / 1.5, np.float32)
