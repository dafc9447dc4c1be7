"""Measures the speed of the graphs: `python -m benchmarks.graphs [--seconds 1 5 ...]`.

One thread, reference and product in turn, so that other load on the machine affects both:
- speaker: the product's graph on samples, and the published network operator for operator, fed by kaldi-native-fbank;
- speech: the detector on the whole recording in one call, and the published one, one window at a time;
- alive: the detector of synthetic speech, which has no reference, for each second of audio and to open.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bonafide.adapters.onnx import Bundle, DetectedSpeech
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, FloatVector, Quality
from layers.golden.readers import RATE, load
from layers.model.build import OUT, build, read_speaker, read_vad
from layers.model.plain import plain_speaker
from layers.model.reference import kaldi_features, step_segments, step_vad

SECONDS = (1.0, 3.0, 5.0, 10.0, 30.0, 60.0)
BUDGET_SECONDS = 8.0
LEAST_ROUNDS = 5

type Task = Callable[[], Any]


class GraphComparison:
    """Reference and product, to be run on the same samples."""

    def __init__(self, directory: Path) -> None:
        build(directory)
        self._bundle, self.load_seconds = _timed(lambda: Bundle.load(directory))
        self._plain = _session(plain_speaker(read_speaker()).SerializeToString())
        self._published = _session(read_vad().SerializeToString())

    def embed_plainly(self, samples: Samples) -> FloatVector:
        """Returns the reference embedding, of unit length: kaldi-native-fbank, then the published network."""
        embedding: FloatVector = self._plain.run(None, {"features": kaldi_features(samples)[None]})[0][0]
        return embedding / np.linalg.norm(embedding)

    def embed(self, samples: Samples) -> FloatVector:
        """Returns the product's embedding."""
        return self._bundle.embed(_speech(samples), Channel.WIDEBAND)

    def step(self, samples: Samples) -> Samples:
        """Returns the reference probabilities of speech, window by window."""
        return step_vad(self._published, samples, RATE)

    def step_segments(self, samples: Samples) -> Samples:
        """Returns the same with an empty state in every segment, as the product computes them."""
        return step_segments(self._published, samples, RATE)

    def detect_spoof(self, samples: Samples) -> float | None:
        """Returns the product's LLR of bona fide speech."""
        return self._bundle.liveness(_speech(samples))

    def find_speech(self, samples: Samples) -> Samples:
        """Returns the product's probabilities of speech."""
        return self._bundle.speech_probabilities(Waveform(samples, RATE))


def _speech(samples: Samples) -> DetectedSpeech:
    return DetectedSpeech.of_all(Waveform(samples, RATE), Channel.WIDEBAND, Quality(0.0, 0.0, None))


def main() -> None:
    """Prints one line for each length of recording."""
    parser = argparse.ArgumentParser(description="Compare the graphs with the networks that they were made from.")
    parser.add_argument("--seconds", type=float, nargs="+", default=SECONDS)
    parser.add_argument("--bundle", type=Path, default=OUT)
    arguments = parser.parse_args()
    comparison = GraphComparison(arguments.bundle)
    speech = np.concatenate([clip for reader in load().values() for clip in reader.clips])
    print(f"verifying and opening the bundle: {comparison.load_seconds * 1000:.0f} ms")
    for name in ("vad", "speaker", "spoof"):
        print(f"opening {name}.onnx: {_opening_ms(arguments.bundle / f'{name}.onnx'):.0f} ms")
    print("        |     speaker, ms                            |     speech, ms                       |  alive, ms")
    print(
        "seconds |  plain+kaldi   graph   ratio   cosine      |  stepped   graph   ratio  difference |  graph  a second"
    )
    for seconds in arguments.seconds:
        print(_line(comparison, np.resize(speech, round(seconds * RATE))), flush=True)


def _line(comparison: GraphComparison, samples: Samples) -> str:
    cosine = float(comparison.embed(samples) @ comparison.embed_plainly(samples))
    difference = float(np.abs(comparison.find_speech(samples) - comparison.step_segments(samples)).max())
    plain, fast = _in_turn(lambda: comparison.embed_plainly(samples), lambda: comparison.embed(samples))
    stepped, whole = _in_turn(lambda: comparison.step(samples), lambda: comparison.find_speech(samples))
    alive = _median_ms(lambda: comparison.detect_spoof(samples))
    seconds = len(samples) / RATE
    return (
        f"{seconds:7.0f} | {plain:12.1f} {fast:7.1f} {fast / plain:7.2f} {cosine:8.5f}      "
        f"| {stepped:8.1f} {whole:7.1f} {whole / stepped:7.2f} {difference:11.1e} "
        f"| {alive:6.1f} {alive / seconds:9.2f}"
    )


def _in_turn(reference: Task, product: Task) -> tuple[float, float]:
    """Returns the median milliseconds of both."""
    first = _timed(reference)[1] + _timed(product)[1]
    rounds = max(LEAST_ROUNDS, round(BUDGET_SECONDS / first))
    times = [(_timed(reference)[1], _timed(product)[1]) for _ in range(rounds)]
    slow, fast = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    return slow, fast


def _median_ms(task: Task) -> float:
    """Returns the median of as many runs as the budget allows."""
    rounds = max(LEAST_ROUNDS, round(BUDGET_SECONDS / _timed(task)[1] / 2))
    return statistics.median(_timed(task)[1] for _ in range(rounds)) * 1000


def _opening_ms(path: Path) -> float:
    content = path.read_bytes()
    return statistics.median(_timed(lambda: _session(content))[1] for _ in range(LEAST_ROUNDS)) * 1000


def _timed[T](task: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return task(), time.perf_counter() - start


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
