"""Transmission channels between a voice and the detector, drawn alike for both classes: bands, codecs, noise, loss.

A detector learns any difference between its two classes, so that a channel that only one of them went through would be
the easiest thing to learn. Nothing here knows the label. Rates are changed, and bands filtered, by the product's own
resampler and by filters of its design.
"""

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.codecs import NARROW_CODECS, WIDE_CODECS, alaw, drawn_codec, mulaw
from training.corpus.draw import TransmissionChannel
from training.corpus.effects import colored, distorted, noisy, resampled, reverberant
from training.corpus.files import NARROW, WIDE
from training.corpus.filters import band_passed, filtered, frequency_sampled, rms

PACKET = 160


EFFECTS = ((reverberant, 0.2), (resampled, 0.3), (colored, 0.6), (distorted, 0.15), (noisy, 0.5))


def send(samples: Samples, channel: TransmissionChannel, generator: np.random.Generator) -> Samples:
    """Sends speech at 16 kHz through a channel; returns as many samples.

    What leaves a channel of 8 kHz has every sample twice, so that arrays of crops have one shape: the detector takes
    every other one, and interpolates between them itself, as it does when it serves.

    Args:
        samples: shape (n,), 16 kHz.
        channel: its kind; all else is drawn.
        generator: source of all randomness.
    """
    length = len(samples)
    for effect, chance in EFFECTS:
        if generator.random() < chance:
            samples = effect(samples, generator)
    samples = _leveled(samples, generator)
    sent = (
        np.repeat(_telephone(samples, channel, generator), 2)
        if channel.rate == NARROW
        else _wideband(samples, channel, generator)
    )
    return np.pad(sent[:length], (0, max(0, length - len(sent))))


def _wideband(samples: Samples, channel: TransmissionChannel, generator: np.random.Generator) -> Samples:
    if generator.random() < 0.5:
        samples = _low_passed(samples, generator.uniform(5200, 7900))
    if channel.coded:
        return drawn_codec(samples, WIDE, WIDE_CODECS, generator)
    return np.asarray(np.rint(samples * 32768) / 32768, np.float32)


def _telephone(samples: Samples, channel: TransmissionChannel, generator: np.random.Generator) -> Samples:
    """Returns samples at 8 kHz."""
    narrow = resample(samples, WIDE, NARROW)
    low, high = generator.uniform(20, 300), generator.uniform(3100, 3950)
    narrow = band_passed(narrow, NARROW, low, high, generator.uniform(1, 2.5))
    if channel.coded:
        narrow = drawn_codec(narrow, NARROW, NARROW_CODECS, generator)
    narrow = (mulaw if generator.random() < 0.6 else alaw)(narrow)
    return _lossy(narrow, generator) if generator.random() < 0.25 else narrow


def _lossy(samples: Samples, generator: np.random.Generator) -> Samples:
    """Loses packets of 20 ms; each is concealed by a fading copy of the one before, or by silence."""
    packets = np.array(samples[: len(samples) // PACKET * PACKET]).reshape(-1, PACKET)
    fade = generator.choice([0.0, 0.5, 0.9])
    for index in np.flatnonzero(generator.random(len(packets)) < generator.uniform(0.005, 0.06)):
        packets[index] = packets[index - 1] * fade if index else 0
    return np.concatenate([packets.ravel(), samples[packets.size :]])


def _low_passed(samples: Samples, edge: float) -> Samples:
    hertz = np.array([0, edge * 0.94, min(edge * 1.05, WIDE / 2 - 1), WIDE / 2])
    return filtered(samples, frequency_sampled(hertz, np.array([0, 0, -50, -80]), 127, WIDE))


def _leveled(samples: Samples, generator: np.random.Generator) -> Samples:
    loud = 10 ** (generator.uniform(-38, -14) / 20)
    return np.asarray(np.clip(samples * (loud / rms(samples)), -1, 32767 / 32768), np.float32)
