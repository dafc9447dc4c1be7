"""Lists the files of all stages in one manifest, and splits it.

    python -m training.corpus.assemble --folder FOLDER ... --out FOLDER/../manifest.csv

An attack that fits neither side (a held-out speaker under a trained family) is left out, so that neither a speaker nor
a family is on two sides.
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from training.corpus.files import BONAFIDE, CorpusFile, read_list
from training.corpus.rows import CorpusRow, write
from training.corpus.split import CONF, CorpusSplit


def rows(root: Path, files: Sequence[CorpusFile], split: CorpusSplit) -> Iterator[CorpusRow]:
    """Yields a row for each file that has a side; a voice without recordings goes where its family does.

    Args:
        root: the folder that holds the stages' folders.
        files: of all stages.
        split: the sides.
    """
    human = {each.speaker for each in files if each.label == BONAFIDE}
    for each in files:
        of_attack = split.of_family(each.family)
        side = of_attack if each.speaker not in human else split.of_speaker(each.speaker)
        if not each.family or side == of_attack:
            digest = hashlib.sha256((root / each.path).read_bytes()).hexdigest()
            yield CorpusRow(**asdict(each), split=side, sha256=digest)


def main() -> None:
    """Writes the manifest."""
    parser = argparse.ArgumentParser(description="List and split the corpus.")
    parser.add_argument("--folder", type=Path, action="append", required=True, help="of a stage; all lie side by side")
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    (root,) = {folder.parent for folder in arguments.folder}
    files = [each for folder in sorted(arguments.folder) for each in read_list(folder)]
    listed = list(rows(root, files, CorpusSplit.read(arguments.conf, arguments.size)))
    write(arguments.out, listed)
    counts = Counter((row.split, row.label, row.family or "-") for row in listed)
    sys.stdout.write("".join(f"{' '.join(key):45} {count}\n" for key, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
