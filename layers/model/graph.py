"""Writes ONNX graphs: operators are calls, tensors are names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 9

Field = tuple[str, int, Sequence[int | str]]


class Graph:
    """A graph under construction. Names are numbered, so that the same calls give the same bytes.

    The body of a branch needs a prefix of its own, since it sees the names around it.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []

    def constant(self, value: NDArray[Any]) -> str:
        """Adds a tensor once and returns its name."""
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = f"{self._prefix}c{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(value, self._constants[key]))
        return self._constants[key]

    def floats(self, value: ArrayLike) -> str:
        """Adds a float32 tensor."""
        return self.constant(np.ascontiguousarray(value, dtype=np.float32))

    def ints(self, value: ArrayLike) -> str:
        """Adds an int64 tensor."""
        return self.constant(np.asarray(value, dtype=np.int64))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds an operator of one output and returns the output's name."""
        output = f"{self._prefix}t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def choose(self, condition: str, then: onnx.GraphProto, otherwise: onnx.GraphProto) -> str:
        """Adds a branch on a boolean scalar; both bodies have one output and no inputs."""
        return self.op("If", condition, then_branch=then, else_branch=otherwise)

    def rename(self, tensor: str, name: str) -> None:
        """Gives a tensor the name of an output."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))

    def body(self, name: str, outputs: Sequence[Field], inputs: Sequence[Field] = ()) -> onnx.GraphProto:
        """Returns the finished graph."""
        return helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(*field) for field in inputs],
            [helper.make_tensor_value_info(*field) for field in outputs],
            self._initializers,
        )

    def model(self, name: str, inputs: Sequence[Field], outputs: Sequence[Field]) -> onnx.ModelProto:
        """Returns the finished model, checked."""
        opset = helper.make_opsetid("", OPSET)
        body = self.body(name, outputs, inputs)
        model = helper.make_model(body, opset_imports=[opset], ir_version=IR_VERSION, producer_name="bonafide")
        onnx.checker.check_model(model, full_check=True)
        return model
