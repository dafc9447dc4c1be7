"""Weights in 16 bits: floats, or as many even steps, whichever is closer.

The frozen part of the detector is rounded before anything is computed by it, so that heads are trained on what is
served. Above 4 kHz a telephone call is so quiet that the rounding of a Fourier transform alone would move its LLR.
"""

import numpy as np
from numpy.typing import NDArray

# Smaller tensors stay as they are.
LARGE = 1024


def floats(value: NDArray[np.float32]) -> NDArray[np.float16]:
    """Returns the nearest floats of 16 bits."""
    return value.astype(np.float16)


def steps(value: NDArray[np.float32]) -> tuple[NDArray[np.int16], np.float32]:
    """Returns the nearest of 65535 even steps, and how large one is.

    Sines need steps: floats of 16 bits add noise 80 dB below a voice, which is more than a telephone line has above
    4 kHz.
    """
    step = np.float32(np.abs(value).max() / 32767 or 1.0)
    return np.rint(value / step).astype(np.int16), step


def prefers_floats(value: NDArray[np.float32]) -> bool:
    """Tells which of the two is closer."""
    count, step = steps(value)
    return bool(np.square(floats(value) - value).sum() <= np.square(count * step - value).sum())


def rounded(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns what is left of an array after it was kept in 16 bits."""
    count, step = steps(value)
    return floats(value).astype(np.float32) if prefers_floats(value) else count * step
