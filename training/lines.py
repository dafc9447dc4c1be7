"""Telephone lines that calibration speech is sent through, so that it has met more of them than the recordings did."""

from dataclasses import dataclass

import numpy as np

from bonafide.audio.g711 import through_mulaw
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform

RATE = 8000


@dataclass(frozen=True, slots=True)
class Span:
    """A range to draw from, evenly."""

    low: float
    high: float

    def draw(self, generator: np.random.Generator) -> float:
        """One value."""
        return float(generator.uniform(self.low, self.high))


@dataclass(frozen=True, slots=True)
class Lines:
    """What lines are drawn from.

    Attributes:
        low_hz: lower edge of the band, -3 dB.
        high_hz: upper edge.
        order: of the lower edge; the upper one is four times as steep.
        level_dbfs: RMS of the speech when it enters the codec.
        snr_db: speech over noise.
        noise_slope: of the noise's spectrum, power ~ 1 / f^slope.
    """

    low_hz: Span
    high_hz: Span
    order: Span
    level_dbfs: Span
    snr_db: Span
    noise_slope: Span

    def send(self, waveform: Waveform, generator: np.random.Generator) -> Waveform:
        """Draws a line and sends speech through it: 8 kHz, mu-law."""
        samples = resample(waveform.samples, waveform.rate, RATE)
        edges = self.low_hz.draw(generator), self.high_hz.draw(generator), self.order.draw(generator)
        samples = _band(samples, *edges)
        noise = _noise(len(samples), self.noise_slope.draw(generator), generator)
        samples = samples / _rms(samples) + noise / _rms(noise) * _ratio(-self.snr_db.draw(generator))
        samples *= _ratio(self.level_dbfs.draw(generator))
        pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        return Waveform(through_mulaw(pcm).astype(np.float32) / np.float32(32768.0), RATE)


def _band(samples: Samples, low_hz: float, high_hz: float, order: float) -> Samples:
    """Band pass with the gentle edges of real lines: the power response of Butterworth filters, without delay."""
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), 1.0)
    power = 1.0 + (low_hz / frequency) ** (2 * order) + (frequency / high_hz) ** (8 * order)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) / np.sqrt(power), len(samples)), np.float32)


def _noise(length: int, slope: float, generator: np.random.Generator) -> Samples:
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / RATE), 50.0)
    return np.asarray(np.fft.irfft(spectrum * frequency ** (-slope / 2), length), np.float32)


def _rms(samples: Samples) -> float:
    return max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-6)


def _ratio(decibels: float) -> np.float32:
    return np.float32(10.0 ** (decibels / 20.0))
