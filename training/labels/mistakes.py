"""Recordings as they are read by their labels: as they are, and by the wrong ones that integrators give them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.encoding import Encoding
from bonafide.audio.g711 import ALAW, MULAW, Pcm
from bonafide.audio.labels import OTHER_BYTES, OTHER_LAW, OTHER_RATE
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.telephone import telephone

type Codes = NDArray[np.uint8]

AS_LABELED = "as labeled"
LAWS: Mapping[Encoding, Pcm] = {Encoding.ALAW: ALAW, Encoding.MULAW: MULAW}


@dataclass(frozen=True, slots=True)
class LabeledReading:
    """A recording as its label has it read.

    Attributes:
        kind: of mistake, one that `bonafide.audio.labels` names, or AS_LABELED.
        name: tells readings of one kind apart.
        samples: at `rate`, shape (n,).
        rate: 8000 or 16000 Hz.
    """

    kind: str
    name: str
    samples: Samples
    rate: int


def readings(waveform: Waveform, generator: np.random.Generator) -> Iterator[LabeledReading]:
    """Yields readings of one recording of 8 or 16 kHz, right and wrong, at both rates where it has them."""
    plain = Waveform(resample(waveform.samples, waveform.rate, 8000), 8000)
    line = telephone(waveform)
    for name, spoken in (("plain", plain), ("line", line), ("noisy line", _noisy(line, generator))):
        yield LabeledReading(AS_LABELED, name, spoken.samples, 8000)
        yield LabeledReading(OTHER_RATE, name, spoken.samples, 16000)
    yield from _of_g711(_pcm(_leveled(line, generator)))
    yield from _of_bytes(_pcm(_leveled(plain, generator)), 8000)
    if waveform.rate == 16000:
        for name, spoken in (("wide", waveform), ("noisy wide", _noisy(waveform, generator))):
            yield LabeledReading(AS_LABELED, name, spoken.samples, 16000)
            yield LabeledReading(OTHER_RATE, name, spoken.samples, 8000)
        yield from _of_bytes(_pcm(_leveled(waveform, generator)), 16000)


def _of_g711(pcm: Pcm) -> Iterator[LabeledReading]:
    for law, other in ((Encoding.ALAW, Encoding.MULAW), (Encoding.MULAW, Encoding.ALAW)):
        codes = encoded(pcm, law)
        yield LabeledReading(AS_LABELED, law, _samples(LAWS[law][codes]), 8000)
        yield LabeledReading(OTHER_LAW, law, _samples(LAWS[other][codes]), 8000)
        yield LabeledReading(OTHER_BYTES, f"{law} as 16 bits", _samples(_paired(codes)), 8000)


def _of_bytes(pcm: Pcm, rate: int) -> Iterator[LabeledReading]:
    yield LabeledReading(AS_LABELED, "level", _samples(pcm), rate)
    yield LabeledReading(OTHER_BYTES, "order", _samples(pcm.byteswap()), rate)
    codes = np.frombuffer(pcm.astype("<i2").tobytes(), np.uint8)
    for name, law in LAWS.items():
        yield LabeledReading(OTHER_BYTES, f"16 bits as {name}", _samples(law[codes]), rate)


def encoded(pcm: Pcm, encoding: Encoding) -> Codes:
    """Returns the codes of a law whose values are nearest, shape kept."""
    law = LAWS[encoding]
    order = np.argsort(law, kind="stable").astype(np.uint8)
    values = law[order].astype(np.int64)
    above = np.clip(np.searchsorted(values, pcm), 1, 255)
    nearer = pcm - values[above - 1] < values[above] - pcm
    return order[above - nearer]


def _paired(codes: Codes) -> Pcm:
    return np.frombuffer(codes[: len(codes) // 2 * 2].tobytes(), "<i2")


def _noisy(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    """Adds white noise at 8 to 30 dB."""
    samples = waveform.samples
    noise = generator.standard_normal(len(samples)) * np.sqrt(np.mean(samples**2))
    return Waveform((samples + noise * 10 ** (-generator.uniform(8, 30) / 20)).astype(np.float32), waveform.rate)


def _leveled(waveform: Waveform, generator: np.random.Generator) -> Waveform:
    """Turns it up or down: from 20 dB below to 3 dB above."""
    gain = 10 ** (generator.uniform(-20, 3) / 20)
    return Waveform((waveform.samples * gain).astype(np.float32), waveform.rate)


def _pcm(waveform: Waveform) -> Pcm:
    return np.clip(waveform.samples * 32768, -32768, 32767).astype(np.int16)


def _samples(pcm: Pcm) -> Samples:
    return pcm.astype(np.float32) / np.float32(32768)
