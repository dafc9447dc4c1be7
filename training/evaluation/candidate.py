"""Measures a candidate and the champion on the same trials, over all recordings and by cohort.

    python -m training.evaluation.candidate --candidate DIR --champion DIR|none --out FOLDER [--material FOLDER]
        [--golden FOLDER] [--readers FOLDER] [--most N] [--replicates N] [--cache FOLDER] [--criteria gates.yaml]

Writes evaluation.json, scores.npz and pictures. The material is a folder with a manifest.csv, or folders with one each
(path, speaker, sex, language, label, system, attack, ...); without it, readers and copies of them that any machine can
get. A bundle that cannot be run is a finding, not an error: it stands in evaluation.json, and the gates refuse it.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.scoring import Calibration
from training.corpus.manifest import Clip, ManifestError, digest, refusals
from training.evaluation.evidence import RecordingEvidence
from training.evaluation.paired.calls import changes, golden_decisions, golden_paths
from training.evaluation.paired.differences import REPLICATES, SEED
from training.evaluation.paired.material import read_material
from training.evaluation.paired.observing import ObservationCache, extract, observe
from training.evaluation.paired.pictures import pictures
from training.evaluation.paired.readers import OUT as READERS
from training.evaluation.paired.readers import write_readers
from training.evaluation.paired.trialsets import ObservedMaterial, ScoredSet, liveness_sets, verification_sets
from training.evaluation.plots import png
from training.gates.criteria import CRITERIA, GateCriteria

SCHEMA = 1
NONE = "none"
GOLDEN = Path(".build/layers/golden/golden")
EVALUATION, SCORES = "evaluation.json", "scores.npz"


@dataclass(frozen=True, slots=True)
class HeardRecordings:
    """Recordings that bundles are measured on.

    Attributes:
        material: folder with manifests.
        golden: folder of the golden recordings.
        readers: folder, with a manifest, of those whose calls are decided.
        most: bona fide and spoofed recordings of either folder at most; None takes all.
    """

    material: Path
    golden: Path
    readers: Path
    most: int | None = None


@dataclass(frozen=True, slots=True)
class ComparedBundles:
    """A candidate and, unless it is the first of all, the champion, before they are measured.

    Attributes:
        folders: of the bundles, the candidate first.
        columns: of manifests, that make cohorts.
        replicates: how many resamples are drawn of each set of trials.
        kept: evidence that is known already.
    """

    folders: Sequence[Path]
    columns: Sequence[str]
    replicates: int = REPLICATES
    kept: ObservationCache = field(default_factory=ObservationCache)

    def calibrations(self) -> list[Calibration]:
        """Reads the calibration of each."""
        return [Calibration.parse(Bundle.load(each).calibration) for each in self.folders]

    def observed(self, clips: Sequence[Clip]) -> tuple[ObservedMaterial, Mapping[str, int]]:
        """Extracts evidence by each; returns what was not refused, and how many were, by the reason."""
        evidence = [observe(each, [clip.path for clip in clips], self.kept) for each in self.folders]
        for found in evidence:
            _require_numbers(clips, found)
        refused = refusals(clips, [each.refused for each in evidence[0]])
        usable = [index for index, each in enumerate(evidence[0]) if each.evidence]
        everything = ObservedMaterial(clips, evidence, self.calibrations(), self.columns, self.replicates)
        return everything.at(usable), refused

    def extract(self, paths: Sequence[Path]) -> None:
        """Extracts evidence by each at once, so that processes are started once and not for every part of it."""
        extract(self.folders, paths, self.kept)

    def golden(self, golden: Path, readers: Sequence[Clip]) -> Mapping[str, Any]:
        """Decides on the golden recordings and on the calls of readers."""
        paths = golden_paths(golden)
        heard: list[Mapping[str, RecordingEvidence]] = [
            dict(zip(paths, observe(each, list(paths.values()), self.kept), strict=True)) for each in self.folders
        ]
        material, _ = self.observed(readers)
        calibrations = material.calibrations
        return {
            "recordings": golden_decisions(heard, calibrations),
            **changes(material.clips, material.evidence, calibrations),
        }


def evaluate(bundles: ComparedBundles, heard: HeardRecordings) -> tuple[dict[str, Any], list[ScoredSet]]:
    """Measures on all recordings; returns the content of evaluation.json, and the scores behind it.

    Raises:
        ManifestError: the material cannot be used.
    """
    clips, manifests = read_material(heard.material, heard.most)
    readers, _ = read_material(heard.readers, heard.most)
    document = _head(bundles, manifests, len(clips))
    try:
        bundles.extract([*(each.path for each in [*clips, *readers]), *golden_paths(heard.golden).values()])
        observed, refused = bundles.observed(clips)
        sets = [*verification_sets(observed), *liveness_sets(observed)]
        found = bundles.golden(heard.golden, readers)
    # A bundle may be broken in any way: which, the gates say.
    except Exception as error:
        return document | {"error": f"{type(error).__name__}: {error}"[:300]}, []
    document["material"]["refused"] = dict(refused)
    compared = [each for each in sets if each.result["figures"]]
    few = [each.result for each in sets if not each.result["figures"]]
    return document | {"sets": [each.result for each in compared], "few": few, "golden": found}, compared


def _require_numbers(clips: Sequence[Clip], found: Sequence[RecordingEvidence]) -> None:
    """Refuses evidence of which nothing can be measured.

    Raises:
        ValueError: a graph answers what is no number.
    """
    for clip, heard in zip(clips, found, strict=True):
        for line, evidence in heard.evidence.items():
            answers = [evidence.liveness or 0.0, *(float(each.sum()) for each in evidence.embeddings.values())]
            if not np.isfinite(answers).all():
                raise ValueError(f"an answer to {clip.path.name} ({line}) is no number")


def write(document: Mapping[str, Any], sets: Sequence[ScoredSet], out: Path) -> None:
    """Writes evaluation.json, the scores and the pictures into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / EVALUATION).write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    scores = {f"{each.task} {each.result['cohort'] or 'all'}": np.stack([each.targets, *each.scores]) for each in sets}
    arrays: dict[str, Any] = {name: rows.astype(np.float32) for name, rows in scores.items()}
    np.savez_compressed(out / SCORES, **arrays)
    for name, figure in pictures(sets):
        (out / f"{name}.png").write_bytes(png(figure))


def _head(bundles: ComparedBundles, manifests: Mapping[str, str], count: int) -> dict[str, Any]:
    digests = [digest(each / "manifest.json") for each in bundles.folders]
    return {
        "schema": SCHEMA,
        "candidate": digests[0],
        "champion": digests[1] if len(digests) > 1 else None,
        "material": {"manifests": dict(manifests), "recordings": count, "refused": {}},
        "resampling": {"replicates": bundles.replicates, "seed": SEED},
        "error": None,
        "sets": [],
        "few": [],
        "golden": None,
    }


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    folders = [arguments.candidate, *([] if arguments.champion == NONE else [Path(arguments.champion)])]
    cohorts = GateCriteria.read(arguments.criteria).cohorts
    columns = list(dict.fromkeys(column for each in cohorts.values() for column in each))
    bundles = ComparedBundles(folders, columns, arguments.replicates, ObservationCache(arguments.cache))
    try:
        readers = arguments.readers or write_readers()
        heard = HeardRecordings(arguments.material or readers, arguments.golden, readers, arguments.most)
        document, sets = evaluate(bundles, heard)
    except (ManifestError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write(document, sets, arguments.out)
    sys.stdout.write(_summary(document))
    return 0


def _summary(document: Mapping[str, Any]) -> str:
    if document["error"]:
        return f"cannot be measured: {document['error']}\n"
    lines = []
    for each in document["sets"]:
        eer, loss = each["figures"]["eer"], each["figures"]["calibration_loss"]
        of_champion = f" (champion {eer['champion']:.2%})" if eer["champion"] is not None else ""
        name = f"{each['task']:12} {each['cohort'] or 'all':40}"
        lines.append(f"{name} EER {eer['candidate']:.2%}{of_champion}, Cllr - min Cllr {loss['candidate']:.3f}\n")
    return "".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a candidate and the champion on the same trials.")
    parser.add_argument("--candidate", type=Path, required=True, help="folder of its bundle")
    parser.add_argument("--champion", default=NONE, help="folder of the champion's bundle, or none")
    parser.add_argument("--material", type=Path, help=f"folder of recordings; else {READERS}")
    parser.add_argument("--golden", type=Path, default=GOLDEN, help="folder of the golden recordings")
    parser.add_argument("--readers", type=Path, help=f"folder of the readers whose calls are decided; else {READERS}")
    parser.add_argument("--out", type=Path, required=True, help="folder of evaluation.json, scores and pictures")
    parser.add_argument("--most", type=int, help="bona fide and spoofed recordings of the material at most")
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--cache", type=Path, help="folder that keeps evidence for later runs")
    parser.add_argument("--criteria", type=Path, default=CRITERIA, help="which names the cohorts")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
