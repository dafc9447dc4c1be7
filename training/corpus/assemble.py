"""Lists the material in one manifest, splits it, and checks it.

    python -m training.corpus.assemble --material .build/spoof

Speakers are split by a digest of their name, families of attacks as the configuration says. An attack that fits neither
side (a held-out speaker under a trained family) is left out, so that neither a speaker nor a family is on two sides.
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from training.corpus.checks import BONAFIDE, Row, check, write
from training.corpus.collect import Recording, recall

CONF = Path("training/conf/spoof.yaml")


def rows(folder: Path, recordings: Sequence[Recording], held_out: Sequence[str], share: float) -> Iterator[Row]:
    """Rows of the recordings that have a side; a voice that no recording is of goes where its family does."""
    human = {each.speaker for each in recordings if each.label == BONAFIDE}
    for each in recordings:
        of_speaker = "test" if fraction(each.speaker) < share else "train"
        of_attack = "test" if each.family in held_out else "train"
        side = of_attack if each.speaker not in human else of_speaker
        if not each.family or side == of_attack:
            yield _row(folder, each, side)


def fraction(name: str) -> float:
    """A number in [0, 1) that depends on the name only."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _row(folder: Path, each: Recording, split: str) -> Row:
    digest = hashlib.sha256((folder / each.path).read_bytes()).hexdigest()
    return Row(
        path=each.path,
        label=each.label,
        family=each.family,
        system=each.system,
        speaker=each.speaker,
        group=each.group,
        split=split,
        use=each.use,
        licence=each.licence,
        source=each.source,
        sha256=digest,
        rate=each.rate,
        seconds=each.seconds,
    )


def main() -> None:
    """Writes and checks the manifest."""
    parser = argparse.ArgumentParser(description="List, split and check the material.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    arguments = parser.parse_args()
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))["split"]
    stages = sorted(path.stem for path in arguments.material.glob("*.jsonl"))
    recordings = [each for stage in stages for each in recall(arguments.material, stage)]
    listed = list(rows(arguments.material, recordings, conf["held_out_families"], conf["held_out_speakers"]))
    path = arguments.material / "manifest.csv"
    write(path, listed)
    check(path, listed)
    counts = Counter((row.split, row.label, row.family or "-") for row in listed)
    sys.stdout.write("".join(f"{' '.join(key):45} {count}\n" for key, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
