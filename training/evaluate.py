"""Measures verification, the spoof detector, or both in one decision, through the code that serves.

    python -m training.evaluate --task verify --manifest path.csv --out path.json
        [--condition native|telephone|cross] [--enroll 1|3]
    python -m training.evaluate --task spoof --manifest path.csv --out path.json [--condition native|telephone]
    python -m training.evaluate --task tandem --manifest verify.csv --spoof spoof.csv --out path.json
        [--condition native|telephone|cross] [--enroll 1|3]

Every pair of recordings is a trial (the earlier one in the manifest enrols), or, with `--enroll N`, every run of N
recordings of a speaker in the manifest's order, taken as a ring, is enrolled and tested with every other recording.
Too little speech counts in the decisions only: every trial is scored, also of recordings that the service would refuse
as too short, too long or of more than 16 bits. Rates are fractions. An interval is null when there are too few speakers
to tell: fewer than three, or fewer than two with two recordings.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.metrics import Trials, bootstrap, cllr, eer, fnmr_at_fmr, min_cllr
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from training import tandem
from training.listen import Change, Heard, listen
from training.manifest import Clip, ManifestError, digest, read_manifest, refusals
from training.spoof import evaluate as spoof
from training.trials import COMPARED, CONDITIONS, DECISIONS, Outcome, Recording, compare, enrolments

SCHEMA = 1
BUNDLE = Path(".build/layers/model/bundle")
MEASURES: Mapping[str, Callable[[Trials], float]] = {
    "eer": eer,
    "fnmr_at_fmr_1pct": partial(fnmr_at_fmr, fmr=0.01),
    "fnmr_at_fmr_0_1pct": partial(fnmr_at_fmr, fmr=0.001),
    "cllr": cllr,
    "min_cllr": min_cllr,
}


def evaluate(manifest: Path, bundle: Path, condition: str, enroll: int) -> Mapping[str, Any]:
    """Listens to a manifest, scores its trials and sums them up.

    Raises:
        ManifestError: the manifest cannot be used, or holds no trial of one of the kinds.
    """
    clips = read_manifest(manifest)
    lines = CONDITIONS[condition]
    heard = listen([clip.path for clip in clips], bundle, set(lines))
    recordings = [Recording.of(clip, each, *lines) for clip, each in zip(clips, heard, strict=True) if each.evidence]
    models = Bundle.load(bundle)
    enrolled = enrolments(recordings, enroll)
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
        "recordings": _recordings(clips, heard, recordings),
        "decisions": _decisions(outcome),
    }


def figures(outcome: Outcome) -> Mapping[str, Any]:
    """Error rates and costs with their confidence intervals, and the counts behind them."""
    trials = Trials.of(outcome.llr, outcome.targets)
    order = np.argsort(outcome.llr, kind="stable")
    speakers = outcome.enrolled[order], outcome.tested[order]
    intervals = bootstrap(trials, speakers, MEASURES)
    return {
        **{name: measure(trials) for name, measure in MEASURES.items()},
        "confidence_intervals": {name: interval and list(interval) for name, interval in intervals.items()},
        "baseline_cosine_eer": eer(Trials.of(outcome.plain, outcome.targets)),
        "trials": len(outcome.targets),
        "targets": int(outcome.targets.sum()),
        "targets_within_a_session": int((outcome.targets & outcome.same_session).sum()),
        "nontargets": int((~outcome.targets).sum()),
        "comparisons": _comparisons(outcome),
    }


def _recordings(clips: Sequence[Clip], heard: Sequence[Heard], used: Sequence[Recording]) -> Mapping[str, Any]:
    seconds = [each.test.speech_seconds for each in used]
    return {
        "listed": len(clips),
        "used": len(used),
        "skipped": dict(sorted(refusals(clips, [each.refused for each in heard]).items())),
        **{change: sum(change in each.changes for each in heard) for change in Change},
        "without_speech": sum(each.silent for each in heard),
        "speakers": len({each.speaker for each in used}),
        "speech_seconds": dict(zip(("min", "median", "max"), np.quantile(seconds, [0, 0.5, 1]).tolist(), strict=True)),
    }


def _comparisons(outcome: Outcome) -> Mapping[str, int]:
    codes, counts = np.unique(outcome.conditions, return_counts=True)
    return dict(sorted((COMPARED[code], int(count)) for code, count in zip(codes, counts, strict=True)))


def _decisions(outcome: Outcome) -> Mapping[str, Any]:
    kinds = {"genuine": outcome.targets, "impostor": ~outcome.targets}
    mix = {
        kind: {each: float(np.mean(outcome.decisions[chosen] == DECISIONS.index(each))) for each in Decision}
        for kind, chosen in kinds.items()
    }
    return {"policy": asdict(Policy()), **mix}


def main() -> int:
    """The command."""
    arguments = _arguments()
    try:
        report = _evaluate(arguments)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(_summary(report))
    return 0


def _evaluate(arguments: argparse.Namespace) -> Mapping[str, Any]:
    manifest, bundle, condition = arguments.manifest, arguments.bundle, arguments.condition
    if arguments.task == "spoof":
        return spoof.evaluate(manifest, bundle, condition)
    if arguments.task == "tandem":
        return tandem.evaluate((manifest, arguments.spoof), bundle, condition, arguments.enroll)
    return evaluate(manifest, bundle, condition, arguments.enroll)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure recognition of speakers and of synthetic speech.")
    parser.add_argument("--task", choices=["verify", "spoof", "tandem"], required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--spoof", type=Path, help="manifest of synthetic speech, of the task tandem")
    parser.add_argument("--condition", choices=CONDITIONS, default="native")
    parser.add_argument("--enroll", type=int, choices=range(1, 11), default=1, metavar="N")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    if (arguments.task == "tandem") != bool(arguments.spoof):
        parser.error("the task tandem, and no other, takes --spoof (SPOOF=): a manifest of synthetic speech")
    if arguments.out.is_dir():
        parser.error("--out (OUT=) names the file that the report goes to")
    if arguments.task == "spoof" and arguments.condition == "cross":
        parser.error("the task spoof takes the conditions native and telephone: nobody is enrolled")
    return arguments


def _summary(report: Mapping[str, Any]) -> str:
    intervals = report["confidence_intervals"]
    lines = [f"{name:33} {report[name]:.4f}  {_interval(each)}" for name, each in intervals.items()]
    last: Mapping[str, Callable[[], Sequence[str]]] = {
        "verify": lambda: [
            f"{'baseline_cosine_eer':33} {report['baseline_cosine_eer']:.4f}",
            f"{'trials':33} {report['trials']} ({report['targets']} genuine)",
        ],
        "spoof": lambda: [f"{'recordings':33} {report['used']} ({report['bonafide']} bona fide)"],
        "tandem": lambda: [f"{'claims of ' + kind:33} {count}" for kind, count in report["claims"].items()],
    }
    return "\n".join([*lines, *last[report["task"]](), ""])


def _interval(limits: Sequence[float] | None) -> str:
    return "[{:.4f}, {:.4f}]".format(*limits) if limits else "[too few speakers]"


if __name__ == "__main__":
    sys.exit(main())
