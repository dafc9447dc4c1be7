"""Trains without one family of attacks after the other, and says how well each view finds what it never heard.

    python -m training.detector.ablation --material .build/spoof --out .build/spoof/run/ablation.md [--family NAME ...]

Families that are held out anyway are judged by what is trained on all others. Bona fide speech is that of the speakers
who are held out. A crop of four seconds is a trial, through whichever channel it went; a call has more of them.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from training.corpus.assemble import CONF
from training.corpus.channels import TELEPHONE
from training.corpus.checks import BONAFIDE
from training.detector.calibration import mixture
from training.detector.curves import held_out
from training.detector.features import FEATURES
from training.detector.model import Heads
from training.detector.train import fit, load, scores

COLUMNS = [f"{view}, {band}" for band in ("wide", "telephone") for view in ("Whisper", "all", "both")]
HEADER = f"| family | crops | {' | '.join(COLUMNS)} |"


def rows(path: Path, conf: Mapping[str, Any], chosen: Sequence[str]) -> Iterator[str]:
    """Lines of the table: first families that are held out, then each of the others, or the chosen, left out for it."""
    file = np.load(path)
    everything = {name: file[name] for name in ("features", "label", "family", "channel", "split")}
    families = sorted(set(everything["family"]) - {""})
    held = [name for name in families if "test" in everything["split"][everything["family"] == name]]
    heads = trained(path, conf, "")
    yield from (judged(heads, everything, name, conf["views"]) for name in held)
    for name in chosen or sorted(set(families) - set(held)):
        yield judged(trained(path, conf, name), everything, name, conf["views"])


def trained(path: Path, conf: Mapping[str, Any], without: str) -> Heads:
    """Heads that never heard a family."""
    return fit(load(path, conf["training"], without), conf)


def judged(heads: Heads, everything: Mapping[str, NDArray[Any]], family: str, views: Sequence[float]) -> str:
    """A line of the table: equal error rates in percent, by channel and view."""
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
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--out", type=Path, default=Path(".build/spoof/run/ablation.md"))
    parser.add_argument("--family", nargs="*", default=[], help="what to leave out; each in turn if none is named")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    arguments.out.parent.mkdir(exist_ok=True)
    with arguments.out.open("w", encoding="utf-8") as file:
        for line in [HEADER, "|" + "---|" * HEADER.count(" | ") + "---|"]:
            file.write(line + "\n")
        for line in rows(arguments.material / FEATURES, conf, arguments.family):
            file.write(line + "\n")
            sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
