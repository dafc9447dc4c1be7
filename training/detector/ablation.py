"""Trains without one family of attacks after the other, and measures how well each view detects the family left out.

    python -m training.detector.ablation --features FOLDER --out ablation.md [--family NAME ...]

Families that are held out anyway are scored by heads that were trained on all others. Bona fide speech is that of the
held-out speakers. A crop of four seconds is a trial, whatever its channel; a call has more of them.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.corpus.draw import TELEPHONE
from training.corpus.files import BONAFIDE
from training.corpus.split import CONF, configuration
from training.detector.calibration import mixture
from training.detector.curves import held_out
from training.detector.features import read_features
from training.detector.model import DetectorHeads
from training.detector.train import fit, load, scores

COLUMNS = [f"{view}, {band}" for band in ("wide", "telephone") for view in ("Whisper", "all", "both")]
HEADER = f"| family | crops | {' | '.join(COLUMNS)} |"


def rows(path: Path, conf: Mapping[str, Any], chosen: Sequence[str]) -> Iterator[str]:
    """Yields lines of the table: first the held-out families, then each of the others, or the chosen ones, left out."""
    file = read_features(path)
    everything = {name: file[name] for name in ("features", "label", "family", "channel", "split")}
    families = sorted(set(everything["family"]) - {""})
    held = [name for name in families if "test" in everything["split"][everything["family"] == name]]
    heads = trained(path, conf, "")
    yield from (judged(heads, everything, name, conf["views"]) for name in held)
    for name in chosen or sorted(set(families) - set(held)):
        yield judged(trained(path, conf, name), everything, name, conf["views"])


def trained(path: Path, conf: Mapping[str, Any], without: str) -> DetectorHeads:
    """Trains heads without a family."""
    return fit(load(path, conf["training"], without), conf)


def judged(heads: DetectorHeads, everything: Mapping[str, NDArray[Any]], family: str, views: Sequence[float]) -> str:
    """Returns a line of the table: equal error rates in percent, by channel and view."""
    human = (everything["label"] == BONAFIDE) & (everything["split"] == "test")
    chosen = human | (everything["family"] == family)
    found = scores(heads, torch.tensor(everything["features"][chosen].astype(np.float32)))
    bona_fide, narrow = human[chosen], np.isin(everything["channel"][chosen], TELEPHONE)
    columns = [*found.T, found @ mixture(found, bona_fide, views)]
    errors = [
        held_out(column[side], bona_fide[side])["held_out_eer"] for side in (~narrow, narrow) for column in columns
    ]
    return f"| {family} | {(~bona_fide).sum()} | " + " | ".join(f"{100 * error:.0f}" for error in errors) + " |"


def main() -> None:
    """Writes the table, line by line."""
    parser = argparse.ArgumentParser(description="Leave one family of attacks out after the other.")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--family", nargs="*", default=[], help="a family to leave out; each in turn if none is named")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    conf = configuration(arguments.conf, arguments.size)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", encoding="utf-8") as file:
        for line in [HEADER, "|" + "---|" * HEADER.count(" | ") + "---|"]:
            file.write(line + "\n")
        for line in rows(arguments.features, conf, arguments.family):
            file.write(line + "\n")
            sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
