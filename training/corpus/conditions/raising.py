"""Telephone speech at a higher rate: how recorders and toolkits bring it there, some leaving images of the band."""

from collections.abc import Callable, Mapping
from math import gcd

import numpy as np

from bonafide.audio.waveform import Samples, Waveform
from training.corpus.files import NARROW
from training.corpus.filters import convolved
from training.corpus.telephone import telephone


def nearest(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Repeats samples: images of the band as loud as the band, but for the roll-off of a hold."""
    at = np.arange(_length(samples, from_rate, to_rate)) * from_rate // to_rate
    return samples[np.minimum(at, len(samples) - 1)]


def linear(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Draws straight lines between samples: images that are fainter by the square of the hold's roll-off."""
    at = np.arange(_length(samples, from_rate, to_rate)) * from_rate / to_rate
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def polyphase(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Filters by a Kaiser window of beta 5 with ten zero crossings a side, the usual default."""
    common = gcd(from_rate, to_rate)
    up, down = to_rate // common, from_rate // common
    most = max(up, down)
    offsets = np.arange(-10 * most, 10 * most + 1)
    taps = np.sinc(offsets / most) / most * np.kaiser(len(offsets), 5.0) * up
    spread = np.zeros(len(samples) * up, np.float32)
    spread[::up] = samples
    return convolved(spread, taps)[10 * most :][: len(spread)][::down]


def spectral(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Pads the spectrum of the whole recording with zeros: nothing above the band."""
    length = _length(samples, from_rate, to_rate)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples), length) * (length / len(samples)), np.float32)


RAISERS: Mapping[str, Callable[[Samples, int, int], Samples]] = {
    "nearest": nearest,
    "linear": linear,
    "polyphase": polyphase,
    "fft": spectral,
}


def raised_call(samples: Samples, rate: int, _generator: np.random.Generator, *, by: str) -> Samples:
    """Makes a telephone call of wideband speech and brings it back to its rate by one of RAISERS."""
    return RAISERS[by](telephone(Waveform(samples, rate)).samples, NARROW, rate)


def _length(samples: Samples, from_rate: int, to_rate: int) -> int:
    return -(-len(samples) * to_rate // from_rate)
