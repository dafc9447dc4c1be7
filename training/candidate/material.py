"""Copies the speech that nothing was trained on to a folder, with the manifest that candidates are measured on.

python -m training.candidate.material --manifest corpus/manifest.csv --out FOLDER
"""

import argparse
import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.corpus.rows import CorpusRow, read

COLUMNS = ("path", "speaker", "label", "system", "attack", "source", "licence", "use")


def held_out(rows: Sequence[CorpusRow]) -> Iterator[tuple[CorpusRow, dict[str, str]]]:
    """Yields files of the side that nothing was trained on, each with its row of the manifest."""
    for row in rows:
        if row.split == "test":
            stated = {
                name: str(getattr(row, name)) for name in ("speaker", "label", "system", "source", "licence", "use")
            }
            yield row, {"path": row.path.replace("/", "-"), "attack": row.family, **stated}


def main() -> None:
    """Copies the files, and lists them."""
    parser = argparse.ArgumentParser(description="Copy the speech that nothing was trained on.")
    parser.add_argument("--manifest", type=Path, required=True, help="of the corpus")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    listed = list(held_out(read(arguments.manifest)))
    for row, entry in listed:
        shutil.copyfile(arguments.manifest.parent / row.path, arguments.out / entry["path"])
    with (arguments.out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(entry for _, entry in listed)


if __name__ == "__main__":
    main()
