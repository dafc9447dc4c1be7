"""Quality of a recording: its true band, level, clipping and noise."""

from math import log10

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.speech import Mask
from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, Quality

_WINDOW = _HOP = 512  # 32 ms at 16 kHz, bins of 31.25 Hz
_TELEPHONE_BINS = slice(32, 100)  # 1.0-3.1 kHz: every line carries it
_UPPER_BINS = slice(144, 240)  # 4.5-7.5 kHz: above what any 8 kHz recording holds, and its filter's slope

# Decibels of the upper band over the telephone band, each at the level that its loudest tenth of speech frames reaches.
# Measured on 591 wideband readings: -36 at worst; on 8 kHz recordings brought to 16 kHz: -53 at best.
_EMPTY_DB = -45.0
# The upper band may hold noise (dither, a noisy converter) over telephone speech. Noise alone stays within about 2 dB
# while speech comes and goes; wideband speech varies by more than 4 dB until noise hides it, and is then above -24 dB.
_STEADY_DB = 4.0
_EMPTY_BUT_NOISE_DB = -24.0

# Interpolation between samples of 8 kHz, or their repetition, leaves an image of the speech above 4 kHz: the difference
# of levels in dB, bin by bin across the mirror, stays as it is all the time. In wideband speech it scatters by 8 dB and
# more (10 in 99 of 100 readings), two independent noises by 7.9, images by 0.4, and by 5 with noise 40 dB below.
_MIRROR_BIN = 128
_IMAGE_BINS = slice(16, 61)  # distance from the mirror: 0.5-1.9 kHz
_IMAGE_SCATTER_DB = 7.0
_IMAGE_FRAMES = 16  # half a second; fewer do not tell

_SILENCE_DBFS = -100.0
_MOST_SNR_DB = 100.0
_SHORTEST_PART_SECONDS = 0.1
_FRAME_SECONDS = 0.02
_QUIETEST_PERCENT = 5.0

_STEP = 1 / 32768  # of 16-bit PCM
_FAINT = 256 * _STEP  # below this range any sound has flat tops, made by the steps
_RUN = 3


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts power to dB, elementwise; never below -140."""
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-14)), np.float32)


def _spectra(samples: Samples, mask: Mask) -> NDArray[np.float32]:
    """Returns power spectra of the frames that are mostly speech (of all, if none is), shape (frames, 257)."""
    short = max(0, _WINDOW - len(samples))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, short)), _WINDOW)[::_HOP]
    voiced = np.lib.stride_tricks.sliding_window_view(np.pad(mask, (0, short)), _WINDOW)[::_HOP].mean(axis=1) > 0.5
    window = np.hanning(_WINDOW).astype(np.float32)
    spectrum = np.fft.rfft((frames[voiced] if voiced.any() else frames) * window / np.linalg.norm(window))
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def effective_channel(waveform: Waveform, mask: Mask) -> Channel:
    """Returns the band that the speech occupies, whatever the sampling rate says.

    Args:
        waveform: samples of shape (n,).
        mask: which samples are speech, shape (n,).
    """
    if waveform.rate == NARROWBAND_RATE:
        return Channel.NARROWBAND
    spectra = _spectra(waveform.samples, mask)
    upper = _decibels(spectra[:, _UPPER_BINS].mean(axis=1))
    telephone = _decibels(spectra[:, _TELEPHONE_BINS].mean(axis=1))
    difference = np.percentile(upper, 90) - np.percentile(telephone, 90)
    steady = np.percentile(upper, 95) - np.percentile(upper, 10) < _STEADY_DB
    empty = difference < (_EMPTY_BUT_NOISE_DB if steady else _EMPTY_DB)
    return Channel.NARROWBAND if empty or _is_image(spectra) else Channel.WIDEBAND


def _is_image(spectra: NDArray[np.float32]) -> bool:
    """Tells whether the band above 4 kHz is an image of the one below, so that it holds nothing of its own."""
    if len(spectra) < _IMAGE_FRAMES:
        return False
    below = _decibels(spectra[:, _MIRROR_BIN::-1][:, _IMAGE_BINS])
    difference = _decibels(spectra[:, _MIRROR_BIN:][:, _IMAGE_BINS]) - below
    return float(np.sqrt(np.mean(np.var(difference, axis=0, ddof=1)))) < _IMAGE_SCATTER_DB


def measure(waveform: Waveform, mask: Mask) -> Quality:
    """Measures a whole recording.

    Args:
        waveform: samples of shape (n,), n > 0.
        mask: which samples are speech, shape (n,).
    """
    samples = waveform.samples
    speech, rest = samples[mask], samples[~mask]
    enough = _SHORTEST_PART_SECONDS * waveform.rate
    snr = None
    if min(len(speech), len(rest)) >= enough:
        snr = min(_level(speech) - _background(rest, waveform.rate), _MOST_SNR_DB)
    flat = clipped(samples) if waveform.clipped is None else waveform.clipped
    level = _level(speech if len(speech) else samples)
    return Quality(level, flat, snr, level - _quantile(samples, waveform.rate, _QUIETEST_PERCENT))


def _level(samples: Samples) -> float:
    """Returns the RMS level in dB relative to full scale, never below silence."""
    return _dbfs(float(np.mean(np.square(samples, dtype=np.float64))))


def _dbfs(power: float) -> float:
    return max(10.0 * log10(power), _SILENCE_DBFS) if power > 0.0 else _SILENCE_DBFS


def _background(samples: Samples, rate: int) -> float:
    """Returns the level of the quieter quarter of the non-speech frames, in dB relative to full scale.

    The rest of it may be breath, a click, or the ends of words that were taken for pauses.
    """
    return _quantile(samples, rate, 25)


def _quantile(samples: Samples, rate: int, percent: float) -> float:
    """Returns the level that so many of the 20 ms frames do not exceed, in dB relative to full scale."""
    frame = min(round(_FRAME_SECONDS * rate), len(samples))
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return _dbfs(float(np.percentile(np.mean(np.square(frames, dtype=np.float64), axis=1), percent)))


def clipped(samples: Samples) -> float:
    """Returns the fraction of samples in runs of at least 3 at the recording's own highest or lowest value.

    A flat top stays flat when the recording is turned down afterwards, so the extreme is the recording's own and not
    full scale; a loud clean voice touches its extreme once or twice, never in runs.
    """
    high, low = samples.max(), samples.min()
    if high - low < _FAINT:
        return 0.0
    return (_in_runs(samples >= high - _STEP) + _in_runs(samples <= low + _STEP)) / len(samples)


def _in_runs(mask: Mask) -> int:
    """Counts the samples in runs of at least `_RUN`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.view(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= _RUN].sum())
