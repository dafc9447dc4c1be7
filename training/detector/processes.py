"""Trains with one process and with two, and compares their errors on what was held out.

    python -m training.detector.processes --features FOLDER --conf FILE --size FILE --out FOLDER

Each is started as the stage `train` starts it. Intervals of 95 % are those of resampled speakers, the same for both.
Exit status: 0 if the interval of the difference holds 0 for the loss and for the EER, else 1.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.corpus.split import CONF, configuration
from training.detector.curves import held_out
from training.detector.features import read_features
from training.detector.train import load_held_out, scores, trained_heads

COUNTS = (1, 2)
REPLICATES, SEED = 1000, 1
MEASURES = {"held_out_loss": "loss", "held_out_eer": "EER"}


def trained(given: argparse.Namespace, processes: int) -> Path:
    """Trains by so many processes; returns the folder of the run."""
    out: Path = given.out / str(processes)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    module = ["-m", "training.detector.train", "--features", str(given.features), "--conf", str(given.conf)]
    size = ["--size", str(given.size)] if given.size else []
    subprocess.run([sys.executable, *launcher, *module, *size, "--out", str(out)], check=True)
    return out


def resamples(speakers: NDArray[np.str_], human: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Yields the crops of drawn speakers, where both classes occur."""
    places = [np.flatnonzero(speakers == name) for name in np.unique(speakers)]
    generator = np.random.default_rng(SEED)
    for _ in range(REPLICATES):
        drawn = np.concatenate([places[index] for index in generator.integers(len(places), size=len(places))])
        if 0 < human[drawn].sum() < len(drawn):
            yield drawn


def compared(
    found: Mapping[int, NDArray[np.float64]], human: NDArray[np.bool_], speakers: NDArray[np.str_]
) -> Iterator[tuple[str, list[tuple[float, float, float]]]]:
    """Yields each measure with its value and interval: of each run, then of the difference."""
    whole = [held_out(each, human) for each in found.values()]
    drawn = [[held_out(each[at], human[at]) for each in found.values()] for at in resamples(speakers, human)]
    for name in MEASURES:
        values = np.array([each[name] for each in whole])
        spread = np.array([[each[name] for each in pair] for pair in drawn])
        values, spread = np.append(values, values[1] - values[0]), np.c_[spread, spread[:, 1] - spread[:, 0]]
        low, high = np.quantile(spread, [0.025, 0.975], axis=0)
        yield name, [(float(a), float(b), float(c)) for a, b, c in zip(values, low, high, strict=True)]


def main() -> int:
    """Trains twice and prints the comparison."""
    parser = argparse.ArgumentParser(description="Compare a training by one process with one by two.")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True, help="folder of both runs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    conf, file = configuration(arguments.conf, arguments.size), read_features(arguments.features)
    held, speakers = load_held_out(arguments.features), file["speaker"][file["split"] == "test"]
    found = {count: scores(trained_heads(trained(arguments, count), conf), held) for count in COUNTS}
    agree = True
    for name, columns in compared(found, held.human.numpy() > 0.5, speakers):
        told = [f"{value:.4f} ({low:.4f} to {high:.4f})" for value, low, high in columns]
        sys.stdout.write(f"{MEASURES[name]}: one process {told[0]}, two {told[1]}, difference {told[2]}\n")
        agree &= columns[-1][1] <= 0 <= columns[-1][2]
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
