"""Judges a candidate by named criteria, or shows a report or the criteria.

    python -m training.gates --candidate DIR --champion DIR|none --evaluation evaluation.json --out gates.json
        [--documents DIR] [--rebuilt DIR] [--criteria gates.yaml]
    python -m training.gates show gates.json
    python -m training.gates criteria

The documents (data.csv, parity.npz) are looked for beside evaluation.json. Exit status: 0 passed, 3 refused, 2 an input
that cannot be read.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.gates.contract import contract, curves
from training.gates.criteria import CRITERIA, GateCriteria, Submission
from training.gates.files import integrity, size
from training.gates.latency import latency
from training.gates.licence import licence
from training.gates.measured import golden, measured
from training.gates.parity import parity
from training.gates.rebuild import reproducibility
from training.gates.results import CandidateFindings, CriterionFinding, table
from training.gates.tables import markdown

PASSED, UNREADABLE, REFUSED = 0, 2, 3
NONE = "none"
# Whatever these read need not be run.
STATIC = (size, licence)
RUNNING = (parity, reproducibility, curves, measured, golden, latency)


def judge(submission: Submission) -> CandidateFindings:
    """Asks every gate; of files that are not those of the manifest, or that cannot be served, nothing is run."""
    compared = submission.champion_manifest["files"] if submission.champion_manifest else None
    return CandidateFindings(submission.criteria.version, *submission.digests, list(_results(submission)), compared)


def _results(submission: Submission) -> Iterator[CriterionFinding]:
    intact = list(integrity(submission))
    yield from intact
    for gate in STATIC if submission.lists_files else ():
        yield from gate(submission)
    if not all(each.passed for each in intact):
        return
    served = list(contract(submission))
    yield from served
    if all(each.passed for each in served):
        for gate in RUNNING:
            yield from gate(submission)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["show"]:
            sys.stdout.write(table(CandidateFindings.read(Path(given[1]))))
            return PASSED
        if given[:1] == ["criteria"]:
            sys.stdout.write(markdown(GateCriteria.read()))
            return PASSED
        return _judge(_arguments(given))
    except (OSError, ValueError, IndexError) as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE


def _judge(arguments: argparse.Namespace) -> int:
    evaluation = arguments.evaluation
    content = json.loads(evaluation.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{evaluation} is no JSON object")
    submission = Submission(
        candidate=arguments.candidate,
        champion=None if arguments.champion == NONE else Path(arguments.champion),
        evaluation=content,
        documents=arguments.documents or evaluation.parent,
        criteria=GateCriteria.read(arguments.criteria),
        rebuilt=arguments.rebuilt,
    )
    report = judge(submission)
    report.write(arguments.out)
    for each in report.results:
        if not each.passed:
            sys.stderr.write(f"{each.line}\n")
    sys.stdout.write(f"{table(report)}")
    return PASSED if report.passed else REFUSED


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="training.gates", description="Judge a candidate by named criteria.")
    parser.add_argument("--candidate", type=Path, required=True, help="folder of its bundle")
    parser.add_argument("--champion", default=NONE, help="folder of the champion's bundle, or none")
    parser.add_argument("--evaluation", type=Path, required=True, help="of training.evaluation.candidate")
    parser.add_argument("--out", type=Path, required=True, help="where gates.json goes")
    parser.add_argument("--documents", type=Path, help="folder of data.csv and parity.npz; else that of the evaluation")
    parser.add_argument("--rebuilt", type=Path, help="folder of a second build; else layers.model.build makes one")
    parser.add_argument("--criteria", type=Path, default=CRITERIA)
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
