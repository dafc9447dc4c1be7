"""Brings speech to the telephone band; deterministic."""

import numpy as np

from bonafide.audio.g711 import through_mulaw
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform

NARROWBAND_RATE = 8000


def through_line(samples: Samples) -> Waveform:
    """Sends samples at 8 kHz, shape (n,), through 16-bit PCM and mu-law, as a digital telephone line does."""
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return Waveform(through_mulaw(pcm).astype(np.float32) / np.float32(32768.0), NARROWBAND_RATE)


def to_narrowband(waveform: Waveform) -> Waveform:
    """Brings speech to the band of a digital telephone line: 8 kHz, mu-law. 8 kHz audio is returned unchanged."""
    if waveform.rate == NARROWBAND_RATE:
        return waveform
    return through_line(resample(waveform.samples, waveform.rate, NARROWBAND_RATE))
