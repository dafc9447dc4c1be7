"""ITU-T G.711 A-law and mu-law as tables of 16-bit PCM."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Codes = NDArray[np.uint8]


def _expand_alaw() -> Pcm:
    """Returns table 1a of G.711: 8 segments of 16 steps, even bits inverted, sign bit set for positive values."""
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    magnitude = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _expand_mulaw() -> Pcm:
    """Returns table 2a of G.711: 8 segments of 16 steps around a bias of 33 (132 of 16 bits), all bits inverted."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 15) << 3) + 132 << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


ALAW = _expand_alaw()
MULAW = _expand_mulaw()


@cache
def _through_mulaw() -> Pcm:
    """Returns, for each 16-bit value seen as unsigned, the value after mu-law: shape (65536,).

    On the biased scale a segment reaches from one power of two to the next, in 16 steps; a step's output is its middle.
    """
    pcm = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int64)
    biased = np.minimum(np.abs(pcm), 32635) + 132
    step = np.int64(1) << np.log2(biased).astype(np.int64) - 4
    magnitude = biased // step * step + step // 2 - 132
    return np.asarray(np.sign(pcm) * magnitude, np.int16)


def through_mulaw(pcm: Pcm) -> Pcm:
    """Encodes and decodes 16-bit PCM, shape kept: the signal at the far end of a digital telephone line."""
    return _through_mulaw()[pcm.view(np.uint16)]
