"""Samples of a fixed width as 16-bit PCM: the same numbers, whatever container and width they came in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.g711 import ALAW, MULAW, Pcm
from bonafide.audio.refusal import refuse


@dataclass(frozen=True, slots=True)
class Linear:
    """One encoding of single samples.

    Attributes:
        width: bytes a sample.
        expand: makes 16-bit samples, shape (n,), of n * width bytes.
    """

    width: int
    expand: Callable[[memoryview], Pcm]


def rounded(left: NDArray[np.int32]) -> Pcm:
    """Rounds samples that fill 32 bits from the left to 16 bits, shape kept; those that had 16 stay as they were."""
    return np.asarray(np.minimum((left >> 15) + 1 >> 1, 32767), np.int16)


def _wide(data: memoryview) -> Pcm:
    """Reads 24 bits, little endian."""
    three = np.frombuffer(data, np.uint8).reshape(-1, 3)
    four = np.zeros((len(three), 4), np.uint8)
    four[:, 1:] = three
    return rounded(four.view("<i4")[:, 0])


def _of_floats(samples: NDArray[np.floating]) -> Pcm:
    """Rounds floats with a full scale of 1.0, beyond which they are clipped.

    Raises:
        UnsupportedAudio: a value is not finite.
    """
    if not np.isfinite(samples).all():
        raise refuse("audio_malformed", "The audio holds values that are no finite numbers.")
    return np.asarray(np.clip(np.rint(np.clip(samples, -1.0, 1.0) * 32768.0), -32768, 32767), np.int16)


EXPAND: Mapping[str, Linear] = {
    "pcm_s16le": Linear(2, lambda data: np.frombuffer(data, "<i2").astype(np.int16, copy=False)),
    "pcm_s24le": Linear(3, _wide),
    "pcm_s32le": Linear(4, lambda data: rounded(np.frombuffer(data, "<i4"))),
    "pcm_f32le": Linear(4, lambda data: _of_floats(np.frombuffer(data, "<f4"))),
    "pcm_f64le": Linear(8, lambda data: _of_floats(np.frombuffer(data, "<f8"))),
    "alaw": Linear(1, lambda data: ALAW[np.frombuffer(data, np.uint8)]),
    "mulaw": Linear(1, lambda data: MULAW[np.frombuffer(data, np.uint8)]),
}


def expand(data: memoryview, encoding: str, channels: int, index: int) -> Pcm:
    """Takes one of several interleaved channels, shape (n,).

    Args:
        data: whole frames.
        encoding: key of EXPAND.
        channels: of a frame.
        index: of the channel to take.

    Raises:
        UnsupportedAudio: a value is not a number.
    """
    linear = EXPAND[encoding]
    if channels == 1:
        return linear.expand(data)
    frames = np.frombuffer(data, np.uint8).reshape(-1, channels, linear.width)
    return linear.expand(memoryview(np.ascontiguousarray(frames[:, index]).reshape(-1)))
