"""Shows how often the gates refuse candidates that are as good as the champion, and differ from it by chance alone.

    python -m training.gates.equals [--count 5] [--bundle DIR] [--material PATH] [--out FOLDER]

All are the same bundle with noise of the same size, but another seed, on the weights of both networks: whichever is the
champion, any of the others is as good. So each is held against each other. Exit status: 0 when at most one in twenty is
refused, else 1.
"""

import argparse
import shutil
import sys
from itertools import permutations
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
# Of each weight, which leaves cosines of about 0.95 between embeddings of one recording.
NOISE = 0.02
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
    submission = Submission(candidate, champion, evaluation, candidate, criteria)
    return [each.line for gate in (measured, golden) for each in gate(submission) if not each.passed]


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    readers = write_readers()
    heard = HeardRecordings(arguments.material or readers, GOLDEN, readers)
    kept = ObservationCache(arguments.out / "evidence")
    equals = [equal(arguments.bundle, arguments.out / f"equal-{seed}", seed) for seed in range(arguments.count)]
    refused = []
    for candidate, champion in permutations(equals, 2):
        found, names = refusals(candidate, champion, heard, kept), f"{candidate.name} against {champion.name}"
        refused.append(bool(found))
        sys.stdout.write("".join(f"{names}: {line}\n" for line in found) or f"{names}: passed\n")
        sys.stdout.flush()
    sys.stdout.write(f"{sum(refused)} of {len(refused)} equals were refused\n")
    return 0 if sum(refused) <= MOST_REFUSED * len(refused) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count how many equals of the champion the gates refuse.")
    parser.add_argument("--count", type=int, default=5, help="of bundles; 5 make 20 comparisons")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--material", type=Path, help=f"manifest or folder of recordings; else {READERS}")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
