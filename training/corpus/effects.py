"""Effects on wideband speech: rooms, handsets, amplifiers."""

import numpy as np

from bonafide.audio.waveform import Samples
from training.corpus.files import WIDE
from training.corpus.filters import convolved, filtered, frequency_sampled


def colored(samples: Samples, generator: np.random.Generator) -> Samples:
    """Applies a microphone or handset: a smooth random response of up to +-8 dB."""
    knots = np.sort(generator.uniform(100, 7800, 6))
    decibels = generator.uniform(-8, 8, 8) * generator.uniform(0.2, 1)
    return filtered(samples, frequency_sampled(np.array([0, *knots, WIDE / 2]), decibels, 129, WIDE))


def reverberant(samples: Samples, generator: np.random.Generator) -> Samples:
    """Applies a room: exponentially decaying noise after the direct sound."""
    decay = generator.uniform(0.05, 0.5)
    time = np.arange(int(WIDE * decay)) / WIDE
    tail = generator.standard_normal(len(time)) * np.exp(-6.9 * time / decay)
    tail *= 10 ** (generator.uniform(-18, -3) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return convolved(samples, tail)[: len(samples)]


def distorted(samples: Samples, generator: np.random.Generator) -> Samples:
    """Applies a driven amplifier or loudspeaker: soft clipping, then a gentle high pass."""
    drive = generator.uniform(1, 6) / max(float(np.abs(samples).max()), 1e-4)
    bent = np.tanh(samples * drive + generator.uniform(0, 0.2)) / drive
    bent -= bent.mean()
    return np.asarray(bent - generator.uniform(0, 0.6) * np.append(0, bent[:-1]), np.float32)
