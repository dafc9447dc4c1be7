"""The speaker network, arranged for speed; `layers.model.plain` has the same network as it was published.

The changes, with measurements in docs/decisions/0002-bundle-and-graphs.md:

- Batch normalization after a convolution is folded into it. Before a convolution, with a ReLU between, it stays: as a
  convolution of one weight a channel, into which the runtime fuses the ReLU, so that memory is passed over once.
- All time-delay layers are 2-D convolutions of height 1, since the runtime computes 2-D convolutions (and only those)
  on channels in blocks of its vector width.
- The context of a mask is a mean over the recording plus a mean over its segment of 100 frames: one product with a
  matrix that all layers share. Masks are computed once a segment instead of once a frame.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from layers.model.graph import Graph
from layers.model.weights import Tensor

type Weights = Mapping[str, Tensor]

# Layers and dilation of each dense block, frames of a context segment, new channels of a dense layer.
BLOCKS = ((12, 1), (24, 2), (16, 2))
SEGMENT = 100
GROWTH = 32
DIMENSION = 192
EPSILON = 1e-5


def trunk(graph: Graph, features: str, weights: Weights) -> str:
    """Adds the network: features (1, 1, 80, frames) to embedding (1, 192)."""
    return _Network(graph, weights).embed(features)


class _Network:
    """Adds the operators of the network, arranged for speed, to a graph."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self._graph = graph
        self._weights = weights

    def embed(self, features: str) -> str:
        kernel, offset = self._folded("xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm")
        # Ten frequencies of 32 channels meet here: a kernel of full height saves the reshape to 320 channels.
        kernel = kernel.reshape(128, 32, 10, 5)
        head = self._head(features)
        out = self._relu(self._conv(head, kernel, offset, strides=[1, 2], pads=[0, 2, 0, 2]))
        self._frames = self._graph.op("Shape", out, start=3, end=4)
        self._share_segments()
        for number, (layers, dilation) in enumerate(BLOCKS, 1):
            out = self._block(out, f"xvector.block{number}", layers, dilation)
            narrowed = self._weights[f"xvector.transit{number}.linear.weight"][..., None]
            out = self._conv(self._norm_relu(out, f"xvector.transit{number}.nonlinear"), narrowed)
        return self._dense(self._statistics(self._norm_relu(out, "xvector.out_nonlinear")))

    def _head(self, out: str) -> str:
        out = self._relu(self._square(out, "head.conv1", "head.bn1"))
        for layer in ("layer1", "layer2"):
            out = self._residual(out, f"head.{layer}.0", stride=2)
            out = self._residual(out, f"head.{layer}.1", stride=1)
        return self._relu(self._square(out, "head.conv2", "head.bn2", stride=2))

    def _residual(self, x: str, name: str, stride: int) -> str:
        out = self._relu(self._square(x, f"{name}.conv1", f"{name}.bn1", stride))
        out = self._square(out, f"{name}.conv2", f"{name}.bn2")
        if stride > 1:
            kernel, offset = self._folded(f"{name}.shortcut.0", f"{name}.shortcut.1")
            x = self._conv(x, kernel, offset, strides=[stride, 1])
        # The runtime lets the convolution behind the first operand do the sum: the shortcut is the cheaper one.
        return self._relu(self._graph.op("Add", x, out))

    def _block(self, out: str, name: str, layers: int, dilation: int) -> str:
        for layer in range(1, layers + 1):
            new = self._dense_layer(out, f"{name}.tdnnd{layer}", dilation)
            out = self._graph.op("Concat", out, new, axis=1)
        return out

    def _dense_layer(self, x: str, name: str, dilation: int) -> str:
        kernel, offset = self._folded(f"{name}.linear1", f"{name}.nonlinear2.batchnorm")
        hidden = self._relu(self._conv(self._norm_relu(x, f"{name}.nonlinear1"), kernel[..., None], offset))
        local = self._weights[f"{name}.cam_layer.linear_local.weight"][:, :, None, :]
        out = self._conv(hidden, local, pads=[0, dilation, 0, dilation], dilations=[1, dilation])
        masked = self._graph.op("Mul", out, self._mask(hidden, f"{name}.cam_layer"))
        # Multiplies by one: brings these few channels back to blocks. Else the runtime would do that to all channels
        # behind the concatenation, in each layer.
        return self._scale(masked, np.ones(GROWTH, dtype=np.float32))

    def _mask(self, hidden: str, name: str) -> str:
        """Adds the mask: (1, 32, 1, frames), from (1, 128, 1, frames)."""
        out = self._graph.op("MatMul", hidden, self._averages)
        for layer, activation in (("linear1", "Relu"), ("linear2", "Sigmoid")):
            kernel, offset = self._weights[f"{name}.{layer}.weight"], self._weights[f"{name}.{layer}.bias"]
            out = self._graph.op(activation, self._conv(out, kernel[..., None], offset))
        return self._graph.op("MatMul", out, self._membership)

    def _share_segments(self) -> None:
        """Adds two matrices: (frames, segments) averages, (segments, frames) repeats."""
        graph = self._graph
        count = graph.op("Squeeze", self._frames, graph.ints([0]))
        frame = graph.op("Range", graph.ints(0), count, graph.ints(1))
        of_frame = graph.op("Div", frame, graph.ints(SEGMENT))
        segments = graph.op("Div", graph.op("Add", count, graph.ints(SEGMENT - 1)), graph.ints(SEGMENT))
        segment = graph.op("Range", graph.ints(0), segments, graph.ints(1))
        rows = graph.op("Unsqueeze", segment, graph.ints([1]))
        self._membership = graph.op("Cast", graph.op("Equal", rows, of_frame), to=TensorProto.FLOAT)
        within = graph.op("Div", self._membership, graph.op("ReduceSum", self._membership, graph.ints([1]), keepdims=1))
        everywhere = graph.op("Reciprocal", graph.op("Cast", count, to=TensorProto.FLOAT))
        self._averages = graph.op("Transpose", graph.op("Add", within, everywhere), perm=[1, 0])

    def _statistics(self, x: str) -> str:
        """Adds statistics, shape (1, 1024): mean and unbiased standard deviation over frames."""
        graph, axis = self._graph, self._graph.ints([3])
        mean = graph.op("ReduceMean", x, axis, keepdims=1)
        total = graph.op("ReduceSumSquare", graph.op("Sub", x, mean), axis, keepdims=1)
        degrees = graph.op("Sub", graph.op("Cast", self._frames, to=TensorProto.FLOAT), graph.floats([1.0]))
        deviation = graph.op("Sqrt", graph.op("Div", total, degrees))
        return graph.op("Flatten", graph.op("Concat", mean, deviation, axis=1))

    def _dense(self, x: str) -> str:
        kernel, offset = self._folded("xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
        return self._graph.op("Gemm", x, self._graph.floats(kernel[:, :, 0].T), self._graph.floats(offset))

    def _norm_relu(self, x: str, name: str) -> str:
        return self._relu(self._scale(x, *self._affine(f"{name}.batchnorm")))

    def _scale(self, x: str, scale: Tensor, *offset: Tensor) -> str:
        return self._conv(x, scale[:, None, None, None], *offset, group=len(scale))

    def _square(self, x: str, name: str, norm: str, stride: int = 1) -> str:
        return self._conv(x, *self._folded(name, norm), pads=[1, 1, 1, 1], strides=[stride, 1])

    def _relu(self, x: str) -> str:
        return self._graph.op("Relu", x)

    def _conv(self, x: str, *parameters: Tensor, **attributes: Sequence[int] | int) -> str:
        return self._graph.op("Conv", x, *map(self._graph.floats, parameters), **attributes)

    def _folded(self, name: str, norm: str) -> tuple[Tensor, Tensor]:
        """Returns kernel and offset of a convolution with the normalization after it folded in."""
        scale, offset = self._affine(norm)
        kernel = self._weights[f"{name}.weight"]
        return kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1)), offset

    def _affine(self, name: str) -> tuple[Tensor, Tensor]:
        """Returns scale and offset of a batch normalization at inference."""
        mean, variance = self._weights[f"{name}.running_mean"], self._weights[f"{name}.running_var"]
        gain = self._weights.get(f"{name}.weight", np.ones_like(mean))
        scale = np.asarray(gain / np.sqrt(variance + EPSILON), np.float32)
        return scale, self._weights.get(f"{name}.bias", np.zeros_like(mean)) - mean * scale
