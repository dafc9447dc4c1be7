"""Fits the curves that turn cosines into likelihood ratios. The same inputs give the same bytes.

    python -m training.calibration.calibrate --manifest path.csv | --collected FOLDER [--bundle DIRECTORY] [--conf FILE]
        [--size FILE] --out calibration.json

The manifest has the columns path, speaker, source, licence and use, and may have group (the corpus; else the source).
A row that is not for training is refused by its name. Without a manifest, the bona fide recordings of a stage of the
detector's corpus are used. Of the bundle only the graphs matter: the speech detector and the
speaker network. The bundle that is served is built again afterwards, with the new calibration.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.scoring import Condition
from training.calibration.fit import CorpusTrials, fit, llrs
from training.calibration.material import CalibrationSettings, EvidenceVariant, trials, vary
from training.corpus.files import originals
from training.corpus.manifest import Clip, ManifestError, read_manifest
from training.corpus.split import configuration
from training.evaluation.metrics import Trials, cllr, eer, min_cllr
from training.parallel import in_parallel

SCHEMA = 1
ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "training/conf/calibrate.yaml"
BUNDLE = Path(".build/layers/model/bundle")
COLUMNS = ("path", "speaker", "source", "licence", "use")
# The code that decides what a calibration comes out as; its digest is part of the lineage.
CODE = [
    *(ROOT / "training/calibration" / name for name in ("calibrate.py", "fit.py", "material.py")),
    *(ROOT / "training/corpus" / name for name in ("filters.py", "lines.py")),
    ROOT / "training/evaluation/evidence.py",
    *(ROOT / "layers/core/python/bonafide/biometrics" / name for name in ("scoring.py", "voiceprint.py")),
]


def calibrate(recordings: Sequence[Clip], bundle: Path, conf: dict[str, Any]) -> Mapping[str, Any]:
    """Extracts evidence from recordings and fits a curve for each condition, with its lineage.

    Raises:
        ManifestError: a recording is not for training.
    """
    settings = CalibrationSettings.of(conf)
    clips = chosen(recordings, settings.recordings_per_speaker)
    evidence = in_parallel("extracting evidence", partial(vary, bundle, settings), list(enumerate(clips)))
    models = Bundle.load(bundle)
    scored = {condition: _scored(clips, evidence, condition, settings) for condition in Condition}
    return {
        "schema": SCHEMA,
        "embedding_space": models.embedding_space,
        "conditions": {
            name: asdict(fit(list(each.values()), settings.half_seconds[name])) for name, each in scored.items()
        },
        "measured": asdict(settings.measured),
        "metrics": {name: _left_out(each, settings.half_seconds[name]) for name, each in scored.items()},
        "lineage": _lineage(clips, evidence, bundle, conf),
    }


def recordings(manifest: Path | None, collected: Path | None) -> list[Clip]:
    """Reads the recordings that were brought, or else those of a stage of the corpus.

    Raises:
        ManifestError: there are none, or the manifest cannot be used.
    """
    if manifest:
        return read_manifest(manifest, COLUMNS)
    if collected is None:
        raise ManifestError("neither a manifest nor a folder of recordings is given")
    rows = ({**asdict(each), "path": str(collected.parent / each.path)} for each in originals(collected))
    return [Clip(Path(row["path"]), row["speaker"], "", row) for row in rows]


def chosen(clips: Sequence[Clip], most: int) -> list[Clip]:
    """Returns at most so many recordings of each speaker, spread evenly over all of them.

    Raises:
        ManifestError: a row is not for training.
    """
    refused = [clip.row["path"] for clip in clips if clip.row["use"] != "train"]
    if refused:
        raise ManifestError(f"not for training: {', '.join(refused[:5])}{' ...' if refused[5:] else ''}")
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_speaker[clip.speaker].append(clip)
    return [each[index] for each in by_speaker.values() for index in _spread(len(each), most)]


def _spread(count: int, most: int) -> list[int]:
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, most))})


def _scored(
    clips: Sequence[Clip],
    found: Sequence[Sequence[EvidenceVariant]],
    condition: Condition,
    settings: CalibrationSettings,
) -> Mapping[str, CorpusTrials]:
    """Draws the trials of a condition by corpus; corpora that lack one of the kinds are left out."""
    by_corpus: dict[str, list[EvidenceVariant]] = defaultdict(list)
    for clip, variants in zip(clips, found, strict=True):
        by_corpus[clip.row.get("group") or clip.row["source"]].extend(variants)
    scored = {name: trials(by_corpus[name], condition, settings) for name in sorted(by_corpus)}
    return {name: each for name, each in scored.items() if all(each.pairs)}


def _left_out(corpora: Mapping[str, CorpusTrials], half_seconds: float) -> Mapping[str, Any]:
    """Measures on each corpus the curve that was fitted on all others."""
    report = {}
    for name, corpus in corpora.items():
        others = [each for other, each in corpora.items() if other != name]
        if not others:
            continue
        curve = fit(others, half_seconds)
        calibrated = Trials.of(llrs(curve, corpus.comparisons), corpus.targets)
        plain = Trials.of(np.array([each.cosine for each in corpus.comparisons]), corpus.targets)
        figures = {"eer": eer(calibrated), "cllr": cllr(calibrated), "min_cllr": min_cllr(calibrated)}
        report[name] = {key: round(value, 4) for key, value in {**figures, "cosine_eer": eer(plain)}.items()}
    return report


def _lineage(
    clips: Sequence[Clip], found: Sequence[Sequence[EvidenceVariant]], bundle: Path, conf: Mapping[str, Any]
) -> Mapping[str, Any]:
    seconds = [variant.evidence.speech_seconds for variants in found for variant in variants]
    files = json.loads((bundle / "manifest.json").read_bytes())["files"]
    uses = Counter((clip.row["source"], clip.row["licence"]) for clip in clips)
    return {
        "recordings_digest": _digest(sorted(f"{clip.speaker} {_sha256(clip.path)}" for clip in clips)),
        "recordings": len(clips),
        "speakers": len({clip.speaker for clip in clips}),
        "sources": [{"source": key[0], "licence": key[1], "recordings": uses[key]} for key in sorted(uses)],
        "models": {name: files[name] for name in ("speaker.onnx", "vad.onnx")},
        "code": _digest([f"{file.name} {_sha256(file)}" for file in CODE]),
        "configuration": _digest([json.dumps(conf, sort_keys=True)]),
        "seed": conf["seed"],
        "speech_seconds": [round(min(seconds), 2), round(max(seconds), 2)],
    }


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Calibrate scores.")
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--collected", type=Path, help="folder of a stage with recordings, if there is no manifest")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--conf", type=Path, default=CONFIGURATION)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        found = recordings(arguments.manifest, arguments.collected)
        calibration = calibrate(found, arguments.bundle, configuration(arguments.conf, arguments.size))
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(calibration, indent=1, sort_keys=True) + "\n"
    arguments.out.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
