"""Joins encoder, heads and calibration into `spoof.onnx`, the same bytes for the same weights, with its card.

Beside them it writes parity.npz, the answers of the network that was trained, for the gate on parity.

    python -m training.detector.export --manifest manifest.csv --features FOLDER --run FOLDER
        --speaker speaker.onnx --graph spoof.onnx --card spoof.json

Weights are kept in 16 bits and widened when the graph is loaded. Those of the frozen part were rounded before the heads
were trained; rounding the heads hardly changes the scores.
"""

import argparse
import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from training.corpus.files import BONAFIDE
from training.corpus.rows import read
from training.corpus.split import CONF, configuration
from training.detector.calibration import fit, worst_quantile
from training.detector.features import FEATURES
from training.detector.model import DetectorShape, SpoofDetector, detector
from training.detector.rounding import LARGE, floats, prefers_floats, steps
from training.detector.train import load, load_held_out, scores, trained_heads
from training.gates.signals import ParityReference

OPSET = 18


def calibrated(inputs: argparse.Namespace, conf: Mapping[str, Any]) -> tuple[SpoofDetector, Mapping[str, Any]]:
    """Builds the calibrated detector; returns it with its calibration."""
    model = detector(DetectorShape(**conf["model"]), inputs.speaker)
    model.heads = trained_heads(inputs.run, conf)
    sides = [load(inputs.features, conf["training"]), load_held_out(inputs.features)]
    found = np.concatenate([scores(model.heads, side) for side in sides])
    human = np.concatenate([side.human.numpy() > 0.5 for side in sides])
    fitted = fit(found, human, np.concatenate([side.cells for side in sides]))
    for name in ("scale", "offset", "steepness", "knee", "floor"):
        getattr(model, name).copy_(torch.tensor(getattr(fitted, name)))
    # By band and kind of condition, whatever its strength: a single strength has too few crops to tell.
    lines = np.char.partition(np.concatenate([side.lines for side in sides]), "-")[:, 0]
    return model.eval(), {
        **asdict(fitted),
        "threshold": worst_quantile(fitted.llr(found)[human], lines[human]),
        "crops": len(human),
    }


def export(model: SpoofDetector) -> onnx.ModelProto:
    """Exports the graph `samples, rate -> llr`."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(100000), torch.tensor(16000)),
            file,
            input_names=["samples", "rate"],
            output_names=["llr"],
            dynamic_axes={"samples": {0: "n"}, "llr": {0: "windows"}},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(file.getvalue())
    graph.producer_name, graph.producer_version = "bonafide", ""
    return halved(graph)


def reference(model: SpoofDetector) -> ParityReference:
    """Keeps what the trained network answers, with which the exported graph is compared."""

    def answer(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(model(torch.tensor(samples), torch.tensor(rate)).numpy().mean(), np.float32)

    return ParityReference.of("spoof", answer)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keeps large tensors in 16 bits, widened by nodes that the runtime folds when it loads."""
    tensors, nodes = [], []
    for tensor in model.graph.initializer:
        value: NDArray[Any] = numpy_helper.to_array(tensor)
        small = value.dtype != np.float32 or value.size < LARGE
        kept, widening = ([tensor], []) if small else _halved(tensor.name, value)
        tensors += kept
        nodes += widening
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(tensors)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def _halved(name: str, value: NDArray[np.float32]) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Rounds to floats of 16 bits, or to even steps."""
    narrow, wide = f"{name}_narrow", f"{name}_wide"
    if prefers_floats(value):
        cast = helper.make_node("Cast", [narrow], [name], to=onnx.TensorProto.FLOAT)
        return [numpy_helper.from_array(floats(value), narrow)], [cast]
    count, step = steps(value)
    cast = helper.make_node("Cast", [narrow], [wide], to=onnx.TensorProto.FLOAT)
    scale = helper.make_node("Mul", [wide, f"{name}_step"], [name])
    tensors = [numpy_helper.from_array(count, narrow), numpy_helper.from_array(np.array(step), f"{name}_step")]
    return tensors, [cast, scale]


def lineage(inputs: argparse.Namespace, conf: Mapping[str, Any]) -> Mapping[str, Any]:
    """Describes the origin of the weights: digests of the inputs, and every source with its licence and files."""
    rows = read(inputs.manifest)
    sources: dict[tuple[str, str, str], int] = {}
    for row in rows:
        origin = row.system if row.label != BONAFIDE else row.source
        key = (row.label, origin, row.licence)
        sources[key] = sources.get(key, 0) + 1
    listed = [
        {"label": label, "source": source, "licence": licence, "files": files}
        for (label, source, licence), files in sorted(sources.items())
    ]
    return {
        "manifest": _sha256(inputs.manifest),
        "features": {each.parent.name: _sha256(each) for each in sorted(inputs.features.glob(f"*/{FEATURES}"))},
        "conf": dict(conf),
        "speaker": _sha256(inputs.speaker),
        "tools": {name: version(name) for name in ("torch", "onnx", "numpy")},
        "material": listed,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Writes the graph, and its card: calibration and lineage."""
    parser = argparse.ArgumentParser(description="Export the detector.")
    for name in ("manifest", "features", "run", "speaker"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--graph", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    conf = configuration(arguments.conf, arguments.size)
    model, calibration = calibrated(arguments, conf)
    content = export(model).SerializeToString(deterministic=True)
    card = {"sha256": hashlib.sha256(content).hexdigest(), "calibration": calibration}
    card["lineage"] = dict(lineage(arguments, conf))
    arguments.graph.parent.mkdir(parents=True, exist_ok=True)
    arguments.graph.write_bytes(content)
    reference(model).add_to(arguments.card.parent)
    arguments.card.write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
