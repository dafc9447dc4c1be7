"""Resampling with a windowed-sinc polyphase filter, as a few matrix products."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples

# Zero crossings of the sinc on each side. With 40 and a Blackman window (cheap to compute for the 16,000 phases that an
# odd rate needs) whatever would alias is more than 70 dB down, and the pass band reaches 0.86 of the lower Nyquist
# frequency: 3.4 kHz at a rate of 8 kHz, all that a telephone carries.
_CROSSINGS = 40
_CENTER = 0.93
_OUTPUTS_AT_ONCE = 32  # enough for an efficient product, few enough that little of a matrix is zero


@dataclass(frozen=True, slots=True)
class _Block:
    """Filters of neighboring outputs of one period.

    Attributes:
        output: the first of them.
        source: the first input sample that they depend on, in padded input.
        taps: shape (inputs, outputs).
    """

    output: int
    source: int
    taps: NDArray[np.float32]


@lru_cache(maxsize=4)
def _blocks(up: int, down: int) -> tuple[int, list[_Block]]:
    """Returns filters that make `up` outputs of `down` inputs, with the padding that they need on either side."""
    slower = min(1.0, up / down)
    half = ceil(_CROSSINGS / slower)
    starts = range(0, up, _OUTPUTS_AT_ONCE)
    return half, [_block(range(j, min(j + _OUTPUTS_AT_ONCE, up)), down / up, half, _CENTER * slower) for j in starts]


def _block(outputs: range, step: float, half: int, cutoff: float) -> _Block:
    """Returns weights of each input for each output: a sinc around the output's position, windowed to `half` inputs."""
    position = np.array(outputs) * step
    source = int(position[0])
    inputs = np.arange(source + 1 - half, int(position[-1]) + half + 1)
    offset = (inputs[:, None] - position).astype(np.float32)
    angle = np.clip(offset / half, -1, 1) * np.float32(np.pi)
    taps = np.sinc(np.float32(cutoff) * offset) * (0.42 + 0.5 * np.cos(angle) + 0.08 * np.cos(2 * angle))
    return _Block(outputs[0], source, np.asarray(taps / taps.sum(axis=0), np.float32))


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Resamples shape (n,) at `from_rate` Hz to shape (ceil(n * to / from),) at `to_rate` Hz, without delay.

    Output sample j lies at input position j * from / to; outside its samples the input is taken as silent.
    """
    if from_rate == to_rate:
        return samples
    common = gcd(from_rate, to_rate)
    longer = ceil(_OUTPUTS_AT_ONCE * common / to_rate)  # periods taken as one, so that there are enough outputs in it
    up, down = to_rate // common * longer, from_rate // common * longer
    half, blocks = _blocks(up, down)
    length = ceil(len(samples) * up / down)
    periods = max(1, ceil(length / up))
    padded = np.zeros(periods * down + 2 * half, np.float32)
    padded[half - 1 : half - 1 + len(samples)] = samples
    out = np.empty((periods, up), np.float32)
    for block in blocks:
        inputs, outputs = block.taps.shape
        windows = np.lib.stride_tricks.sliding_window_view(padded, inputs)[block.source :: down][:periods]
        out[:, block.output : block.output + outputs] = windows @ block.taps
    return out.reshape(-1)[:length]
