"""Signals that every graph can be run on, and which need no recordings.

Of numpy alone, so that the training's own environment can make the same.
"""

from functools import cache

import numpy as np

from bonafide.audio.waveform import Waveform

# Rates and seconds. The last is short: a graph may pad.
SIGNALS = ((16000, 4.0), (8000, 4.0), (16000, 1.3), (8000, 0.7))
SEED = 1
FORMANTS = ((500, 80), (1500, 120), (2500, 160), (3500, 250))


@cache
def signal(rate: int, seconds: float) -> Waveform:
    """Returns pulses of a moving pitch through formants, in syllables, with noise; peak 0.5."""
    count = int(seconds * rate)
    times = np.arange(count) / rate
    noise = np.random.default_rng([SEED, rate, count]).standard_normal(count)
    pitch = 150 + 40 * np.sin(2 * np.pi * 0.7 * times)
    source = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.02 * noise
    hertz = np.fft.rfftfreq(count, 1 / rate)
    gain = sum(1 / (1 + ((hertz - center) / width) ** 2) for center, width in FORMANTS) + 0.01
    voiced = np.fft.irfft(np.fft.rfft(source) * gain, count) * (0.55 - 0.45 * np.cos(2 * np.pi * 3.1 * times))
    samples = 0.5 * voiced / np.abs(voiced).max() + 0.0005 * noise
    return Waveform(np.clip(samples, -1, 1).astype(np.float32), rate)
