"""Lists every row that anything was fitted to, with its licence, and states the origin of a candidate.

    python -m training.candidate.lineage --manifest corpus/manifest.csv --calibration manifest.csv | --collected FOLDER
        --conf spoof.yaml --calibrate calibrate.yaml --size FILE --revision revision.json --champion DIR
        --parity parity.npz --out FOLDER

Writes data.csv, whose digest the manifest of the candidate holds, and lineage.json, which goes into that manifest. The
name of the run is a digest of all that decides its result: a repeated run has the same, and no time enters it.
"""

import argparse
import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.calibration.calibrate import chosen, recordings
from training.corpus.manifest import Clip, digest
from training.corpus.rows import COLUMNS, CorpusRow, read
from training.corpus.split import configuration

DATA, LINEAGE = "data.csv", "lineage.json"
FIELDS = ("part", *COLUMNS)
DETECTOR, CALIBRATION = "detector", "calibration"


def data_rows(rows: Sequence[CorpusRow], clips: Sequence[Clip]) -> Iterator[dict[str, str]]:
    """Yields the rows of data.csv: those of the detector, which its calibration uses too, and those of scores."""
    for row in rows:
        yield {"part": DETECTOR, **{name: str(value) for name, value in asdict(row).items()}}
    for clip in clips:
        stated = {name: clip.row.get(name) or "" for name in ("group", "use", "licence", "source", "rate", "seconds")}
        yield {
            "part": CALIBRATION,
            "path": clip.path.name,
            "speaker": clip.speaker,
            "sha256": digest(clip.path),
            **stated,
        }


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Writes data.csv, sorted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["part"], row["path"])))


def lineage(
    data: str, confs: Mapping[str, Mapping[str, Any]], revision: Mapping[str, str], parent: str
) -> dict[str, Any]:
    """States the origin.

    Args:
        data: digest of data.csv.
        confs: chosen numbers of each part.
        revision: of the code, and the digest of the locks.
        parent: digest of the champion that the candidate is compared with.
    """
    seeds = {part: conf["seed"] for part, conf in confs.items()}
    stated = {"data": data, "code": revision["code"], "lock": revision["lock"], "seeds": seeds, "parent": parent}
    decided = json.dumps([stated, confs], sort_keys=True)
    return {**stated, "run": hashlib.sha256(decided.encode()).hexdigest()[:32]}


def main() -> None:
    """Writes both files."""
    arguments = _arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    conf = {
        DETECTOR: configuration(arguments.conf, arguments.size),
        CALIBRATION: configuration(arguments.calibrate, arguments.size),
    }
    clips = recordings(arguments.calibration, arguments.collected)
    used = chosen(clips, conf[CALIBRATION]["recordings_per_speaker"])
    write(out / DATA, list(data_rows(read(arguments.manifest), used)))
    revision = json.loads(arguments.revision.read_bytes())
    stated = lineage(digest(out / DATA), conf, revision, digest(arguments.champion / "manifest.json"))
    (out / LINEAGE).write_text(json.dumps(stated, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(arguments.parity, out / arguments.parity.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="State the origin of a candidate.")
    for name in ("manifest", "conf", "calibrate", "revision", "champion", "parity", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("calibration", "collected", "size"):
        parser.add_argument(f"--{name}", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
