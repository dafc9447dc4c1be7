"""Shows how often the gates refuse candidates that are as good as the champion, and differ from it by chance alone.

    python -m training.gates.equals [--count 20] [--bundle DIR] [--material FOLDER] [--out FOLDER]

The champion and every candidate are the same bundle with noise of the same size, but another seed, on the weights of
both networks: whichever is the champion, any of the others is as good. Exit status: 0 when at most one in twenty is
refused, else 1.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from training.evaluation.candidate import GOLDEN, ComparedBundles, HeardRecordings, evaluate
from training.evaluation.paired.observing import ObservationCache
from training.evaluation.paired.readers import OUT as READERS
from training.evaluation.paired.readers import write_readers
from training.gates.criteria import GateCriteria, Submission
from training.gates.measured import golden, measured
from training.gates.planted import BUNDLE
from training.gates.surgery import change_graph, rewrite_manifest, with_noise

OUT = Path(".build/training/equals")
NETWORKS = ("speaker.onnx", "spoof.onnx")
# Of the spread of each tensor. More noise makes the speaker network useless, and equals of that show nothing.
NOISE = 0.003
MOST_REFUSED = 0.05


def equal(bundle: Path, out: Path, seed: int) -> Path:
    """Copies a bundle and adds noise to its networks."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(bundle, out)
    for name in NETWORKS:
        change_graph(out / name, with_noise(NOISE, seed))
    rewrite_manifest(out)
    return out


def refusals(candidate: Path, champion: Path, heard: HeardRecordings, kept: ObservationCache) -> list[str]:
    """Measures a candidate, and returns what the gates on scores and decisions refuse."""
    criteria = GateCriteria.read()
    columns = sorted({column for each in criteria.cohorts.values() for column in each})
    evaluation, _ = evaluate(ComparedBundles([candidate, champion], columns, kept=kept), heard)
    (candidate.parent / f"evaluation-{evaluation['candidate'][:12]}.json").write_text(json.dumps(evaluation))
    submission = Submission(candidate, champion, evaluation, candidate, criteria)
    return [each.line for gate in (measured, golden) for each in gate(submission) if not each.passed]


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    readers = write_readers()
    heard = HeardRecordings(arguments.material or readers, GOLDEN, readers)
    kept = ObservationCache(arguments.out / "evidence")
    champion = equal(arguments.bundle, arguments.out / "champion", 0)
    refused = 0
    for seed in range(1, arguments.count + 1):
        found = refusals(equal(arguments.bundle, arguments.out / "candidate", seed), champion, heard, kept)
        refused += bool(found)
        sys.stdout.write("".join(f"{seed}: {line}\n" for line in found) or f"{seed}: passed\n")
        sys.stdout.flush()
    sys.stdout.write(f"{refused} of {arguments.count} equals were refused\n")
    return 0 if refused <= MOST_REFUSED * arguments.count else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count how many equals of the champion the gates refuse.")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--material", type=Path, help=f"folder of recordings; else {READERS}")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
