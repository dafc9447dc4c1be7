"""Shifts that are planted in recordings to see whether drift is noticed: another codec, more noise."""

from collections.abc import Callable, Mapping

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Quality
from training.corpus.filters import amplitude, noise, rms
from training.corpus.telephone import telephone

# What more noise means: the background rises by so much.
RISE_DB = 10.0
# Power of added noise over that of the background which makes the sum RISE_DB above it.
ADDED_DB = 10.0 * np.log10(10.0 ** (RISE_DB / 10.0) - 1.0)
# Speech over background where a recording has no pauses to measure it in.
USUAL_SNR_DB = 25.0
# Blocks of 20 ms, of whose spectrum the strongest lines are kept.
BLOCK = 160
STRONGEST = 12

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


def on_a_low_rate_codec(waveform: Waveform, _: Quality, __: np.random.Generator) -> Waveform:
    """Sends it through a simple transform codec of about 5 kbit/s, 8 kHz; needs no package."""
    return Waveform(strongest_lines(resample(waveform.samples, waveform.rate, NARROWBAND_RATE)), NARROWBAND_RATE)


def strongest_lines(samples: Samples) -> Samples:
    """Keeps the strongest lines of each block's spectrum, shape (n,).

    The modified discrete cosine transform of Princen and Bradley (IEEE Transactions on Acoustics, Speech, and Signal
    Processing 34, 1986): blocks overlap by half, and what one folds the next one unfolds.
    """
    blocks = -(-len(samples) // BLOCK)
    padded = np.pad(samples, (BLOCK, (blocks + 1) * BLOCK - len(samples)))
    place = np.arange(2 * BLOCK) + 0.5
    basis = np.sqrt(2 / BLOCK) * np.cos(np.pi / BLOCK * np.outer(place + BLOCK / 2, np.arange(BLOCK) + 0.5))
    basis *= np.sin(np.pi * place / (2 * BLOCK))[:, None]
    lines = np.lib.stride_tricks.sliding_window_view(padded, 2 * BLOCK)[::BLOCK] @ basis
    weakest_kept = np.partition(np.abs(lines), -STRONGEST, axis=1)[:, -STRONGEST][:, None]
    halves = (np.where(np.abs(lines) >= weakest_kept, lines, 0.0) @ basis.T).reshape(-1, 2, BLOCK)
    coded = np.clip((halves[:-1, 1] + halves[1:, 0]).ravel()[: len(samples)], -1.0, 1.0)
    return np.asarray(coded, np.float32)


SHIFTS: Mapping[str, Shift] = {
    "noise": noisier,
    "telephone": on_the_telephone,
    "codec": on_a_low_rate_codec,
}
