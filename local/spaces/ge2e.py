"""The speaker network of the package resemblyzer as one ONNX graph: samples in, embedding out.

Another network than the one that is served, of another kind and of other training data, with which a change of the
embedding space is shown: three recurrent layers over windows of 1.6 s (Wan et al. 2018, "Generalized end-to-end loss
for speaker verification", https://arxiv.org/abs/1710.10467), 256 dimensions. Quiet speech is brought to -30 dBFS;
features are librosa's mel spectrogram: 40 bins of 0 to 8 kHz with equal areas on Slaney's scale, frames of 25 ms each
10 ms around their centers, a periodic Hann window, power, no logarithm. Windows begin every 0.77 s; the last one counts
if recorded speech fills three quarters of it. Their unit vectors are averaged. The package's own removal of pauses is
left out, since the speech detector of the bundle comes before every speaker network.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from layers.model.filterbank import double_rate
from layers.model.graph import Graph
from layers.model.weights import Tensor

type Matrix = NDArray[np.float64]

VERSION = 1
DIMENSION = 256
LAYERS = 3
RATE = 16000
NARROWBAND_RATE = 8000
FRAME = 400
HOP = 160
BINS = 40
QUIETEST_RMS = 10 ** (-30 / 20)
# Frames of a window, and from the start of one to the start of the next: 1.3 windows a second.
WINDOW = 160
STEP = 77
# Samples that the last window must have of the recording.
ENOUGH = WINDOW * HOP * 3 // 4
# Slaney's scale: linear, 200 / 3 Hz each, up to 1 kHz, then 27 steps for a factor of 6.4.
HZ_PER_MEL = 200 / 3
BREAK_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27


def ge2e(weights: Mapping[str, Tensor]) -> onnx.ModelProto:
    """Builds the graph: samples (n,) at `rate` (8000 or 16000, int64), full scale 1.0, to a unit vector (256,)."""
    graph = Graph()
    narrowband = graph.op("Equal", "rate", graph.ints(NARROWBAND_RATE))
    wide = graph.choose(narrowband, _signal(doubled=True), _signal(doubled=False))
    starts = _starts(graph, graph.op("Shape", wide, start=3, end=4))
    mels = _mel_windows(graph, _loud_enough(graph, wide), starts)
    embedding = _mean(graph, _recur(graph, mels, weights))
    graph.rename(graph.op("Reshape", embedding, graph.ints([-1])), "embedding")
    inputs = [("samples", TensorProto.FLOAT, ("n",)), ("rate", TensorProto.INT64, ())]
    return graph.model("ge2e", inputs, [("embedding", TensorProto.FLOAT, (DIMENSION,))])


def spectrum_matrix() -> Matrix:
    """Shape (2 * 201, FRAME): a frame's samples to real, then imaginary parts of its spectrum."""
    angle = 2 * np.pi * (np.outer(np.arange(FRAME // 2 + 1), np.arange(FRAME)) % FRAME) / FRAME
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    return np.vstack([np.cos(angle), -np.sin(angle)]) * window


def mel_matrix() -> Matrix:
    """Shape (BINS, 201): triangles between equally distant points of Slaney's scale, each of the same area."""
    edges = _hertz(np.linspace(0.0, _mel(np.array(RATE / 2)), BINS + 2))
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hertz = (np.arange(FRAME // 2 + 1) * RATE / FRAME)[None]
    triangles = np.maximum(0.0, np.minimum((hertz - left) / (center - left), (right - hertz) / (right - center)))
    areas: Matrix = triangles * 2.0 / (right - left)
    return areas


def _mel(hertz: Matrix) -> Matrix:
    above = BREAK_HZ / HZ_PER_MEL + np.log(np.maximum(hertz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(hertz < BREAK_HZ, hertz / HZ_PER_MEL, above)


def _hertz(mel: Matrix) -> Matrix:
    above = BREAK_HZ * np.exp(LOG_STEP * (mel - BREAK_HZ / HZ_PER_MEL))
    return np.where(mel < BREAK_HZ / HZ_PER_MEL, mel * HZ_PER_MEL, above)


def _signal(*, doubled: bool) -> onnx.GraphProto:
    """Shape (1, 1, 1, m) at 16 kHz."""
    name = "double" if doubled else "same"
    body = Graph(f"{name}_")
    signal = body.op("Reshape", "samples", body.ints([1, 1, 1, -1]))
    body.rename(double_rate(body, signal) if doubled else signal, name)
    return body.body(f"{name}_rate", [(name, TensorProto.FLOAT, (1, 1, 1, "m"))])


def _loud_enough(graph: Graph, signal: str) -> str:
    power = graph.op("ReduceMean", graph.op("Mul", signal, signal), graph.ints([3]), keepdims=1)
    level = graph.op("Sqrt", graph.op("Max", power, graph.floats(1e-12)))
    gain = graph.op("Max", graph.op("Div", graph.floats(QUIETEST_RMS), level), graph.floats(1.0))
    return graph.op("Mul", signal, gain)


def _starts(graph: Graph, samples: str) -> str:
    """First frames of the windows, shape (windows, 1), of a number of samples, shape (1,)."""
    frames = graph.op("Add", graph.op("Div", samples, graph.ints([HOP])), graph.ints([1]))
    places = graph.op("Max", graph.op("Sub", frames, graph.ints([WINDOW - STEP - 1])), graph.ints([1]))
    count = graph.op("Div", graph.op("Add", places, graph.ints([STEP - 1])), graph.ints([STEP]))
    last = graph.op("Mul", graph.op("Sub", count, graph.ints([1])), graph.ints([STEP * HOP]))
    short = graph.op("Less", graph.op("Sub", samples, last), graph.ints([ENOUGH]))
    fewer = graph.op("Sub", count, graph.op("Cast", short, to=TensorProto.INT64))
    kept = graph.op("Squeeze", graph.op("Max", fewer, graph.ints([1])), graph.ints([0]))
    numbers = graph.op("Range", graph.ints(0), kept, graph.ints(1))
    return graph.op("Unsqueeze", graph.op("Mul", numbers, graph.ints([STEP])), graph.ints([1]))


def _mel_windows(graph: Graph, signal: str, starts: str) -> str:
    """Features of each window, shape (WINDOW, windows, BINS); beyond the end of the recording there is silence."""
    center = FRAME // 2
    padded = graph.op("Pad", signal, graph.ints([0, 0, 0, center, 0, 0, 0, WINDOW * HOP + center]))
    spectrum = graph.op("Conv", padded, graph.floats(spectrum_matrix()[:, None, None, :]), strides=[1, HOP])
    mel = mel_matrix()
    kernel = graph.floats(np.hstack([mel, mel])[:, :, None, None])
    power = graph.op("Conv", graph.op("Mul", spectrum, spectrum), kernel)
    frames = graph.op("Transpose", graph.op("Squeeze", power, graph.ints([0, 2])), perm=[1, 0])
    places = graph.op("Add", starts, graph.ints(np.arange(WINDOW)[None]))
    return graph.op("Transpose", graph.op("Gather", frames, places), perm=[1, 0, 2])


def _recur(graph: Graph, rows: str, weights: Mapping[str, Tensor]) -> str:
    """Last state of the last layer, shape (windows, 256)."""
    for layer in range(LAYERS):
        sides = [_gates(weights[f"lstm.weight_{side}_l{layer}"])[None] for side in ("ih", "hh")]
        bias = np.hstack([_gates(weights[f"lstm.bias_{side}_l{layer}"]) for side in ("ih", "hh")])
        inputs = [graph.floats(each) for each in (*sides, bias[None])]
        rows = graph.op("Squeeze", graph.op("LSTM", rows, *inputs, hidden_size=DIMENSION), graph.ints([1]))
    last = graph.op("Squeeze", graph.op("Slice", rows, graph.ints([-1]), graph.ints([WINDOW])), graph.ints([0]))
    weight, bias = weights["linear.weight"], weights["linear.bias"]
    return graph.op("Relu", graph.op("Gemm", last, graph.floats(weight), graph.floats(bias), transB=1))


def _mean(graph: Graph, states: str) -> str:
    """Unit vector of the mean of unit vectors, shape (1, 256)."""
    units = graph.op("LpNormalization", states, axis=1, p=2)
    return graph.op("LpNormalization", graph.op("ReduceMean", units, graph.ints([0]), keepdims=1), axis=1, p=2)


def _gates(tensor: Tensor) -> Tensor:
    """Reorders gates: input, forget, cell, output, as they were trained, to ONNX's input, output, forget, cell."""
    entry, forget, cell, output = np.split(tensor, 4)
    return np.concatenate([entry, output, forget, cell])
