"""A bundle of graphs so small that they run in no time, and voices that they tell apart."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from bonafide.audio.waveform import Waveform
from layers.model.graph import Graph
from tests.training.conftest import as_wav
from training.evaluation.candidate import HeardRecordings
from training.gates.surgery import rewrite_manifest

DIMENSION, FRAME = 16, 160
SPEAKERS, RECORDINGS, SECONDS = 8, 3, 0.6
INPUTS = [("samples", TensorProto.FLOAT, ("n",)), ("rate", TensorProto.INT64, ())]


def small_bundle(real: Path, folder: Path) -> Path:
    """Takes manifest, card and calibration of the real bundle, and small graphs."""
    folder.mkdir(parents=True)
    for name in ("manifest.json", "spoof.json", "calibration.json"):
        shutil.copyfile(real / name, folder / name)
    for name, graph in {"vad": vad(), "speaker": speaker(), "spoof": spoof()}.items():
        (folder / f"{name}.onnx").write_bytes(graph)
    document = json.loads((folder / "calibration.json").read_bytes())
    for curve in document["conditions"].values():
        curve |= {"slope": 12.0, "level": 0.95, "half_seconds": 0.25}
    (folder / "calibration.json").write_text(json.dumps(document))
    rewrite_manifest(folder, {"dimension": DIMENSION})
    return folder


def vad() -> bytes:
    """The level of each window of 32 ms, as a probability."""
    graph = Graph()
    size = graph.op("Div", graph.op("Mul", "rate", graph.ints(32)), graph.ints(1000))
    frames = framed(graph, size)
    level = graph.op("ReduceMean", graph.op("Abs", frames), graph.ints([1]), keepdims=0)
    graph.rename(
        graph.op("Sigmoid", graph.op("Mul", graph.op("Sub", level, graph.floats(0.01)), graph.floats(1e3))), "p"
    )
    return serialized(graph.model("vad", INPUTS, [("p", TensorProto.FLOAT, ("windows",))]))


def speaker() -> bytes:
    """Log magnitudes in bands, mean over frames."""
    graph = Graph()
    cycles = np.outer(np.arange(FRAME), np.linspace(0.02, 0.45, DIMENSION))
    weights = np.hanning(FRAME)[:, None] * np.cos(2 * np.pi * cycles)
    seen = graph.op("Abs", graph.op("MatMul", framed(graph, graph.ints(FRAME)), graph.floats(weights)))
    mean = graph.op(
        "Log", graph.op("Add", graph.op("ReduceMean", seen, graph.ints([0]), keepdims=0), graph.floats(1e-6))
    )
    centered = graph.op("Sub", mean, graph.op("ReduceMean", mean, keepdims=1))
    # Silence has a direction, too.
    graph.rename(graph.op("Add", centered, graph.floats(1e-3)), "embedding")
    return serialized(graph.model("speaker", INPUTS, [("embedding", TensorProto.FLOAT, (DIMENSION,))]))


def spoof() -> bytes:
    """The share of the peak in the level: synthetic speech of these tests has a buzz."""
    graph = Graph()
    level = graph.op("ReduceMean", graph.op("Abs", "samples"), graph.ints([0]), keepdims=1)
    crest = graph.op("Div", graph.op("ReduceMax", graph.op("Abs", "samples"), graph.ints([0]), keepdims=1), level)
    graph.rename(graph.op("Sub", crest, graph.floats(6.0)), "llr")
    return serialized(graph.model("spoof", INPUTS, [("llr", TensorProto.FLOAT, (1,))]))


def serialized(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def framed(graph: Graph, size: str) -> str:
    """Samples in whole frames, shape (frames, size), zeros after the last."""
    one = graph.op("Reshape", size, graph.ints([1]))
    count = graph.op("Shape", "samples")
    missing = graph.op("Mod", graph.op("Sub", one, graph.op("Mod", count, one)), one)
    padded = graph.op("Pad", "samples", graph.op("Concat", graph.ints([0]), missing, axis=0))
    return graph.op("Reshape", padded, graph.op("Concat", graph.ints([-1]), one, axis=0))


def small_voices(folder: Path) -> HeardRecordings:
    """Writes recordings of noises that differ by speaker, and spoofs, which have no syllables."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(SPEAKERS):
        rows += [written(folder, number, take, spoofed=False) for take in range(RECORDINGS)]
        rows += [written(folder, number, take, spoofed=True) for take in (RECORDINGS, RECORDINGS + 1)]
    for name, number in {"enrollment": 0, "genuine": 0, "impostor": 1, "silence": 2}.items():
        sound = voice(number, 7) if name != "silence" else Waveform(np.zeros(16000, np.float32), 16000)
        (folder / f"{name}.wav").write_bytes(as_wav(sound))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return HeardRecordings(folder / "manifest.csv", folder, folder)


def written(folder: Path, number: int, take: int, *, spoofed: bool) -> dict[str, str]:
    name = f"{number}-{take}.wav"
    (folder / name).write_bytes(as_wav(voice(number, take, spoofed=spoofed)))
    kind = {"label": "spoof", "system": f"buzz{number % 3}", "attack": "tts"} if spoofed else {"label": "bonafide"}
    about = {"path": name, "speaker": f"s{number}", "sex": "FM"[number % 2], "use": "eval"}
    return {"system": "", "attack": "", **about, **kind}


def voice(number: int, take: int, *, spoofed: bool = False) -> Waveform:
    """Noise through the speaker's own filter."""
    count = int(SECONDS * 16000)
    generator = np.random.default_rng([number, take])
    bins = np.arange(count // 2 + 1) / (count // 2)
    shape = sum(
        np.cos(np.pi * (order + 1) * bins) * weight
        for order, weight in enumerate(np.random.default_rng(number).standard_normal(8))
    )
    shape = shape + 1.0 * generator.standard_normal() * bins
    noise: NDArray[np.float64] = np.fft.irfft(
        np.fft.rfft(generator.standard_normal(count)) * np.exp(shape - 3 * bins), count
    )
    envelope = 1.0 if spoofed else 0.05 + np.clip(np.sin(2 * np.pi * 3 * np.arange(count) / 16000), 0, 1) ** 2
    samples = noise * envelope
    return Waveform((0.5 * samples / np.abs(samples).max()).astype(np.float32), 16000)
