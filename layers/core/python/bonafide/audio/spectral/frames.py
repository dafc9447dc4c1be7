"""Short-time spectra of a recording, one for each window of the speech detector."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.speech import WINDOW_SECONDS, Mask
from bonafide.audio.waveform import Waveform

Power = NDArray[np.float32]

BIN_HZ = 1.0 / WINDOW_SECONDS
SILENCE = 1e-14  # power of -140 dB


@dataclass(frozen=True, slots=True)
class Spectra:
    """Spectra of windows of 32 ms side by side, each under a Hann window, in bins of 31.25 Hz.

    Attributes:
        bins: complex, shape (frames, bins).
        power: of each bin, shape (frames, bins); the sum of a frame's is its mean power, full scale being 1.
    """

    bins: NDArray[np.complex64]
    power: Power

    @classmethod
    def of(cls, waveform: Waveform) -> Self:
        """Transforms a recording; the last window is filled up with silence."""
        size = round(WINDOW_SECONDS * waveform.rate)
        frames = np.pad(waveform.samples, (0, -len(waveform.samples) % size)).reshape(-1, size)
        window = np.hanning(size + 1)[:-1]
        scale = np.sqrt(2.0 / size) / np.linalg.norm(window)
        bins = np.asarray(np.fft.rfft(frames * np.asarray(window * scale, np.float32)), np.complex64)
        return cls(bins, np.asarray(bins.real**2 + bins.imag**2, np.float32))

    def of_frames(self, chosen: Mask) -> "Spectra":
        """Returns those of some frames, shape (frames,)."""
        return Spectra(self.bins[chosen], self.power[chosen])

    def spoken(self, speech: Mask) -> "Spectra":
        """Returns those of the frames that are speech, shape (frames,); all, if none is."""
        return self.of_frames(speech) if speech.any() else self

    def band(self, low_hz: float, high_hz: float) -> Power:
        """Returns the power of the bins of a band, shape (frames, bins of the band)."""
        return self.power[:, round(low_hz / BIN_HZ) : round(high_hz / BIN_HZ)]


def decibels(power: NDArray[np.floating] | np.floating) -> Power:
    """Converts power to dB, elementwise; never below -140."""
    return np.asarray(10.0 * np.log10(np.maximum(power, SILENCE)), np.float32)
