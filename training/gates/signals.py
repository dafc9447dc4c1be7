"""Signals that every graph can be run on, and which need no recordings, and the answers of a training's graph to them.

Of numpy alone, since the training's own environment makes both:

    ParityReference.of("spoof", lambda samples, rate: ...).add_to(documents)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples, Waveform

FILE = "parity.npz"
PARTS = ("samples", "rate", "output")

# Rates and seconds. The last is short: a graph may pad.
SIGNALS = ((16000, 4.0), (8000, 4.0), (16000, 1.3), (8000, 0.7))
SEED = 1
FORMANTS = ((500, 80), (1500, 120), (2500, 160), (3500, 250))


@cache
def signal(rate: int, seconds: float) -> Waveform:
    """Returns pulses of a moving pitch through formants, in syllables, with noise; peak 0.5."""
    count = int(seconds * rate)
    times = np.arange(count) / rate
    noise = np.random.default_rng([SEED, rate, count]).standard_normal(count)
    pitch = 150 + 40 * np.sin(2 * np.pi * 0.7 * times)
    source = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.02 * noise
    hertz = np.fft.rfftfreq(count, 1 / rate)
    gain = sum(1 / (1 + ((hertz - center) / width) ** 2) for center, width in FORMANTS) + 0.01
    voiced = np.fft.irfft(np.fft.rfft(source) * gain, count) * (0.55 - 0.45 * np.cos(2 * np.pi * 3.1 * times))
    samples = 0.5 * voiced / np.abs(voiced).max() + 0.0005 * noise
    return Waveform(np.clip(samples, -1, 1).astype(np.float32), rate)


@dataclass(frozen=True, slots=True)
class ParityReference:
    """Answers of a graph as it was trained, before it was exported.

    Attributes:
        graph: its name.
        samples: that it was given.
        rates: of them.
        outputs: its answers.
    """

    graph: str
    samples: tuple[Samples, ...]
    rates: tuple[int, ...]
    outputs: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, graph: str, answer: Callable[[Samples, int], Any]) -> Self:
        """Asks a graph for its answers to all signals."""
        waveforms = [signal(rate, seconds) for rate, seconds in SIGNALS]
        outputs = [np.atleast_1d(np.asarray(answer(each.samples, each.rate), np.float32)) for each in waveforms]
        samples, rates = tuple(each.samples for each in waveforms), tuple(each.rate for each in waveforms)
        return cls(graph, samples, rates, tuple(outputs))

    def add_to(self, documents: Path) -> None:
        """Writes it into a folder, beside the references of other graphs there."""
        path = documents / FILE
        known = dict(np.load(path)) if path.exists() else {}
        for number, (samples, rate, output) in enumerate(zip(self.samples, self.rates, self.outputs, strict=True)):
            names = (f"{self.graph}_{number}_{part}" for part in PARTS)
            known |= dict(zip(names, (samples, np.array(rate), output), strict=True))
        documents.mkdir(parents=True, exist_ok=True)
        np.savez(path, **known)

    @classmethod
    def read(cls, documents: Path, graph: str) -> Self | None:
        """Reads that of one graph; None when there is none."""
        path = documents / FILE
        found = dict(np.load(path)) if path.exists() else {}
        count = sum(name.startswith(f"{graph}_") for name in found) // len(PARTS)
        parts = [[found[f"{graph}_{number}_{part}"] for part in PARTS] for number in range(count)]
        if not parts:
            return None
        samples, rates, outputs = zip(*parts, strict=True)
        return cls(graph, samples, tuple(int(rate) for rate in rates), outputs)
