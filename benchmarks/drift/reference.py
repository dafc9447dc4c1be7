"""Makes the distributions that ship with a bundle: `python -m benchmarks.drift.reference --manifest M --out FILE`.

They say what the signals look like on the recordings that may train what is shipped, as they are and on a telephone
line. People compare a domain's baseline with them; nothing alarms on it.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift.__main__ import BUNDLE, OUT
from benchmarks.drift.material import ShiftedEvidence, material
from benchmarks.drift.shifts import SHIFTS
from benchmarks.drift.traffic import PLAIN, callers
from bonafide.adapters.bundle import BundleFiles
from bonafide.biometrics.chance import Floats
from bonafide.biometrics.drift import DIRECTIONS, distributions
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.scoring import Calibration
from training.corpus.manifest import ManifestError, digest

# Name of the line in the file -> the shift that it is simulated by.
LINES = {"native": PLAIN, "telephone": "telephone"}
DIGITS = 4


def reference(found: Sequence[ShiftedEvidence], calibration: Calibration) -> dict[str, Any]:
    """Sums up each signal on each line; numbers are rounded, since nobody needs more of them."""
    speakers = callers(found, calibration, "")
    calls = {line: [call for each in speakers for call in each.calls[kind]] for line, kind in LINES.items()}
    return {
        line: {
            str(signal): {band: _rounded(each.to_document()) for band, each in bands.items()}
            for signal, bands in distributions(of, "").items()
        }
        for line, of in calls.items()
    }


def directions(found: Sequence[ShiftedEvidence]) -> Floats:
    """Finds the directions in which the voices differ most, shape (DIRECTIONS, dimension).

    They are principal components (Pearson, Philosophical Magazine 2, 1901) of one embedding of each speaker and band,
    about the mean of the band. No label of a language, line or person goes into them.
    """
    first = {each.clip.speaker: each.plain for each in reversed(found)}.values()
    centered = []
    for band in Channel:
        vectors = np.array([each.embeddings[band] for each in first if band in each.embeddings], np.float64)
        centered.append(vectors - vectors.mean(axis=0))
    components = np.linalg.svd(np.concatenate(centered), full_matrices=False)[2][: len(DIRECTIONS)]
    # Either sign is as good: the largest coordinate is positive, so that the same recordings give the same file.
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return np.asarray(np.round(components * np.sign(largest), DIGITS))


def along(found: ShiftedEvidence, axes: Floats) -> ShiftedEvidence:
    """Gives evidence its components along directions that the bundle behind it does not have yet."""
    shifted = {name: _with_components(each, axes) for name, each in found.shifted.items()}
    return replace(found, plain=_with_components(found.plain, axes), shifted=shifted)


def _with_components(evidence: Evidence, axes: Floats) -> Evidence:
    own = evidence.embeddings.get(evidence.channel)
    return evidence if own is None else replace(evidence, embedding_directions=tuple((axes @ own).tolist()))


def _rounded(document: dict[str, Any]) -> dict[str, Any]:
    lists = {name: [round(value, DIGITS) for value in document[name]] for name in ("points", "below")}
    numbers = {name: round(document[name], DIGITS) for name in ("effective", "resemblance")}
    return {**document, **lists, **numbers}


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drift.reference", description="Make distributions.json."
    )
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, speaker, use")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        found = material(given.manifest, given.bundle, sorted(SHIFTS), OUT)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    used = [each for each in found if each.clip.row.get("use") == "train"]
    axes = directions(used)
    licenses = sorted(each.clip.row.get("licence", "") for each in used)
    files = BundleFiles.open(given.bundle)
    document = {
        "schema": 1,
        "graphs": {name: sha for name, sha in files.manifest["files"].items() if name.endswith(".onnx")},
        "lineage": {"manifest": digest(given.manifest), "recordings": len(used), "licenses": dict(Counter(licenses))},
        "directions": axes.tolist(),
        "lines": reference([along(each, axes) for each in used], Calibration.parse(files.calibration())),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
