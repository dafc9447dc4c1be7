"""Audio in memory."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# A mean from which on it is an offset; quiet speech beside it would not be detected.
OFFSET = 0.002


@dataclass(frozen=True, slots=True)
class Waveform:
    """Mono audio.

    Attributes:
        samples: shape (n,), float32, full scale is 1.0.
        rate: samples a second, 8000 or 16000.
        clipped: fraction of clipped samples in each window of 32 ms, shape (windows,), if it was measured before
            resampling rounded their flat tops off.
    """

    samples: Samples
    rate: int
    clipped: NDArray[np.floating] | None = None

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate

    @property
    def digest(self) -> str:
        """SHA-256, hex, of rate and samples at 16 bits: the same whatever container the samples came in."""
        samples = np.rint(np.clip(self.samples, -1.0, 1.0) * 32767).astype("<i2")
        return hashlib.sha256(f"{self.rate}:".encode() + samples.tobytes()).hexdigest()


def without_offset(waveform: Waveform) -> Waveform:
    """Subtracts the mean if it is an offset."""
    mean = waveform.samples.mean(dtype=np.float64)
    return replace(waveform, samples=waveform.samples - np.float32(mean)) if abs(mean) > OFFSET else waveform
