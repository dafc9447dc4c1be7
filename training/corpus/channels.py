"""Transmission channels between a voice and the detector, drawn alike for both classes: bands and conditions.

A detector learns any difference between its two classes, so that a channel that only one of them went through would be
the easiest thing to learn. Nothing here knows the label. Rates are changed, and bands filtered, by the product's own
resampler and by filters of its design.
"""

from collections.abc import Mapping

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.codecs import alaw, mulaw
from training.corpus.conditions.condition import LineCondition
from training.corpus.draw import TransmissionChannel
from training.corpus.files import NARROW, WIDE
from training.corpus.filters import band_passed, rms

PLAIN = "plain"
# Sounds before the voice are not scored, and telephone calls that are stored at 16 kHz are taken back to 8 kHz.
NOT_DRAWN = frozenset({"before", "raised"})


def send(
    samples: Samples,
    channel: TransmissionChannel,
    conditions: Mapping[str, LineCondition],
    generator: np.random.Generator,
) -> tuple[Samples, str]:
    """Sends speech at 16 kHz through a channel.

    Args:
        samples: shape (n,), 16 kHz.
        channel: its kind; all else is drawn.
        conditions: to draw from, by name.
        generator: source of all randomness.

    Returns:
        samples at the rate of the channel, and the name of the condition, or PLAIN.
    """
    samples = _in_band(_leveled(samples, generator), channel, generator)
    name = PLAIN
    if channel.conditioned:
        condition = drawn(conditions, channel.rate, generator)
        name, samples = condition.name, condition.send(samples, channel.rate, generator)
    return (_companded(samples, generator) if channel.rate == NARROW else samples), name


def drawn(conditions: Mapping[str, LineCondition], rate: int, generator: np.random.Generator) -> LineCondition:
    """Draws a group of conditions, then one of it, so that a group counts alike, however many strengths it has."""
    possible = [each for each in conditions.values() if rate in each.rates and each.group not in NOT_DRAWN]
    groups = sorted({each.group for each in possible})
    group = groups[generator.integers(len(groups))]
    chosen = [each for each in possible if each.group == group]
    return chosen[generator.integers(len(chosen))]


def _in_band(samples: Samples, channel: TransmissionChannel, generator: np.random.Generator) -> Samples:
    """Returns samples at the rate of the channel."""
    if channel.rate == WIDE:
        return samples
    low, high = generator.uniform(20, 300), generator.uniform(3100, 3950)
    return band_passed(resample(samples, WIDE, NARROW), NARROW, low, high, generator.uniform(1, 2.5))


def _companded(samples: Samples, generator: np.random.Generator) -> Samples:
    """Applies the companding of G.711, as nearly all lines do."""
    chance = generator.random()
    return samples if chance > 0.85 else (mulaw if chance < 0.5 else alaw)(samples)


def _leveled(samples: Samples, generator: np.random.Generator) -> Samples:
    loud = 10 ** (generator.uniform(-38, -14) / 20)
    return np.asarray(np.clip(samples * (loud / rms(samples)), -1, 32767 / 32768), np.float32)
