"""The speech detector: Silero VAD with all windows of a recording in one call.

The published graph takes one window at a time and hands its state to the next call. Only the recurrent layer needs that
order; everything before it is computed here on all windows at once, windows being the rows of a 2-D convolution.

Over minutes of isolated words the state drifts until everything counts as silence. So the recurrent layer starts again
in every segment, all segments being one batch of one operator. They overlap by half and the higher of the two
probabilities counts, since the first words after a start are easily missed. A recording of one segment has the
probabilities of the published graph.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from layers.model.graph import Graph

# Of the published graph: the branch of a rate, samples a window, samples of the window before that it also sees.
BRANCHES = {16000: ("then_branch", 512, 64), 8000: ("else_branch", 256, 32)}
HIDDEN = 128
STRIDES = (1, 2, 2, 1)
# Windows that the recurrent layer goes through before its state is emptied, 4 s. Segments overlap by half.
SEGMENT = 124
# The convolution kernels of the runtime need channels in multiples of this.
CHANNEL_BLOCK = 16

type Array = NDArray[Any]


def vad(original: onnx.ModelProto) -> onnx.ModelProto:
    """Samples (n,) at `rate` (8000 or 16000, int64 scalar) to speech probabilities (windows,), one each 32 ms."""
    graph = Graph()
    narrowband = graph.op("Equal", "rate", graph.ints(8000))
    graph.rename(graph.choose(narrowband, _branch(original, 8000), _branch(original, 16000)), "probabilities")
    inputs = [("samples", TensorProto.FLOAT, ("n",)), ("rate", TensorProto.INT64, ())]
    return graph.model("vad", inputs, [("probabilities", TensorProto.FLOAT, ("windows",))])


def _branch(original: onnx.ModelProto, rate: int) -> onnx.GraphProto:
    name, window, context = BRANCHES[rate]
    body = Graph(f"at{rate}_")
    weights = _weights(original, name)
    magnitude = _magnitudes(body, _windows(body, window, context), weights["stft.forward_basis_buffer"])
    features = _encode(body, magnitude, weights)
    body.rename(_decode(body, features, weights), f"at{rate}")
    return body.body(f"at_{rate}", [(f"at{rate}", TensorProto.FLOAT, ("windows",))])


def _weights(original: onnx.ModelProto, branch: str) -> Mapping[str, Array]:
    choice = next(node for node in original.graph.node if node.op_type == "If")
    body = next(attribute.g for attribute in choice.attribute if attribute.name == branch)
    constants = [node for node in body.node if node.op_type == "Constant"]
    return {node.output[0].rpartition("__")[2]: numpy_helper.to_array(node.attribute[0].t) for node in constants}


def _windows(body: Graph, window: int, context: int) -> str:
    """Shape (1, 1, windows, 2 * context + window): the end of the window before, the window, its end mirrored."""
    padded = body.op("Pad", "samples", body.ints([0, window - 1]))
    whole = body.op("Mul", body.op("Div", body.op("Shape", padded), body.ints([window])), body.ints([window]))
    kept = body.op("Slice", padded, body.ints([0]), whole)
    rows = body.op("Reshape", kept, body.ints([-1, window]))
    tails = body.op("Slice", rows, body.ints([0, window - context]), body.ints([-1, window]), body.ints([0, 1]))
    before = body.op("Pad", tails, body.ints([1, 0, 0, 0]))
    joined = body.op("Concat", before, rows, axis=1)
    mirrored = body.op("Pad", joined, body.ints([0, 0, 0, context]), mode="reflect")
    return body.op("Unsqueeze", mirrored, body.ints([0, 1]))


def _magnitudes(body: Graph, windows: str, basis: Array) -> str:
    """Shape (1, bins rounded up to whole channel blocks, windows, 4)."""
    bins, size = basis.shape[0] // 2, basis.shape[2]
    padding = ((0, -bins % CHANNEL_BLOCK), (0, 0), (0, 0), (0, 0))
    parts = [np.pad(part[:, :, None, :], padding) for part in (basis[:bins], basis[bins:])]
    real, imaginary = (body.op("Conv", windows, body.floats(part), strides=[1, size // 2]) for part in parts)
    energy = body.op("Add", body.op("Mul", real, real), body.op("Mul", imaginary, imaginary))
    return body.op("Sqrt", energy)


def _encode(body: Graph, out: str, weights: Mapping[str, Array]) -> str:
    """Shape (1, 128, windows, 1)."""
    for layer, stride in enumerate(STRIDES):
        kernel = weights[f"encoder.{layer}.reparam_conv.weight"][:, :, None, :]
        kernel = np.pad(kernel, ((0, 0), (0, -kernel.shape[1] % CHANNEL_BLOCK), (0, 0), (0, 0)))
        bias = body.floats(weights[f"encoder.{layer}.reparam_conv.bias"])
        convolved = body.op("Conv", out, body.floats(kernel), bias, pads=[0, 1, 0, 1], strides=[1, stride])
        out = body.op("Relu", convolved)
    return out


def _decode(body: Graph, features: str, weights: Mapping[str, Array]) -> str:
    rows = body.op("Transpose", body.op("Squeeze", features, body.ints([0, 3])), perm=[1, 0])
    count = body.op("Slice", body.op("Shape", rows), body.ints([0]), body.ints([1]))
    segments, half = _segments(body, rows, count)
    hidden = body.op("Relu", body.op("Squeeze", _recur(body, segments, weights), body.ints([1])))
    weight, bias = weights["decoder.decoder.2.weight"].reshape(HIDDEN, 1), weights["decoder.decoder.2.bias"]
    logits = body.op("Add", body.op("MatMul", hidden, body.floats(weight)), body.floats(bias))
    probabilities = body.op("Transpose", body.op("Squeeze", body.op("Sigmoid", logits), body.ints([2])), perm=[1, 0])
    return body.op("Slice", _likelier(body, probabilities, half), body.ints([0]), count)


def _segments(body: Graph, rows: str, count: str) -> tuple[str, str]:
    """Shape (2 * half, segments, 128), each the second half of the one before and half a segment more; and half."""
    one, two = body.ints([1]), body.ints([2])
    half = body.op("Min", body.ints([SEGMENT // 2]), body.op("Div", body.op("Add", count, one), two))
    started = body.op("Div", body.op("Sub", body.op("Add", count, half), one), half)
    halves = body.op("Max", started, two)
    missing = body.op("Sub", body.op("Mul", halves, half), count)
    padded = body.op("Pad", rows, body.op("Concat", body.ints([0, 0]), missing, body.ints([0]), axis=0))
    shape = body.op("Concat", halves, half, body.ints([HIDDEN]), axis=0)
    blocks = body.op("Transpose", body.op("Reshape", padded, shape), perm=[1, 0, 2])
    first = body.op("Slice", blocks, body.ints([0]), body.ints([-1]), one)
    second = body.op("Slice", blocks, one, halves, one)
    return body.op("Concat", first, second, axis=0), half


def _recur(body: Graph, segments: str, weights: Mapping[str, Array]) -> str:
    """Shape (2 * half, 1, segments, 128); every segment begins with an empty state."""
    biases = np.hstack([_gates(weights[f"decoder.rnn.bias_{side}"]) for side in ("ih", "hh")])
    matrices = [body.floats(_gates(weights[f"decoder.rnn.weight_{side}"])[None]) for side in ("ih", "hh")]
    return body.op("LSTM", segments, *matrices, body.floats(biases[None]), hidden_size=HIDDEN)


def _likelier(body: Graph, probabilities: str, half: str) -> str:
    """From (segments, 2 * half) to (windows and what was padded,): the higher probability where segments overlap."""
    first = body.op("Slice", probabilities, body.ints([0]), half, body.ints([1]))
    second = body.op("Slice", probabilities, half, body.ints([SEGMENT]), body.ints([1]))
    ended = body.op("Pad", first, body.ints([0, 0, 1, 0]))
    begun = body.op("Pad", second, body.ints([1, 0, 0, 0]))
    return body.op("Reshape", body.op("Max", ended, begun), body.ints([-1]))


def _gates(tensor: Array) -> Array:
    """Reorders gates: input, forget, cell, output, as they were trained, to ONNX's input, output, forget, cell."""
    entry, forget, cell, output = np.split(tensor, 4)
    return np.concatenate([entry, output, forget, cell])
