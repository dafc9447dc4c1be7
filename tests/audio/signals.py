"""Signals that the tests measure with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples


def tone(hertz: float, rate: int = 16000, seconds: float = 1.0, level: float = 0.5) -> Samples:
    """A sine, shape (seconds * rate,)."""
    n = np.arange(round(seconds * rate))
    return (level * np.sin(2 * np.pi * hertz * n / rate)).astype(np.float32)


def pcm(samples: Samples) -> NDArray[np.int16]:
    """To 16 bits."""
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def voice(rate: int = 16000, seconds: float = 3.0, seed: int = 0) -> Samples:
    """Something with the spectrum and rhythm of read speech: vowels, fricatives up to 8 kHz, and pauses.

    Noise is shaped in 0.2 s pieces: a vowel falls 12 dB an octave above 500 Hz, a fricative is flat above 3 kHz.
    """
    source = np.random.default_rng(seed)
    pieces = [_vowel, _vowel, _fricative, _vowel, _pause]
    length = round(0.2 * rate)
    count = round(seconds / 0.2)
    parts = [pieces[i % len(pieces)](source.standard_normal(length), rate) for i in range(count)]
    return np.concatenate(parts).astype(np.float32)


def _shaped(noise: NDArray[np.float64], gain: NDArray[np.floating[Any]], level: float) -> NDArray[np.float64]:
    shaped = np.fft.irfft(np.fft.rfft(noise) * gain, len(noise)) * np.hanning(len(noise))
    return np.asarray(level * shaped / np.sqrt(np.mean(shaped**2)), np.float64)


def _vowel(noise: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    hertz = np.fft.rfftfreq(len(noise), 1 / rate)
    return _shaped(noise, 1 / (1 + (hertz / 500) ** 2), 0.1)


def _fricative(noise: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    return _shaped(noise, (np.fft.rfftfreq(len(noise), 1 / rate) > 3000) * 1.0, 0.02)


def _pause(noise: NDArray[np.float64], _rate: int) -> NDArray[np.float64]:
    return 1e-4 * noise
