"""Frames of a recording that hold speech, and its level there, by their energy: enough for simulations."""

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples
from training.corpus.filters import QUIETEST, Numbers, rms

FRAMES_PER_SECOND = 50
# Speech is within so many dB of its loud frames (95th percentile), and above this share of the way from the quiet ones.
DEEPEST_DB = 30.0
SHARE = 0.4


def active_frames(samples: Samples, rate: int) -> NDArray[np.bool_]:
    """Returns which frames of 20 ms hold speech, shape (ceil(n / frame),)."""
    power = 20 * np.log10(np.sqrt(np.mean(np.square(_frames(samples, rate)), axis=1)) + QUIETEST)
    quiet, loud = np.percentile(power, [10, 95])
    return np.asarray(power >= max(loud - DEEPEST_DB, quiet + SHARE * (loud - quiet)))


def active_rms(samples: Samples, rate: int) -> float:
    """Returns the RMS of the frames that hold speech: its active level."""
    return rms(_frames(samples, rate)[active_frames(samples, rate)])


def _frames(samples: Samples, rate: int) -> Numbers:
    size = rate // FRAMES_PER_SECOND
    return np.pad(samples - samples.mean(), (0, -len(samples) % size)).reshape(-1, size)
