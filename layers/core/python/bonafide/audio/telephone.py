"""What a telephone line makes of speech; deterministic."""

import numpy as np

from bonafide.audio.g711 import through_mulaw
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform

NARROWBAND_RATE = 8000
_TAPS = 257


def _line(samples: Samples) -> Waveform:
    """Shape (n,) at 8 kHz, through 16-bit PCM and mu-law."""
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Waveform(through_mulaw(pcm).astype(np.float32) / np.float32(32768.0), NARROWBAND_RATE)


def to_narrowband(waveform: Waveform) -> Waveform:
    """Bring speech to what a digital telephone line carries: 8 kHz, mu-law. 8 kHz audio is returned unchanged."""
    if waveform.rate == NARROWBAND_RATE:
        return waveform
    return _line(resample(waveform.samples, waveform.rate, NARROWBAND_RATE))


def _telephone_band() -> Samples:
    """Linear-phase FIR of an analogue line, 300 to 3400 Hz (-6 dB) at 8 kHz, shape (257,)."""
    n = np.arange(_TAPS) - _TAPS // 2
    high, low = 2 * 3400 / NARROWBAND_RATE, 2 * 300 / NARROWBAND_RATE
    taps = (high * np.sinc(high * n) - low * np.sinc(low * n)) * np.hamming(_TAPS)
    return np.asarray(taps, np.float32)


def telephone(waveform: Waveform) -> Waveform:
    """Simulate a call: 300 to 3400 Hz, 8 kHz, mu-law. Used to evaluate and to calibrate, never on a caller's audio."""
    samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
    band = np.convolve(samples, _telephone_band(), mode="full")
    return _line(band[_TAPS // 2 :][: len(samples)])
