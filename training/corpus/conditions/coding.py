"""Speech codecs of telephone networks, calls over the internet, and messengers."""

from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples
from training.corpus.codecs import alaw, decoded, mulaw, through_codec
from training.corpus.conditions.condition import Change
from training.corpus.conditions.native import Pcm16, amr_wb, g729, gsm, speex
from training.corpus.files import NARROW, WIDE

# Codecs of the `av` package: its name and container.
CONTAINERS = {
    "amr": ("libopencore_amrnb", "amr"),
    "g722": ("g722", "wav"),
    "g723.1": ("g723_1", "wav"),
    "g726": ("g726", "wav"),
    "mp3": ("libmp3lame", "mp3"),
    "opus": ("libopus", "ogg"),
}
# Samples by which what is decoded comes late: as far as a codec looks ahead, and the delay of its filters.
DELAYS = {"amr": 39, "g722": 22, "g723.1": 60}
AMR_WB_DELAY, G729_DELAY = 94, 40
SPEEX_DELAYS = {NARROW: 78, WIDE: 222}


def coded(samples: Samples, rate: int, _generator: np.random.Generator, *, codec: str, kilobits: float) -> Samples:
    """Encodes and decodes speech by a codec of CONTAINERS at a bit rate."""
    late = DELAYS.get(codec, 0)
    return through_codec(np.pad(samples, (0, late)), rate, *CONTAINERS[codec], round(1000 * kilobits))[late:]


def coded_by_amr_wb(samples: Samples, rate: int, _generator: np.random.Generator, *, mode: int) -> Samples:
    """Encodes and decodes speech at 16 kHz by AMR-WB; modes are 0 (6.6 kbit/s) to 8 (23.85)."""
    file = BytesIO(amr_wb(np.pad(to_pcm(samples), (0, AMR_WB_DELAY)), mode))
    return decoded(file, rate)[AMR_WB_DELAY:]


def coded_by_gsm(samples: Samples, _rate: int, _generator: np.random.Generator) -> Samples:
    """Encodes and decodes speech at 8 kHz by GSM 06.10, 13 kbit/s."""
    return from_pcm(gsm(to_pcm(samples)))


def coded_by_g729(
    samples: Samples, _rate: int, _generator: np.random.Generator, *, lost: NDArray[np.bool_] | None = None
) -> Samples:
    """Encodes and decodes speech at 8 kHz by G.729A, 8 kbit/s; lost packets of 20 ms are concealed by its decoder."""
    return from_pcm(g729(np.pad(to_pcm(samples), (0, G729_DELAY)), lost)[G729_DELAY:])


def coded_by_speex(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Encodes and decodes speech by Speex with a quality of 3 to 8 of 10, 8 to 18 kbit/s at 8 kHz."""
    late = SPEEX_DELAYS[rate]
    pcm = np.pad(to_pcm(samples), (0, late))
    return from_pcm(speex(pcm, rate == WIDE, int(generator.integers(3, 9)))[late:])


def tandem(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Goes through two or three codecs one after another, as calls between networks do."""
    hops = NARROW_HOPS if rate == NARROW else WIDE_HOPS
    for index in generator.choice(len(hops), int(generator.integers(2, 4)), replace=False):
        samples = hops[index](samples, rate, generator)
    return samples


def to_pcm(samples: Samples) -> Pcm16:
    """Rounds to 16 bits."""
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def from_pcm(pcm: Pcm16) -> Samples:
    """Returns samples of full scale 1.0."""
    return pcm.astype(np.float32) / np.float32(32768)


def companded(samples: Samples, _rate: int, generator: np.random.Generator) -> Samples:
    """Goes through G.711, by mu-law or A-law."""
    return (mulaw if generator.random() < 0.5 else alaw)(samples)


NARROW_HOPS: tuple[Change, ...] = (
    partial(coded, codec="amr", kilobits=12.2),
    partial(coded, codec="amr", kilobits=7.4),
    partial(coded, codec="opus", kilobits=12),
    partial(coded, codec="g726", kilobits=32),
    coded_by_gsm,
    coded_by_g729,
    companded,
)
WIDE_HOPS: tuple[Change, ...] = (
    partial(coded, codec="opus", kilobits=16),
    partial(coded, codec="opus", kilobits=24),
    partial(coded, codec="g722", kilobits=64),
    partial(coded, codec="mp3", kilobits=32),
    partial(coded_by_amr_wb, mode=2),
    partial(coded_by_amr_wb, mode=8),
)
