"""Prints how many copies of recordings are found, and how many other recordings are taken for copies.

    python -m training.evaluation.replayed --manifest path.csv [--part choose|report] [--most N] [--bundle DIR]

Each recording, and each part of 3, 4 and 6 s with 1 s of speech or more, is looked up among the other recordings of the
same speaker; then copies of a recording and of 3 s of it, among all and among the others. `--part` takes one half of
the speakers: bounds were chosen on one, and are reported on the other.
"""

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.corpus.manifest import Clip, ManifestError, read_manifest
from training.evaluation.evaluate import BUNDLE
from training.evaluation.replayed.lookups import Found, Work, by_speaker, lookups
from training.parallel import in_parallel

PARTS = {"choose": 0, "report": 1}


def belongs(clip: Clip, part: str | None) -> bool:
    """Tells whether a recording is of the speakers of a part."""
    return part is None or zlib.crc32(clip.speaker.encode()) % 2 == PARTS[part]


def table(found: Sequence[Found]) -> Iterator[str]:
    """Yields a line for each kind of lookup: of how many, how many were found, and their share."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for each in found:
        kinds[each.kind].append(each.found)
        if each.kind.startswith("other") and "loop" not in each.kind:
            kinds["other, together"].append(each.found)
    for kind, results in kinds.items():
        yield f"{kind:40} {len(results):6} {sum(results):6} {sum(results) / len(results):8.2%}"


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure how surely replayed audio is found.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--most", type=int, default=3, help="recordings of a speaker that are copied")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    try:
        clips = [each for each in read_manifest(arguments.manifest) if belongs(each, arguments.part)]
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    work = [
        Work(arguments.bundle, own, arguments.most, zlib.crc32(name.encode()))
        for name, own in sorted(by_speaker(clips).items())
    ]
    found = [each for part in in_parallel("looking up", lookups, work, at_once=1) for each in part]
    sys.stdout.write("\n".join([f"{len(work)} speakers, {len(clips)} recordings", *table(found), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
