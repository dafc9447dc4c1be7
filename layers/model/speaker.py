"""The speaker graph: samples in, embedding and its length out."""

import onnx
from onnx import TensorProto

from layers.model.campplus import DIMENSION, Weights, trunk
from layers.model.filterbank import double_rate, filterbank
from layers.model.graph import Graph

NARROWBAND_RATE = 8000


def speaker(weights: Weights) -> onnx.ModelProto:
    """Builds the graph: samples (n,) at `rate` (8000 or 16000, int64), full scale 1.0, to a unit vector (192,).

    Its second output, the length of that vector before, says how sure the network is of its features: it moves with
    lines, noise, codecs and languages.
    """
    graph = Graph()
    narrowband = graph.op("Equal", "rate", graph.ints(NARROWBAND_RATE))
    wide = graph.choose(narrowband, _doubled(), _unchanged())
    embedding = trunk(graph, filterbank(graph, wide), weights)
    flat = graph.op("Reshape", embedding, graph.ints([-1]))
    graph.rename(graph.op("LpNormalization", flat, axis=0, p=2), "embedding")
    graph.rename(graph.op("ReduceL2", flat, graph.ints([0]), keepdims=0), "length")
    inputs = [("samples", TensorProto.FLOAT, ("n",)), ("rate", TensorProto.INT64, ())]
    outputs = [("embedding", TensorProto.FLOAT, (DIMENSION,)), ("length", TensorProto.FLOAT, ())]
    return graph.model("speaker", inputs, outputs)


def _doubled() -> onnx.GraphProto:
    body = Graph("double_")
    signal = body.op("Reshape", "samples", body.ints([1, 1, 1, -1]))
    body.rename(double_rate(body, signal), "doubled")
    return body.body("double_rate", [("doubled", TensorProto.FLOAT, (1, 1, 1, "m"))])


def _unchanged() -> onnx.GraphProto:
    body = Graph("same_")
    body.rename(body.op("Reshape", "samples", body.ints([1, 1, 1, -1])), "same")
    return body.body("same_rate", [("same", TensorProto.FLOAT, (1, 1, 1, "m"))])
