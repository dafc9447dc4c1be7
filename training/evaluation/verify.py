"""Measures speaker comparison on a manifest, through the code that serves.

Every pair of recordings is a trial (the earlier one in the manifest enrolls), or, with N recordings to an enrollment,
every run of N recordings of a speaker in the manifest's order, taken as a ring, is enrolled and tested with every other
recording. Too little speech counts in the decisions only: every trial is scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from training.corpus.manifest import Clip, ManifestError, digest, read_manifest, refusals
from training.evaluation.bootstrap import Measures, measured, speaker_intervals
from training.evaluation.evidence import Adjustment, RecordingEvidence, extract
from training.evaluation.metrics import Trials, cllr, eer, fnmr_at_fmr, min_cllr
from training.evaluation.trials import (
    COMPARED,
    CONDITIONS,
    DECISIONS,
    TrialOutcomes,
    TrialRecording,
    compare,
    enrollments,
)

SCHEMA = 1
MEASURES: Measures = {
    "eer": eer,
    "fnmr_at_fmr_1pct": partial(fnmr_at_fmr, fmr=0.01),
    "fnmr_at_fmr_0_1pct": partial(fnmr_at_fmr, fmr=0.001),
    "cllr": cllr,
    "min_cllr": min_cllr,
}


def evaluate(manifest: Path, bundle: Path, condition: str, enroll: int) -> Mapping[str, Any]:
    """Extracts evidence from the recordings of a manifest, scores their trials and sums them up.

    Raises:
        ManifestError: the manifest cannot be used, or holds no trial of one of the kinds.
    """
    clips = read_manifest(manifest)
    lines = CONDITIONS[condition]
    evidence = extract([clip.path for clip in clips], bundle, set(lines))
    recordings = [
        TrialRecording.of(clip, each, *lines) for clip, each in zip(clips, evidence, strict=True) if each.evidence
    ]
    models = Bundle.load(bundle)
    enrolled = enrollments(recordings, enroll)
    outcome = compare(enrolled, recordings, Calibration.parse(models.calibration), Policy()) if enrolled else None
    if outcome is None or not outcome.complete:
        raise ManifestError(f"{manifest}: needs two speakers with enough usable recordings, and two of one of them")
    return {
        "schema": SCHEMA,
        "task": "verify",
        "condition": condition,
        "enroll": enroll,
        "manifest": digest(manifest),
        "bundle": models.digest,
        "embedding_space": models.embedding_space,
        **figures(outcome),
        "recordings": _recordings(clips, evidence, recordings),
        "decisions": _decisions(outcome),
    }


def figures(outcome: TrialOutcomes) -> Mapping[str, Any]:
    """Returns error rates and costs with their confidence intervals, and the counts behind them."""
    trials = Trials.of(outcome.llr, outcome.targets)
    order = np.argsort(outcome.llr, kind="stable")
    speakers = outcome.enrolled[order], outcome.tested[order]
    intervals = speaker_intervals(trials, speakers, MEASURES)
    return {
        **measured(MEASURES, trials),
        "confidence_intervals": {name: interval and list(interval) for name, interval in intervals.items()},
        "baseline_cosine_eer": eer(Trials.of(outcome.plain, outcome.targets)),
        "trials": len(outcome.targets),
        "targets": int(outcome.targets.sum()),
        "targets_within_a_session": int((outcome.targets & outcome.same_session).sum()),
        "nontargets": int((~outcome.targets).sum()),
        "comparisons": _comparisons(outcome),
    }


def _recordings(
    clips: Sequence[Clip], evidence: Sequence[RecordingEvidence], used: Sequence[TrialRecording]
) -> Mapping[str, Any]:
    seconds = [each.test.speech_seconds for each in used]
    return {
        "listed": len(clips),
        "used": len(used),
        "skipped": dict(sorted(refusals(clips, [each.refused for each in evidence]).items())),
        **{change: sum(change in each.changes for each in evidence) for change in Adjustment},
        "without_speech": sum(each.silent for each in evidence),
        "speakers": len({each.speaker for each in used}),
        "speech_seconds": dict(zip(("min", "median", "max"), np.quantile(seconds, [0, 0.5, 1]).tolist(), strict=True)),
    }


def _comparisons(outcome: TrialOutcomes) -> Mapping[str, int]:
    codes, counts = np.unique(outcome.conditions, return_counts=True)
    return dict(sorted((COMPARED[code], int(count)) for code, count in zip(codes, counts, strict=True)))


def _decisions(outcome: TrialOutcomes) -> Mapping[str, Any]:
    kinds = {"genuine": outcome.targets, "impostor": ~outcome.targets}
    mix = {
        kind: {each: float(np.mean(outcome.decisions[chosen] == DECISIONS.index(each))) for each in Decision}
        for kind, chosen in kinds.items()
    }
    return {"policy": asdict(Policy()), **mix}
