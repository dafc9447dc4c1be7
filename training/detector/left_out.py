"""Measures how well the heads find what they were trained without: each collection, family of attacks, and condition.

    python -m training.detector.left_out --features FOLDER --run FOLDER --out left-out.md

Every crop is scored by the heads that were not trained on its collection or family, in any condition. A crop of a few
seconds is a trial; a call has more of them.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.corpus.split import CONF, configuration
from training.detector.curves import held_out
from training.detector.model import FOLDS
from training.detector.train import EncodedMaterial, load, scores, trained_heads

FEWEST = 20


def rows(material: EncodedMaterial, found: NDArray[np.float64]) -> Iterator[str]:
    """Yields lines of the table: all, each band and condition, then each collection or family by the other class."""
    human = material.human.numpy() > 0.5
    yield "| | bona fide crops | spoofed crops | EER, % |"
    yield "|---|---|---|---|"
    yield line("all", human, found)
    for name in np.unique(material.lines):
        there = material.lines == name
        yield from _judged(name, human[there], found[there])
    names = np.char.partition(material.cells, " ")
    for name in np.unique(names[:, 0]):
        mine = names[:, 0] == name
        for is_human in (False, True):
            there = (mine & (human == is_human)) | (human != is_human)
            if (mine & (human == is_human)).sum() >= FEWEST:
                yield line(f"{name}, {'bona fide' if is_human else 'spoofed'}", human[there], found[there])


def _judged(name: str, human: NDArray[np.bool_], found: NDArray[np.float64]) -> Iterator[str]:
    if min(human.sum(), (~human).sum()) >= FEWEST:
        yield line(name, human, found)


def line(name: str, human: NDArray[np.bool_], found: NDArray[np.float64]) -> str:
    """Returns a line of the table."""
    error = 100 * held_out(found, human)["held_out_eer"]
    return f"| {name} | {human.sum()} | {(~human).sum()} | {error:.1f} |"


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=f"Measure what a part of {FOLDS} of the heads was trained without.")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="of the training")
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    conf = configuration(arguments.conf, arguments.size)
    material = load(arguments.features, conf["training"])
    found = scores(trained_heads(arguments.run, conf), material)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("\n".join(rows(material, found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
