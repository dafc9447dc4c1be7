"""The gate on the contract: what goes into the graphs of a bundle, and what comes out of them."""

import json
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import TensorProto, ValueInfoProto

from bonafide.adapters.onnx import Bundle, DetectedSpeech
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.scoring import Calibration, Condition
from training.gates.criteria import Submission
from training.gates.results import CriterionFinding
from training.gates.signals import SIGNALS, signal

SCHEMA = 1
SPEAKER = "speaker.onnx"
GRAPHS = ("vad.onnx", SPEAKER, "spoof.onnx")
CALIBRATION = "calibration.json"
INPUTS = {"samples": (TensorProto.FLOAT, 1), "rate": (TensorProto.INT64, 0)}
# What a speaker network may answer besides its embedding.
LENGTH = ("length", (TensorProto.FLOAT, 0))
# Samples in one window of the speech detector, by rate.
WINDOWS = {8000: 256, 16000: 512}

type Check = Callable[[Submission], object]


def contract(submission: Submission) -> Iterator[CriterionFinding]:
    """Checks the manifest, the signature of every graph, and what the graphs answer."""
    checks: Mapping[str, tuple[str, Check]] = {
        "version of the contract": (str(submission.criteria.contract), _version),
        "files of the bundle": ("graphs and calibration", _files),
        "embedding space of the champion": (f"{_champions_space(submission)}, its own or in `former`", _former),
        **{
            f"inputs and outputs of {name}": ("samples, rate -> one tensor of floats", _signature(name))
            for name in GRAPHS
        },
        "calibration": ("curves of the bundle's embedding space", _calibration),
        "answers of the graphs": ("finite, of the right shape, at both rates", _answers),
    }
    for criterion, (bound, check) in checks.items():
        found = _found(submission, check)
        yield CriterionFinding("contract", criterion, bound, found or "as agreed", passed=found is None)
        if found:  # what comes later takes what came before for granted
            return


def curves(submission: Submission) -> Iterator[CriterionFinding]:
    """Checks that more likeness is more evidence for the speaker, under every condition."""
    calibration = Calibration.parse(json.loads((submission.candidate / CALIBRATION).read_bytes()))
    falling = [
        f"{name}: slope {curve.slope:.4g}, LLRs from {curve.lowest:.4g} to {curve.highest:.4g}"
        for name, curve in calibration.curves.items()
        if not (curve.slope > 0 and curve.lowest < 0 < curve.highest)
    ]
    bound, found = "rise from below 0 to above it", "; ".join(falling) or f"{len(calibration.curves)} that do"
    yield CriterionFinding("calibration", "curves of calibration.json", bound, found, passed=not falling)


class ContractBroken(ValueError):
    """A bundle that this code cannot serve; the message says what was found."""


def _found(submission: Submission, check: Check) -> str | None:
    """Returns what breaks the contract; None when nothing does."""
    try:
        check(submission)
    # A foreign graph or document may fail in any way, and each of them is a finding.
    except Exception as error:
        return f"{error if isinstance(error, ContractBroken) else f'{type(error).__name__}: {error}'}"[:300]
    return None


def _require(condition: object, found: str) -> None:
    if not condition:
        raise ContractBroken(found)


def _version(submission: Submission) -> None:
    manifest, expected = submission.manifest, submission.criteria.contract
    _require(manifest.get("schema") == SCHEMA, f"schema {manifest.get('schema')}")
    _require(manifest.get("contract", expected) == expected, f"contract {manifest.get('contract')}")
    inputs = sorted(manifest.get("input", INPUTS))
    _require(inputs == sorted(INPUTS), f"inputs {', '.join(inputs)}")


def _files(submission: Submission) -> None:
    files = submission.manifest["files"]
    missing = [name for name in (*GRAPHS, "spoof.json", CALIBRATION) if name not in files]
    _require(not missing, f"without {', '.join(missing)}")
    _require(submission.manifest.get("calibration") == CALIBRATION, "names no calibration")


def _champions_space(submission: Submission) -> str:
    champion = submission.champion_manifest or submission.manifest
    return str(champion.get("embedding_space"))


def _former(submission: Submission) -> None:
    """Requires the space in which everybody who is enrolled has a voiceprint."""
    space, manifest = _champions_space(submission), submission.manifest
    champion = submission.champion_manifest
    if champion is None or manifest["embedding_space"] == space:
        return
    listed = {each["embedding_space"]: each for each in manifest.get("former", [])}
    _require(space in listed, f"serves {', '.join([manifest['embedding_space'], *listed])}")
    kept, files = listed[space], manifest["files"]
    same = files[kept["speaker"]] == champion["files"][SPEAKER] and kept["dimension"] == champion["dimension"]
    _require(same, f"another network for {space} than the champion's")
    calibration = Calibration.parse(json.loads((submission.candidate / kept["calibration"]).read_bytes()))
    _require(calibration.embedding_space == space, f"calibration of {calibration.embedding_space} for {space}")
    _require(kept["calibration"] in files, f"lists no {kept['calibration']}")


def _signature(name: str) -> Check:
    def check(submission: Submission) -> None:
        model = onnx.load_from_string((submission.candidate / name).read_bytes())
        domains = {each.domain for each in model.opset_import} - {"", "ai.onnx"}
        _require(not domains, f"operators of {', '.join(domains)}")
        constants = {each.name for each in model.graph.initializer}
        inputs = {each.name: _kind(each) for each in model.graph.input if each.name not in constants}
        _require(inputs == INPUTS, f"inputs {_named(inputs)}")
        outputs = {each.name: _kind(each) for each in model.graph.output}
        kinds = [kind for name, kind in outputs.items() if (name, kind) != LENGTH]
        _require(kinds == [(TensorProto.FLOAT, 1)], f"outputs {_named(outputs)}")

    return check


def _kind(value: ValueInfoProto) -> tuple[int, int]:
    tensor = value.type.tensor_type
    return tensor.elem_type, len(tensor.shape.dim)


def _named(values: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(
        f"{name} {TensorProto.DataType.Name(kind)} of rank {rank}" for name, (kind, rank) in values.items()
    )


def _calibration(submission: Submission) -> None:
    manifest = submission.manifest
    document = json.loads((submission.candidate / CALIBRATION).read_bytes())
    calibration = Calibration.parse(document)
    space = manifest["embedding_space"]
    _require(calibration.embedding_space == space, f"calibration of {calibration.embedding_space}, graphs of {space}")
    missing = set(Condition) - set(calibration.curves)
    _require(not missing, f"no curve for {', '.join(sorted(missing))}")


def _answers(submission: Submission) -> None:
    models = Bundle.load(submission.candidate)
    for rate, seconds in SIGNALS:
        waveform = signal(rate, seconds)
        windows = models.speech_probabilities(waveform)
        expected = -(-len(waveform.samples) // WINDOWS[rate])
        _require(windows.shape == (expected,), f"vad.onnx gives {windows.shape} for {expected} windows")
        _require(((windows >= 0) & (windows <= 1)).all(), "vad.onnx gives what is no probability")
        channel = Channel.NARROWBAND if rate == min(WINDOWS) else Channel.WIDEBAND
        speech = DetectedSpeech.of_all(waveform, channel, Quality(0.0, 0.0, None))
        embedding = models.embed(speech, channel)
        dimension = submission.manifest["dimension"]
        _require(embedding.shape == (dimension,), f"speaker.onnx gives {embedding.shape}, dimension {dimension}")
        _require(np.isfinite(embedding).all(), "speaker.onnx gives what is no number")
        llr = models.liveness(speech)
        _require(llr is not None and np.isfinite(llr), f"spoof.onnx gives {llr}")
