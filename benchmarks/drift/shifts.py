"""Shifts that are planted in recordings to see whether drift is noticed: another codec, more noise."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Quality
from training.corpus.filters import amplitude, noise, rms
from training.corpus.telephone import telephone

# What more noise means: the background rises by so much.
RISE_DB = 10.0
# Power of added noise over that of the background which makes the sum RISE_DB above it.
ADDED_DB = 10.0 * np.log10(10.0 ** (RISE_DB / 10.0) - 1.0)
# Speech over background where a recording has no pauses to measure it in.
USUAL_SNR_DB = 25.0
AMR_BITS = 5900

# A shift takes a recording, its quality, and a generator for what is drawn.
type Shift = Callable[[Waveform, Quality, np.random.Generator], Waveform]


def noisier(waveform: Waveform, quality: Quality, generator: np.random.Generator) -> Waveform:
    """Raises the background by 10 dB with pink noise."""
    snr = USUAL_SNR_DB if quality.snr_db is None else quality.snr_db
    hiss = noise(len(waveform.samples), waveform.rate, 1.0, generator)
    scale = amplitude(quality.level_dbfs - snr + ADDED_DB) / np.float32(rms(hiss))
    return Waveform(np.clip(waveform.samples + hiss * scale, -1.0, 1.0).astype(np.float32), waveform.rate)


def on_the_telephone(waveform: Waveform, _: Quality, __: np.random.Generator) -> Waveform:
    """Sends it over a telephone line with G.711."""
    return telephone(waveform)


def on_a_cell_phone(waveform: Waveform, _: Quality, __: np.random.Generator) -> Waveform:
    """Sends it through AMR at 5.9 kbit/s, 8 kHz."""
    from training.corpus.codecs import through_codec  # noqa: PLC0415, needs the package `av`

    samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
    coded = through_codec(samples, NARROWBAND_RATE, "libopencore_amrnb", "amr", AMR_BITS)
    return Waveform(coded, NARROWBAND_RATE)


SHIFTS: Mapping[str, Shift] = {
    "noise": noisier,
    "telephone": on_the_telephone,
    **({"amr": on_a_cell_phone} if find_spec("av") else {}),
}
