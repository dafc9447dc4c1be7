"""Simulated telephone lines for calibration speech, so that it has met more lines than its recordings did."""

from dataclasses import dataclass

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.telephone import NARROWBAND_RATE, through_line
from bonafide.audio.waveform import Waveform
from training.corpus.filters import amplitude, band_passed, noise, rms


@dataclass(frozen=True, slots=True)
class DrawRange:
    """A range to draw from, evenly."""

    low: float
    high: float

    def draw(self, generator: np.random.Generator) -> float:
        """Draws one value."""
        return float(generator.uniform(self.low, self.high))


@dataclass(frozen=True, slots=True)
class SimulatedLines:
    """The ranges that lines are drawn from.

    Attributes:
        low_hz: lower edge of the band, -3 dB.
        high_hz: upper edge.
        order: of the lower edge; the upper one is four times as steep.
        level_dbfs: RMS of the speech when it enters the codec.
        snr_db: speech over noise.
        noise_slope: of the noise's spectrum, power ~ 1 / f^slope.
    """

    low_hz: DrawRange
    high_hz: DrawRange
    order: DrawRange
    level_dbfs: DrawRange
    snr_db: DrawRange
    noise_slope: DrawRange

    def send(self, waveform: Waveform, generator: np.random.Generator) -> Waveform:
        """Draws a line and sends speech through it: 8 kHz, mu-law."""
        samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
        edges = self.low_hz.draw(generator), self.high_hz.draw(generator), self.order.draw(generator)
        samples = band_passed(samples, NARROWBAND_RATE, *edges)
        hiss = noise(len(samples), NARROWBAND_RATE, self.noise_slope.draw(generator), generator)
        samples = samples / rms(samples) + hiss / rms(hiss) * amplitude(-self.snr_db.draw(generator))
        samples *= amplitude(self.level_dbfs.draw(generator))
        return through_line(samples)
