"""The speaker network operator for operator, as exported from its training framework: the reference.

CAM++ (Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking",
Interspeech 2023): a residual 2-D convolutional head over the filter bank, then three densely connected blocks of
time-delay layers whose output is masked by their context, and statistics pooling. It takes features, not samples.
"""

import numpy as np
import onnx
from onnx import TensorProto

from layers.model.campplus import BLOCKS, EPSILON, SEGMENT, Weights
from layers.model.graph import Graph


def plain_speaker(weights: Weights) -> onnx.ModelProto:
    """Builds the graph from features (1, frames, 80) to the embedding (1, 192)."""
    graph = Graph()
    embedding = _Plain(graph, weights).embed(graph.op("Transpose", "features", perm=[0, 2, 1]))
    graph.rename(embedding, "embedding")
    inputs = [("features", TensorProto.FLOAT, (1, "frames", 80))]
    return graph.model("plain", inputs, [("embedding", TensorProto.FLOAT, (1, 192))])


class _Plain:
    """Adds the operators of the network, as published, to a graph."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph = graph
        self._weights = weights

    def embed(self, features: str) -> str:
        out = self._head(self.graph.op("Unsqueeze", features, self.graph.ints([1])))
        out = self.graph.op("Reshape", out, self.graph.ints([0, 320, -1]))
        out = self._relu(self._batchnorm(self._tdnn(out), "xvector.tdnn.nonlinear.batchnorm"))
        for number, (layers, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                new = self._dense_layer(out, f"xvector.block{number}.tdnnd{layer}", dilation)
                out = self.graph.op("Concat", out, new, axis=1)
            prefix = f"xvector.transit{number}"
            out = self._conv(self._norm_relu(out, f"{prefix}.nonlinear"), f"{prefix}.linear")
        return self._dense(self._statistics(self._norm_relu(out, "xvector.out_nonlinear")))

    def _head(self, out: str) -> str:
        out = self._relu(self._batchnorm(self._square(out, "head.conv1"), "head.bn1"))
        for layer in ("layer1", "layer2"):
            out = self._residual(out, f"head.{layer}.0", stride=2)
            out = self._residual(out, f"head.{layer}.1", stride=1)
        return self._relu(self._batchnorm(self._square(out, "head.conv2", stride=2), "head.bn2"))

    def _residual(self, x: str, name: str, stride: int) -> str:
        out = self._relu(self._batchnorm(self._square(x, f"{name}.conv1", stride), f"{name}.bn1"))
        out = self._batchnorm(self._square(out, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self._weights:
            x = self._conv(x, f"{name}.shortcut.0", strides=[stride, 1])
            x = self._batchnorm(x, f"{name}.shortcut.1")
        return self._relu(self.graph.op("Add", out, x))

    def _dense_layer(self, x: str, name: str, dilation: int) -> str:
        out = self._conv(self._norm_relu(x, f"{name}.nonlinear1"), f"{name}.linear1")
        return self._masked(self._norm_relu(out, f"{name}.nonlinear2"), f"{name}.cam_layer", dilation)

    def _masked(self, x: str, name: str, dilation: int) -> str:
        local = self._conv(x, f"{name}.linear_local", pads=[dilation, dilation], dilations=[dilation])
        mean = self.graph.op("ReduceMean", x, self.graph.ints([-1]), keepdims=1)
        context = self.graph.op("Add", mean, self._segment_means(x))
        mask = self._conv(self._relu(self._conv(context, f"{name}.linear1")), f"{name}.linear2")
        return self.graph.op("Mul", local, self.graph.op("Sigmoid", mask))

    def _segment_means(self, x: str) -> str:
        graph = self.graph
        means = graph.op("AveragePool", x, kernel_shape=[SEGMENT], strides=[SEGMENT], ceil_mode=1)
        wide = graph.op("Unsqueeze", means, graph.ints([-1]))
        target = graph.op("Concat", graph.op("Shape", means), graph.ints([SEGMENT]), axis=0)
        flat = graph.op("Reshape", graph.op("Expand", wide, target), graph.ints([0, 128, -1]))
        frames = graph.op("Gather", graph.op("Shape", x), graph.ints([2]))
        return graph.op("Slice", flat, graph.ints([0]), frames, graph.ints([2]))

    def _statistics(self, x: str) -> str:
        graph, axis = self.graph, self.graph.ints([2])
        mean = graph.op("ReduceMean", x, axis, keepdims=1)
        difference = graph.op("Sub", x, mean)
        total = graph.op("ReduceSum", graph.op("Mul", difference, difference), axis, keepdims=1)
        frames = graph.op("Cast", graph.op("Gather", graph.op("Shape", x), graph.ints([2])), to=TensorProto.FLOAT)
        variance = graph.op("Div", total, graph.op("Sub", frames, graph.floats([1.0])))
        return graph.op("Concat", mean, graph.op("Sqrt", variance), axis=1)

    def _dense(self, x: str) -> str:
        out = self._conv(x, "xvector.dense.linear")
        out = self._batchnorm(out, "xvector.dense.nonlinear.batchnorm")
        return self.graph.op("Squeeze", out, self.graph.ints([2]))

    def _norm_relu(self, x: str, name: str) -> str:
        return self._relu(self._batchnorm(x, f"{name}.batchnorm"))

    def _relu(self, x: str) -> str:
        return self.graph.op("Relu", x)

    def _tdnn(self, x: str) -> str:
        return self._conv(x, "xvector.tdnn.linear", pads=[2, 2], strides=[2])

    def _square(self, x: str, name: str, stride: int = 1) -> str:
        return self._conv(x, name, pads=[1, 1, 1, 1], strides=[stride, 1])

    def _conv(self, x: str, name: str, **attributes: list[int]) -> str:
        names = [f"{name}.weight", f"{name}.bias"]
        parameters = [self.graph.floats(self._weights[key]) for key in names if key in self._weights]
        return self.graph.op("Conv", x, *parameters, **attributes)

    def _batchnorm(self, x: str, name: str) -> str:
        mean, variance = self._weights[f"{name}.running_mean"], self._weights[f"{name}.running_var"]
        scale = self._weights.get(f"{name}.weight", np.ones_like(mean))
        offset = self._weights.get(f"{name}.bias", np.zeros_like(mean))
        parameters = [self.graph.floats(value) for value in (scale, offset, mean, variance)]
        return self.graph.op("BatchNormalization", x, *parameters, epsilon=EPSILON)
