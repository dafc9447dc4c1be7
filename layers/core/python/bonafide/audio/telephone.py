"""What a telephone line makes of speech; deterministic."""

from functools import cache

import numpy as np

from bonafide.audio.g711 import through_mulaw
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform

NARROWBAND_RATE = 8000
_TAPS = 257

# Gain in dB by frequency in Hz. Flat from 300 to 3300 Hz; the edges are as gentle as ITU-T G.712 leaves them to an
# analogue end. A sharp edge at 300 Hz makes voices more alike than real lines do, and hides speech from its detector.
_RESPONSE = (
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


def _line(samples: Samples) -> Waveform:
    """Shape (n,) at 8 kHz, through 16-bit PCM and mu-law."""
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Waveform(through_mulaw(pcm).astype(np.float32) / np.float32(32768.0), NARROWBAND_RATE)


def to_narrowband(waveform: Waveform) -> Waveform:
    """Brings speech to the format of a digital telephone line: 8 kHz, mu-law. 8 kHz audio is returned unchanged."""
    if waveform.rate == NARROWBAND_RATE:
        return waveform
    return _line(resample(waveform.samples, waveform.rate, NARROWBAND_RATE))


@cache
def _line_filter() -> Samples:
    """Linear-phase FIR of a telephone line at 8 kHz, shape (257,): what `_RESPONSE` draws."""
    hertz, decibels = zip(*_RESPONSE, strict=True)
    grid = np.fft.rfftfreq(8 * _TAPS, 1 / NARROWBAND_RATE)
    gain = 10 ** (np.interp(grid, hertz, decibels) / 20)
    taps = np.roll(np.fft.irfft(gain), _TAPS // 2)[:_TAPS] * np.hamming(_TAPS)
    return np.asarray(taps, np.float32)


def telephone(waveform: Waveform) -> Waveform:
    """Simulate a call: 300 to 3400 Hz, 8 kHz, mu-law.

    Used to evaluate and to calibrate, never on a caller's audio.
    """
    samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
    band = np.convolve(samples, _line_filter(), mode="full")
    return _line(band[_TAPS // 2 :][: len(samples)])
