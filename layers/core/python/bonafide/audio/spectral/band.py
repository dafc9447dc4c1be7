"""The band that speech occupies, whatever its sampling rate says."""

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.spectral.frames import SILENCE, Spectra, decibels
from bonafide.audio.speech import Mask
from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.biometrics.evidence import Channel

_TELEPHONE_HZ = (1000.0, 3125.0)  # every line carries it
_MIRROR = 128  # bin of 4 kHz
_NEAREST, _FARTHEST = 16, 112  # bins from there: 4.5-7.5 kHz, beyond what 8 kHz holds and the slope of its filter

# Decibels of the upper band over the telephone band, each at the level that its loudest tenth of speech frames reaches.
# Measured on 591 wideband readings: -36 at worst; on 8 kHz recordings brought to 16 kHz: -53 at best.
_EMPTY_DB = -45.0
# The upper band may hold noise (dither, a noisy converter) over telephone speech. Noise alone stays within about 2 dB
# while speech comes and goes; wideband speech varies by more than 4 dB until noise hides it, and is then above -24 dB.
_STEADY_DB = 4.0
_EMPTY_BUT_NOISE_DB = -24.0
# Interpolation of telephone speech leaves an image of it above 4 kHz. Share of the upper band's power that is one: of
# 31 wideband readings at most 0.08, with 16 kbit/s of MP3 0.22; of 20 telephone recordings by 16 poor interpolators and
# rates at least 0.43 (nearest sample, by way of 22 kHz), mostly above 0.9.
_IMAGE = 0.3
# Noise over an image hides it, but is all that is left without it.
_IMAGE_IN_NOISE = 0.1
_FEWEST_FRAMES = 16  # half a second; in fewer any two bands have much in common


def effective_channel(rate: int, spectra: Spectra, speech: Mask) -> Channel:
    """Returns the band that the speech occupies.

    Args:
        rate: of the recording, Hz.
        spectra: of the recording.
        speech: which of its windows are speech, shape (frames,); if none is, all count.
    """
    if rate == NARROWBAND_RATE:
        return Channel.NARROWBAND
    heard = spectra.spoken(speech)
    image, own = _parted(heard.bins)
    upper = decibels(own)
    difference = np.percentile(upper, 90) - np.percentile(decibels(heard.band(*_TELEPHONE_HZ).mean(axis=1)), 90)
    steady = np.percentile(upper, 95) - np.percentile(upper, 10) < _STEADY_DB
    empty = difference < (_EMPTY_BUT_NOISE_DB if steady else _EMPTY_DB)
    return Channel.NARROWBAND if empty or image > (_IMAGE_IN_NOISE if steady else _IMAGE) else Channel.WIDEBAND


def _parted(bins: NDArray[np.complex64]) -> tuple[float, NDArray[np.float32]]:
    """Parts the upper band into an image of the lower one and the rest.

    What was sampled at 8 kHz has the same spectrum again, mirrored at 4 kHz and conjugate, and an interpolator that
    filters badly leaves some of it: in each bin the same fraction all the time, which least squares find. Two bands of
    their own have nothing in common but what chance makes of few frames.

    Returns:
        Share of the image in the power of the upper band, and mean power of the rest in each frame, shape (frames,).
    """
    upper = bins[:, _MIRROR + _NEAREST : _MIRROR + _FARTHEST]
    mirrored = bins[:, _MIRROR - _NEAREST : _MIRROR - _FARTHEST : -1].conj()
    whole = _power(upper)
    if len(bins) < _FEWEST_FRAMES:
        return 0.0, whole
    fraction = (upper * mirrored.conj()).sum(axis=0) / np.maximum((np.abs(mirrored) ** 2).sum(axis=0), SILENCE)
    rest = _power(upper - fraction * mirrored)
    left = float(rest.sum()) / max(float(whole.sum()), SILENCE)
    return 1.0 - left * len(bins) / (len(bins) - 1), rest


def _power(bins: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.asarray((bins.real**2 + bins.imag**2).mean(axis=1), np.float32)
