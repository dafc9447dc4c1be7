"""Simulates a telephone call, to evaluate and to show what a line does; never used on a caller's audio. Deterministic.

Nothing here needs torch, so that the local demo and the benchmarks can use it as well.
"""

from functools import cache

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.telephone import NARROWBAND_RATE, through_line
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.filters import frequency_sampled

TAPS = 257

# Gain in dB by frequency in Hz. Flat from 300 to 3300 Hz; the edges are as gentle as ITU-T G.712 leaves them to an
# analog end. A sharp edge at 300 Hz makes voices more alike than real lines do, and hides speech from its detector.
RESPONSE = (
    (0, -50),
    (60, -24),
    (120, -16),
    (200, -6),
    (300, -0.5),
    (350, 0),
    (3250, 0),
    (3400, -3),
    (3600, -15),
    (4000, -30),
)


def telephone(waveform: Waveform) -> Waveform:
    """Simulates a call: 300 to 3400 Hz, 8 kHz, mu-law."""
    samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
    band = np.convolve(samples, _line_filter(), mode="full")
    return through_line(band[TAPS // 2 :][: len(samples)])


@cache
def _line_filter() -> Samples:
    """Returns the linear-phase FIR of the line at 8 kHz, shape (257,)."""
    hertz, decibels = zip(*RESPONSE, strict=True)
    return frequency_sampled(np.array(hertz), np.array(decibels), TAPS, NARROWBAND_RATE)
