"""Quality of the speech of a recording: level, noise and clipping, measured where somebody speaks, and in the pauses.

What comes before speech, or long after it, is neither speech nor its noise: music, ringing, a prompt. Nor is what lies
below the voice: an offset, hum.
"""

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.spectral.frames import Power, Spectra, decibels
from bonafide.audio.speech import WINDOW_SECONDS, Mask, with_surroundings, without_short_runs
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Quality

Shares = NDArray[np.floating]

_LOWEST_HZ = 125.0  # of the voice, for its level: the skirts of hum at 50 and 60 Hz end here
_NOISE_HZ = 300.0  # above it speech is held against noise: hum and its strong harmonics are below
_HIGHEST_HZ = 8000.0

# Share of the pauses in which a bin is quieter; the rest of them may be breath, a click, the end of a word or of music.
_OF_PAUSES = 0.25
# The same of the speech. A bin of it is at times as quiet as the noise is, so that pauses that are so much louder are
# none: music that ends as speech begins.
_OF_SPEECH = 0.1
_LOUDER = 10.0
# Bins around each whose median a steady tone exceeds, and by how much: that is hum, or a line's whistle.
_AROUND, _TONE = 11, 4.0

_SILENCE_DBFS = -100.0
_MOST_SNR_DB = 100.0
_SHORTEST_PART_SECONDS = 0.1
_QUIETEST_PERCENT = 5.0

_STEP = 1 / 32768  # of 16-bit PCM
_FAINT = 256 * _STEP  # below this range any sound has flat tops, made by the steps
_RUN = 3


def measure(waveform: Waveform, spectra: Spectra, speech: Mask) -> Quality:
    """Measures a recording.

    Args:
        waveform: samples of shape (n,), n > 0.
        spectra: of it.
        speech: which of its windows are speech, shape (frames,); if none is, all count for the level.
    """
    level = _level(spectra.spoken(speech), _LOWEST_HZ)
    frames = decibels(spectra.band(_LOWEST_HZ, _HIGHEST_HZ).sum(axis=1))
    quietest = max(float(np.percentile(frames, _QUIETEST_PERCENT)), _SILENCE_DBFS)
    return Quality(level, _clipped(waveform, speech), _snr(spectra, speech), level - quietest)


def _level(spectra: Spectra, low_hz: float) -> float:
    """Returns the level above a frequency, in dB relative to full scale, never below silence."""
    return max(float(decibels(spectra.band(low_hz, _HIGHEST_HZ).sum(axis=1).mean())), _SILENCE_DBFS)


def _snr(spectra: Spectra, speech: Mask) -> float | None:
    """Returns the level of the speech over that of its pauses, dB; None if there is too little of either."""
    pauses = with_surroundings(speech) & ~speech
    if min(speech.sum(), pauses.sum()) * WINDOW_SECONDS < _SHORTEST_PART_SECONDS:
        return None
    parts = spectra.of_frames(pauses), spectra.of_frames(speech)
    quiet, loud = (each.band(_NOISE_HZ, _HIGHEST_HZ) for each in parts)
    paused, most = _steady(quiet, _OF_PAUSES), _steady(loud, _OF_SPEECH)
    noise = _without_tones(np.where(paused > _LOUDER * most, most, paused))
    background = max(float(decibels(noise.sum())), _SILENCE_DBFS)
    return min(_level(parts[1], _NOISE_HZ) - background, _MOST_SNR_DB)


def _steady(frames: Power, share: float) -> Power:
    """Returns the mean power of steady noise that is quieter in a share of the frames, in each bin, shape (bins,).

    The power of a bin of noise is distributed exponentially, so that its quantile is so far below its mean.
    """
    return np.asarray(np.quantile(frames, share, axis=0) / -np.log(1.0 - share), np.float32)


def _without_tones(noise: Power) -> Power:
    """Lowers bins that exceed their neighbors, shape (bins,)."""
    padded = np.pad(noise, _AROUND // 2, mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, _AROUND), axis=1)
    return np.asarray(np.where(noise > _TONE * around, around, noise), np.float32)


def _clipped(waveform: Waveform, speech: Mask) -> float:
    """Returns the fraction of the samples of the speech (of all, if there is none) that are clipped."""
    known = waveform.clipped
    shares = clipped_shares(waveform.samples, waveform.rate) if known is None else known
    return float(np.mean(shares[speech[: len(shares)]] if speech.any() else shares))


def clipped_shares(samples: Samples, rate: int) -> Shares:
    """Returns for each window of 32 ms the fraction of samples in runs of at least 3 at the highest or lowest value.

    A flat top stays flat when the recording is turned down afterwards, so the extreme is the recording's own and not
    full scale; a loud clean voice touches its extreme once or twice, never in runs.
    """
    high, low = samples.max(), samples.min()
    flat = np.zeros(len(samples), np.bool_)
    if high - low >= _FAINT:
        flat = without_short_runs(samples >= high - _STEP, _RUN) | without_short_runs(samples <= low + _STEP, _RUN)
    starts = np.arange(0, len(samples), round(WINDOW_SECONDS * rate))
    return np.add.reduceat(flat, starts, dtype=np.float64) / np.diff(starts, append=len(samples))
