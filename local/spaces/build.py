"""Builds a bundle of another speaker network: `python -m local.spaces.build --out DIRECTORY`.

It has the speech detector and the detector of synthetic speech of the bundle before, the network of
`local.spaces.ge2e` as its own, and that of the bundle before as a former one. It shows how a deployment moves to
another embedding space; it is not better at telling voices apart, and nothing deploys it. `--graphs-only` leaves out
calibration, detector and former networks: what its calibration is fitted on.
"""

import argparse
import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from layers.model.build import OUT, VAD_MEMBER
from layers.model.former import CALIBRATION, MANIFEST, SPEAKER, keep_former
from layers.model.weights import Tensor, read_legacy_checkpoint
from layers.packages import CACHE, RESEMBLYZER, fetch, sha256
from local.spaces.ge2e import DIMENSION, VERSION, ge2e

HERE = Path(__file__).parent
FITTED = HERE / CALIBRATION
MEMBER = "resemblyzer/pretrained.pt"
WEIGHTS_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
ITS_OWN = {"embedding_space", "dimension", "calibration", "metrics", "version", "files", "lineage", "former"}
PASSED_ON = ("vad.onnx", "spoof.onnx", "spoof.json")


def build(out: Path, before: Path = OUT, cache: Path = CACHE, *, graphs_only: bool = False) -> Path:
    """Writes the bundle into an empty folder, and returns that.

    Args:
        out: the folder; what was in it is lost.
        before: the bundle whose network becomes a former one.
        cache: of downloads.
        graphs_only: whether the bundle is for fitting its calibration.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / SPEAKER).write_bytes(ge2e(read_weights(cache)).SerializeToString(deterministic=True))
    for name in PASSED_ON[: 1 if graphs_only else None]:
        shutil.copyfile(before / name, out / name)
    former = []
    if not graphs_only:
        shutil.copyfile(FITTED, out / CALIBRATION)
        former = list(keep_former(before, out))
    manifest = json.dumps({**_manifest(out, before), "former": former}, indent=2, sort_keys=True)
    (out / MANIFEST).write_text(f"{manifest}\n", encoding="utf-8")
    return out


def read_weights(cache: Path = CACHE) -> Mapping[str, Tensor]:
    """Reads the weights of the network as they were published.

    Raises:
        RuntimeError: they are others.
    """
    with zipfile.ZipFile(fetch(RESEMBLYZER, cache)) as wheel:
        content = wheel.read(MEMBER)
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise RuntimeError(f"{MEMBER} is not the file that was evaluated")
    return read_legacy_checkpoint(io.BytesIO(content), "model_state")


def embedding_space() -> str:
    """Returns the name of the embedding space, which depends on the weights and the features, not on the graph."""
    return f"ge2e-{hashlib.sha256(f'{WEIGHTS_SHA256} ge2e {VERSION}'.encode()).hexdigest()[:16]}"


def _manifest(out: Path, before: Path) -> Mapping[str, Any]:
    earlier = json.loads((before / MANIFEST).read_bytes())
    fitted = json.loads((out / CALIBRATION).read_bytes()) if (out / CALIBRATION).exists() else {}
    detector = [each for each in earlier["lineage"]["packages"] if each["member"] == VAD_MEMBER]
    package = {"name": RESEMBLYZER.name, "version": RESEMBLYZER.version, "sha256": RESEMBLYZER.sha256}
    speaker = {**package, "licence": RESEMBLYZER.licence, "member": MEMBER}
    return {
        **{name: value for name, value in earlier.items() if name not in ITS_OWN},
        "version": f"{earlier['version']}+ge2e",
        "files": {file.name: sha256(file) for file in sorted(out.iterdir())},
        "embedding_space": embedding_space(),
        "dimension": DIMENSION,
        "calibration": CALIBRATION if fitted else None,
        "metrics": fitted.get("metrics", {}),
        "lineage": {
            "packages": [speaker, *detector],
            "calibration": fitted.get("lineage", {}),
            "parent": sha256(before / MANIFEST),
        },
    }


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Build a bundle of another speaker network.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--before", type=Path, default=OUT, help="bundle whose network becomes a former one")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--graphs-only", action="store_true", help="for fitting the calibration")
    given = parser.parse_args()
    build(given.out, given.before, given.cache, graphs_only=given.graphs_only)
    sys.stdout.write(f"bundle {sha256(given.out / MANIFEST)[:12]} built: {given.out}\n")


if __name__ == "__main__":
    main()
