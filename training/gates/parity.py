"""The gate on parity: an exported graph gives what the graph gave that was trained.

Whoever exports a graph keeps beside it what the training's own graph answers to the signals of `signals`, so that the
gate needs no training framework:

    ParityReference.of("spoof", lambda samples, rate: ...).add_to(documents)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import Bundle, DetectedSpeech
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, Quality
from training.gates.criteria import Submission
from training.gates.results import CriterionFinding
from training.gates.signals import SIGNALS, signal

FILE = "parity.npz"
GRAPHS = ("vad", "speaker", "spoof")
PARTS = ("samples", "rate", "output")
NARROWBAND_RATE = 8000


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


def parity(submission: Submission) -> Iterator[CriterionFinding]:
    """Runs every graph on what its training graph was given; a graph of the champion was compared when it came."""
    models = Bundle.load(submission.candidate)
    for graph in GRAPHS:
        reference, bound = ParityReference.read(submission.documents, graph), submission.criteria.parity[graph]
        criterion = f"{graph}.onnx and the graph that was trained"
        if reference:
            found = max(_distances(models, reference))
            told = found if np.isfinite(found) else "an answer of another shape, or no number"
            yield CriterionFinding("parity", criterion, bound, told, bool(found <= bound))
        else:
            kept = submission.keeps(f"{graph}.onnx")
            yield CriterionFinding(
                "parity", criterion, bound, "the champion's graph" if kept else f"nothing in {FILE}", kept
            )


def _distances(models: Bundle, reference: ParityReference) -> Iterator[float]:
    for samples, rate, output in zip(reference.samples, reference.rates, reference.outputs, strict=True):
        found = answer(models, reference.graph, Waveform(samples, rate))
        if found.shape != output.shape or not np.isfinite(found).all():
            yield np.inf
        elif reference.graph == "speaker":
            unit = output / np.linalg.norm(output)
            yield float(1.0 - unit @ found)
        else:
            yield float(np.abs(found - output).max())


def answer(models: Bundle, graph: str, waveform: Waveform) -> NDArray[np.float32]:
    """Runs one graph of a bundle: probabilities (windows,), an embedding (dimension,), or an LLR (1,)."""
    if graph == "vad":
        return models.speech_probabilities(waveform)
    channel = Channel.NARROWBAND if waveform.rate == NARROWBAND_RATE else Channel.WIDEBAND
    speech = DetectedSpeech.of_all(waveform, channel, Quality(0.0, 0.0, None))
    if graph == "speaker":
        return models.embed(speech, channel)
    return np.atleast_1d(np.float32(models.liveness(speech)))
