"""Changes to graphs and manifests that make worse candidates of a good bundle, for tests of the gates."""

import csv
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.corpus.manifest import digest
from training.gates.criteria import DATA, MANIFEST

DATA_COLUMNS = ("path", "source", "licence", "use")
FRAME = 160

type Change = Callable[[onnx.ModelProto], None]


def change_graph(path: Path, change: Change) -> None:
    """Changes a graph in its file."""
    model = onnx.load_from_string(path.read_bytes())
    change(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def with_noise(share: float, seed: int = 1) -> Change:
    """Adds noise to all weights, as a share of each: up to 1 none changes its sign, which energies need."""

    def change(model: onnx.ModelProto) -> None:
        generator = np.random.default_rng(seed)
        for tensor in model.graph.initializer:
            value: NDArray[Any] = numpy_helper.to_array(tensor)
            if value.dtype.kind == "f" and value.ndim > 1:
                noisy = value * (1.0 + share * generator.uniform(-1.0, 1.0, value.shape))
                tensor.CopyFrom(numpy_helper.from_array(noisy.astype(value.dtype), tensor.name))

    return change


def with_mask(kept: int, rate: int | None = None) -> Change:
    """Keeps some values of the output, at one rate or at all; the others become 0."""

    def change(model: onnx.ModelProto) -> None:
        size = model.graph.output[0].type.tensor_type.shape.dim[0].dim_value
        mask = np.zeros(size, np.float32)
        mask[:kept] = 1.0
        whole = np.ones(size, np.float32) if rate else mask
        constants = {"planted_mask": mask, "planted_whole": whole, "planted_masked_rate": np.array(rate or 0, np.int64)}
        nodes = [
            helper.make_node("Equal", ["rate", "planted_masked_rate"], ["planted_at_rate"]),
            helper.make_node("Where", ["planted_at_rate", "planted_mask", "planted_whole"], ["planted_factor"]),
        ]
        _after(model, constants, nodes, lambda output: helper.make_node("Mul", [output, "planted_factor"], ["_"]))

    return change


def with_offset(offset: float) -> Change:
    """Adds a number to the output."""

    def change(model: onnx.ModelProto) -> None:
        constants = {"planted_offset": np.array(offset, np.float32)}
        _after(model, constants, [], lambda output: helper.make_node("Add", [output, "planted_offset"], ["_"]))

    return change


def with_useless_work(times: int) -> Change:
    """Multiplies the samples by matrices, and adds next to nothing of what comes out."""

    def change(model: onnx.ModelProto) -> None:
        generator = np.random.default_rng(1)
        nodes = [helper.make_node("Reshape", ["work_padded", "work_shape"], ["work_0"])]
        constants: dict[str, NDArray[Any]] = {
            "work_pads": np.array([0, FRAME], np.int64),
            "work_size": np.array([FRAME], np.int64),
            "work_shape": np.array([-1, FRAME], np.int64),
            "work_weights": (generator.standard_normal((FRAME, FRAME)) / FRAME**0.5).astype(np.float32),
            "work_little": np.array(1e-30, np.float32),
        }
        nodes[:0] = _whole_frames()
        for number in range(times):
            product, name = f"work_p{number}", f"work_{number + 1}"
            nodes.append(helper.make_node("MatMul", [f"work_{number}", "work_weights"], [product]))
            nodes.append(helper.make_node("Tanh", [product], [name]))
        nodes.append(helper.make_node("ReduceMean", [f"work_{times}"], ["work_mean"], keepdims=0))
        nodes.append(helper.make_node("Mul", ["work_mean", "work_little"], ["work_rest"]))
        _after(model, constants, nodes, lambda output: helper.make_node("Add", [output, "work_rest"], ["_"]))

    return change


def with_ballast(count: int) -> Change:
    """Adds numbers that nothing uses."""

    def change(model: onnx.ModelProto) -> None:
        ballast = np.random.default_rng(1).standard_normal(count).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(ballast, "planted_ballast"))

    return change


def with_input_named(name: str) -> Change:
    """Renames the input `rate`; the graph sees it by its old name."""

    def change(model: onnx.ModelProto) -> None:
        for each in model.graph.input:
            each.name = name if each.name == "rate" else each.name
        model.graph.node.insert(0, helper.make_node("Identity", [name], ["rate"]))

    return change


def rewrite_manifest(bundle: Path, changed: Mapping[str, Any] | None = None) -> None:
    """Lists the files as they are now, and changes fields."""
    card = bundle / "spoof.json"
    described = json.loads(card.read_bytes())
    card.write_text(json.dumps(described | {"sha256": digest(bundle / "spoof.onnx")}, indent=2), encoding="utf-8")
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    files = {path.name: digest(path) for path in sorted(bundle.iterdir()) if path.name != MANIFEST}
    written = json.dumps(manifest | {"files": files} | dict(changed or {}), indent=2, sort_keys=True)
    (bundle / MANIFEST).write_text(written + "\n", encoding="utf-8")


def write_rows(documents: Path, licenses: Sequence[str]) -> str:
    """Writes a table of training rows with these licenses; returns its digest."""
    documents.mkdir(parents=True, exist_ok=True)
    with (documents / DATA).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(DATA_COLUMNS)
        writer.writerows([f"{number}.wav", "planted", licence, "train"] for number, licence in enumerate(licenses))
    return hashlib.sha256((documents / DATA).read_bytes()).hexdigest()


def _whole_frames() -> list[onnx.NodeProto]:
    """Cuts the samples to whole frames."""
    return [
        helper.make_node("Pad", ["samples", "work_pads"], ["work_longer"]),
        helper.make_node("Shape", ["work_longer"], ["work_count"]),
        helper.make_node("Div", ["work_count", "work_size"], ["work_frames"]),
        helper.make_node("Mul", ["work_frames", "work_size"], ["work_end"]),
        helper.make_node("Sub", ["work_size", "work_size"], ["work_start"]),
        helper.make_node("Slice", ["work_longer", "work_start", "work_end"], ["work_padded"]),
    ]


def _after(
    model: onnx.ModelProto,
    constants: Mapping[str, NDArray[Any]],
    nodes: Sequence[onnx.NodeProto],
    last: Callable[[str], onnx.NodeProto],
) -> None:
    """Puts nodes between what made the output and the output."""
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = [f"{name}_before" if output == name else output for output in node.output]
    final = last(f"{name}_before")
    final.output[:] = [name]
    model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    model.graph.node.extend([*nodes, final])
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
