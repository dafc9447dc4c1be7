"""Fingerprints of recordings, by which a copy is found again: over a codec, with noise, louder, cut, or reversed.

A fingerprint is the spectrogram of the speech in the band that every telephone line keeps, at a few bits a cell. Two
are compared by their normalized cross-correlation over windows of a few seconds at every offset. Another utterance of
the same words by the same person never has the same timing for so long; a copy has.

Compressed energies keep what is loud, which noise and codecs change least; steady noise and the surroundings of each
cell are taken off, so that neither level nor slow changes of a channel count. Sources: J. Haitsma, T. Kalker, "A highly
robust audio fingerprinting system", ISMIR 2002; A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.speech import Mask
from bonafide.audio.waveform import Samples

Cells = NDArray[np.int8]

RATE = 8000
FRAME_SECONDS = 0.02
BANDS = 16
_HOP = round(RATE * FRAME_SECONDS)
_WINDOW = 512
_LOWEST, _HIGHEST = 300.0, 3400.0
_EDGES = np.rint(np.linspace(_LOWEST, _HIGHEST, BANDS + 1) / RATE * _WINDOW).astype(int)
# Energy below which a cell fades, dB relative to the loudest cells.
_FLOOR_DB = -15.0
# The energy of a band below which a tenth of all moments of 0.1 s lie is noise, and twice as much of it is taken off.
_MOMENT, _QUIETEST, _NOISE = 5, 10.0, np.float32(2.0)
_AROUND = (13, 9)  # frames and bands whose mean is taken off
_STEADY = 51  # frames over which what does not change is no speech: a tone, a hum
_MARGIN = 12  # frames around speech
_STEPS, _MOST = 2.5, 7  # of the cells, which have 4 bits


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Fingerprint of one recording.

    Attributes:
        cells: shape (frames, BANDS), -7 to 7; a frame each FRAME_SECONDS, all zero where nobody speaks.
        speech_seconds: net speech of the recording; 0.0 in a fingerprint that was stored.
    """

    cells: Cells
    speech_seconds: float = 0.0

    @classmethod
    def of(cls, samples: Samples, rate: int, spoken: Mask) -> Self:
        """Makes the fingerprint of a recording.

        Args:
            samples: shape (n,).
            rate: samples a second.
            spoken: which samples are speech, shape (n,).
        """
        heard = resample(samples, rate, RATE)
        frames = len(heard) // _HOP
        if not frames:
            return cls(np.zeros((0, BANDS), np.int8))
        step = len(spoken) / len(heard) * _HOP
        speech = _surrounded(np.asarray(spoken)[((np.arange(frames) + 0.5) * step).astype(int)])
        cells = np.rint(_STEPS * _contrast(_energies(heard, frames), speech))
        return cls((np.clip(cells, -_MOST, _MOST) * speech[:, None]).astype(np.int8), int(spoken.sum()) / rate)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Joins the fingerprints of pieces of a recording, in order."""
        cells = np.concatenate([np.zeros((0, BANDS), np.int8), *(each.cells for each in parts)])
        return cls(cells, sum(each.speech_seconds for each in parts))

    def newest(self, seconds: float) -> Self:
        """Returns the last seconds of it."""
        return replace(self, cells=self.cells[-round(seconds / FRAME_SECONDS) :])

    @property
    def seconds(self) -> float:
        """Seconds that can be compared."""
        return float(np.count_nonzero(np.any(self.cells, axis=1))) * FRAME_SECONDS

    def to_bytes(self) -> bytes:
        """Writes two cells to a byte, compressed."""
        cells = (self.cells + 8).astype(np.uint8).reshape(-1, 2)
        return zlib.compress((cells[:, 0] << 4 | cells[:, 1]).tobytes(), 1)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Reads what `to_bytes` wrote."""
        packed = np.frombuffer(zlib.decompress(content), np.uint8)
        cells = np.stack([packed >> 4, packed & 15], axis=1).astype(np.int8) - np.int8(8)
        return cls(cells.reshape(-1, BANDS))


def _surrounded(speech: Mask) -> Mask:
    """Adds frames on both sides of all speech, shape (frames,): detectors differ where it begins and ends."""
    near = np.convolve(speech, np.ones(2 * _MARGIN + 1))[_MARGIN : _MARGIN + len(speech)]
    return np.asarray(near > 0.5, np.bool_)


def _energies(samples: Samples, frames: int) -> NDArray[np.float32]:
    """Returns the mean power in each band, shape (frames, BANDS)."""
    padded = np.pad(samples, _WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:frames]
    spectrum = np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32))[:, : _EDGES[-1]]
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.add.reduceat(power, _EDGES[:-1], axis=1) / np.diff(_EDGES), np.float32)


def _without_noise(energies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Takes the steady noise of each band off, same shape."""
    noise = np.percentile(_blurred(energies, _MOMENT, 0), _QUIETEST, axis=0).astype(np.float32)
    return np.maximum(energies - _NOISE * noise, 0)


def _contrast(energies: NDArray[np.float32], speech: Mask) -> NDArray[np.float32]:
    """Returns compressed energies less noise and the mean of their surroundings, same shape."""
    loudest = energies.max(axis=1)
    loud = float(np.percentile(loudest[speech] if speech.any() else loudest, 90))
    level = np.log1p(_without_noise(energies) / max(loud * 10 ** (_FLOOR_DB / 10), 1e-12))
    contrast = level - _blurred(_blurred(level, _AROUND[0], 0), _AROUND[1], 1)
    return np.asarray(contrast - _blurred(contrast, _STEADY, 0), np.float32)


def _blurred(cells: NDArray[np.float32], width: int, axis: int) -> NDArray[np.float32]:
    """Returns the mean over `width` neighbors along an axis."""
    sides = [(width // 2, width // 2) if each == axis else (0, 0) for each in range(2)]
    total = np.cumsum(np.pad(cells, sides, mode="edge"), axis=axis, dtype=np.float64)
    ahead = np.concatenate([np.zeros_like(np.take(total, [0], axis)), total], axis)
    end, begin = (slice(width, None), slice(None)) if axis == 0 else (slice(None), slice(width, None))
    shifted = ahead[end, begin] - (ahead[:-width] if axis == 0 else ahead[:, :-width])
    return np.asarray(shifted / width, np.float32)
