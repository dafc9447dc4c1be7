"""Measures genuine callers and other people over every condition of `training.corpus.conditions`, beside clean calls.

    python -m training.evaluation.conditions --manifest path.csv [--callers N] [--only NAME ...] [--bundle DIR]
        [--no-liveness] [--out path.json]

Each speaker of the manifest with more than three recordings is enrolled from the first three as they are, and calls
with the next one, as it is and over every condition that applies to its rate; wideband speech goes over telephone
codecs at 8 kHz. Each call is also compared with everybody else of the same rate. Speakers with fewer recordings are the
others of babble and the agents. Decisions are the service's, by the default policy, with alerts of several voices. `as
human` is the same decision if liveness left no doubt: what speech, line and calibration cost without the detector.
`others` are other people who are accepted, as human. EER and Cllr less the least Cllr are of LLRs alone.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.scoring import Calibration
from training.corpus.conditions.registry import all_conditions
from training.corpus.manifest import ManifestError, read_manifest
from training.evaluation.conditions.calls import CLEAN, callers
from training.evaluation.conditions.decided import ConditionErrors, errors
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import read

MOST_REASONS = 4


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    try:
        clips = read_manifest(arguments.manifest)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    names = arguments.only or list(all_conditions([read(clips[0].path)[0]]))
    liveness = not arguments.no_liveness
    found = callers(clips, arguments.bundle, names, arguments.callers, liveness=liveness)
    calibration = Calibration.parse(Bundle.load(arguments.bundle).calibration)
    present = [CLEAN, *(name for name in names if any(name in each.calls for each in found))]
    measured = {name: errors(found, calibration, name, liveness=liveness) for name in present}
    sys.stdout.write("\n".join([*_table(measured), ""]))
    if arguments.out:
        document = {name: asdict(each) for name, each in measured.items()}
        arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure callers over lines.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--callers", type=int, default=1000, help="at most so many people, evenly chosen")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="conditions, instead of all")
    parser.add_argument("--no-liveness", action="store_true", help="faster: only what is decided `as human`")
    parser.add_argument("--out", type=Path, help="JSON with all figures")
    return parser.parse_args()


def _table(measured: Mapping[str, ConditionErrors]) -> Iterator[str]:
    """Yields lines: not accepted in %, with points over the same people's clean calls, and what was accepted."""
    heads = ("calls", 6), ("not accepted", 15), ("as human", 13), ("others", 9), ("EER", 7), ("cllr-min", 9)
    yield f"{'condition':22}{''.join(f'{head:>{width}}' for head, width in heads)}  reasons"
    for name, each in measured.items():
        whole = _over(each.not_accepted, each.clean_not_accepted)
        human = _over(each.voice_not_accepted, each.clean_voice_not_accepted)
        reasons = sorted(each.reasons.items(), key=lambda pair: -pair[1])[:MOST_REASONS]
        yield (
            f"{name:22}{each.calls:6}{whole:>15}{human:>13}{each.accepted:9.2%}{each.eer:7.1%}"
            f"{each.cllr - each.min_cllr:9.3f}  {', '.join(f'{reason} {count}' for reason, count in reasons)}"
        )


def _over(share: float | None, clean: float | None) -> str:
    return "-" if share is None or clean is None else f"{share:.0%} {100 * (share - clean):+.0f}"


if __name__ == "__main__":
    sys.exit(main())
