"""Fits a calibration of a domain to its own speakers.

    python -m training.calibration.domain.calibrate --domain NAME --manifest path.csv --out calibration.json

The manifest has the columns path and speaker, and may have role: `enrollment` or `call`. What the service writes about
a call, its decision above all, is no evidence of who spoke: whoever makes the manifest vouches for the speakers.
Conditions that do not pass the gate are left out, with the reason on stderr; exits with 3 if none passes.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.domain_calibration import (
    ConditionEvidence,
    CurveCorrection,
    DomainCalibration,
    UnusableCalibration,
)
from bonafide.biometrics.scoring import Calibration, Condition, Curve
from training.calibration.domain.fit import DomainTrials, bounded, corrected, fit, folds
from training.calibration.domain.material import DomainRecording, RecordingRole, trials
from training.corpus.manifest import Clip, ManifestError, read_manifest, refusals
from training.evaluation.evidence import LineKind, RecordingEvidence, extract
from training.evaluation.metrics import Trials, cllr, min_cllr

BUNDLE = Path(".build/layers/model/bundle")
REFUSED = 3


def calibrate(domain: str, manifest: Path, bundle: Path) -> DomainCalibration:
    """Fits the calibration of a domain to the recordings of a manifest.

    Raises:
        ManifestError: the manifest cannot be used, or gives no condition both kinds of comparisons.
    """
    clips = read_manifest(manifest)
    models = Bundle.load(bundle)
    base = Calibration.parse(models.calibration)
    found = extract([clip.path for clip in clips], bundle, {LineKind.NATIVE})
    refusals(clips, [each.refused for each in found])
    usable = [(clip, each) for clip, each in zip(clips, found, strict=True) if _is_usable(each)]
    compared = trials([_recording(*each) for each in usable], base)
    fitted = {name: fitted_condition(each, base.curves[name]) for name, each in compared.items()}
    if not (fitted := {name: each for name, each in fitted.items() if each}):
        raise ManifestError(f"{manifest}: no condition has enough speakers with two recordings")
    return DomainCalibration(
        domain=domain,
        bundle=models.digest,
        base=base.digest,
        embedding_space=base.embedding_space,
        corrections={name: each[0] for name, each in fitted.items()},
        evidence={name: each[1] for name, each in fitted.items()},
        fitted_from=_digest([clip for clip, _ in usable]),
    )


def fitted_condition(found: DomainTrials, curve: Curve) -> tuple[CurveCorrection, ConditionEvidence] | None:
    """Fits a condition, and measures the fit by cross-validation over speakers; None with too few of them for that."""
    held = [(fit(rest, curve), measured) for rest, measured in folds(found)]
    if not held:
        return None
    targets = np.concatenate([measured.targets for _, measured in held])
    own = Trials.of(np.concatenate([corrected(fitted, measured) for fitted, measured in held]), targets)
    raw = np.concatenate([measured.llr for _, measured in held])
    as_it_is = Trials.of(bounded(raw, curve.lowest, curve.highest), targets)
    figures = (cllr(own), cllr(as_it_is), min_cllr(as_it_is))
    evidence = ConditionEvidence(
        len(found.genuine_speakers),
        int(found.targets.sum()),
        int((~found.targets).sum()),
        *(round(each, 4) for each in figures),
    )
    return fit(found, curve), evidence


def passing(calibration: DomainCalibration) -> tuple[DomainCalibration | None, Mapping[Condition, str]]:
    """Leaves out conditions that do not pass the gate; returns the rest, None for nothing, and what was wrong."""
    wrong = {}
    for condition in calibration.corrections:
        try:
            only(calibration, [condition]).check()
        except UnusableCalibration as error:
            wrong[condition] = str(error)
    left = [each for each in calibration.corrections if each not in wrong]
    return only(calibration, left) if left else None, wrong


def only(calibration: DomainCalibration, conditions: Sequence[Condition]) -> DomainCalibration:
    """Keeps some conditions."""
    return DomainCalibration(
        domain=calibration.domain,
        bundle=calibration.bundle,
        base=calibration.base,
        embedding_space=calibration.embedding_space,
        corrections={each: calibration.corrections[each] for each in conditions},
        evidence={each: calibration.evidence[each] for each in conditions},
        fitted_from=calibration.fitted_from,
    )


def _is_usable(found: RecordingEvidence) -> bool:
    return not found.refused and not found.silent


def _recording(clip: Clip, found: RecordingEvidence) -> DomainRecording:
    role = clip.row.get("role")
    try:
        return DomainRecording(clip.speaker, found.evidence[LineKind.NATIVE], RecordingRole(role) if role else None)
    except ValueError as error:
        raise ManifestError(f"line {clip.line}: role is {' or '.join(RecordingRole)}") from error


def _digest(clips: Sequence[Clip]) -> str:
    lines = sorted(f"{clip.speaker} {hashlib.sha256(clip.path.read_bytes()).hexdigest()}" for clip in clips)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Fit a calibration of a domain to its own speakers.")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    given = parser.parse_args()
    try:
        found = calibrate(given.domain, given.manifest, given.bundle)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    kept, wrong = passing(found)
    for condition, reason in wrong.items():
        sys.stderr.write(f"{condition} keeps the calibration of the bundle: {reason}\n")
    if kept is None:
        return REFUSED
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(kept.to_document(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
