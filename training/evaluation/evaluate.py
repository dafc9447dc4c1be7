"""Measures speaker comparison, the detector of synthetic speech, or both in one decision, through the code that serves.

    python -m training.evaluation.evaluate --task verify --manifest path.csv --out path.json
        [--condition native|telephone|cross] [--enroll 1|3]
    python -m training.evaluation.evaluate --task spoof --manifest path.csv --out path.json
        [--condition native|telephone]
    python -m training.evaluation.evaluate --task tandem --manifest verify.csv --spoof spoof.csv --out path.json
        [--condition native|telephone|cross] [--enroll 1|3]

Recordings that the service would refuse as too short, too long or of more than 16 bits are scored too. Rates are
fractions. An interval is null when there are too few speakers to tell: fewer than three, or fewer than two with two
recordings.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.corpus.manifest import ManifestError
from training.evaluation import spoof, tandem, verify
from training.evaluation.trials import CONDITIONS

BUNDLE = Path(".build/layers/model/bundle")


def main() -> int:
    """Runs the command."""
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
    return verify.evaluate(manifest, bundle, condition, arguments.enroll)


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
