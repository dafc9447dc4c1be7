"""The gate on parity: an exported graph gives what the graph gave that was trained.

Whoever exports a graph keeps beside it what the training's own graph answers (`ParityReference`), so that the gate
needs no training framework.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import Bundle, DetectedSpeech
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Quality
from training.gates.criteria import Submission
from training.gates.results import CriterionFinding
from training.gates.signals import FILE, ParityReference

GRAPHS = ("vad", "speaker", "spoof")
NARROWBAND_RATE = 8000


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
