"""Crops of the material, sent through channels and encoded: what the heads are trained on.

    python -m training.spoof.features --material .build/spoof

The encoder is frozen, so that its statistics are computed once. Bona fide files are fewer and go through every channel
more than once; which channels a spoofed file goes through is drawn by its name.
"""

import argparse
import sys
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import yaml
from numpy.typing import NDArray
from scipy.signal import resample_poly

from training.spoof.assemble import CONF
from training.spoof.channels import CHANNELS, NARROW, Channel, Samples, send
from training.spoof.manifest import BONAFIDE, DataError, Row, check, read, unbalanced
from training.spoof.model import WINDOW, Encoder, pretrained
from training.spoof.whisper import weights

TRAITS = ("path", "label", "family", "group", "speaker", "split")


@dataclass(frozen=True, slots=True)
class Crop:
    """One window of a file through one channel, to be drawn by its own generator."""

    file: Path
    name: str
    rate: int
    channel: Channel
    repetition: int

    def samples(self) -> Samples:
        """Reads, cuts, or repeats, and sends."""
        whole, _ = soundfile.read(self.file, dtype="float32")
        index = CHANNELS.index(self.channel)
        generator = np.random.default_rng([zlib.crc32(self.name.encode()), index, self.repetition])
        if self.rate == NARROW:
            whole = np.asarray(resample_poly(whole, 2, 1), np.float32)
        if len(whole) < WINDOW:
            whole = np.tile(whole, WINDOW // len(whole) + 2)
        start = int(generator.integers(len(whole) - WINDOW + 1))
        return send(whole[start : start + WINDOW], self.channel, generator)


def crops(folder: Path, row: Row, conf: Mapping[str, Any]) -> list[Crop]:
    """The crops of a file; narrowband recordings only go through narrowband channels."""
    channels = [channel for channel in CHANNELS if row.rate != NARROW or channel.rate == NARROW]
    if row.label != BONAFIDE:
        generator = np.random.default_rng(zlib.crc32(row.path.encode()))
        most = min(conf["channels_per_spoof"], len(channels))
        channels = [channels[index] for index in sorted(generator.choice(len(channels), most, replace=False))]
    repetitions = range(conf["per_channel"][row.label])
    return [Crop(folder / row.path, row.path, row.rate, channel, each) for channel in channels for each in repetitions]


def encode(some: Sequence[Crop]) -> NDArray[np.float16]:
    """Statistics of a few crops, shape (crops, features)."""
    windows = torch.tensor(np.stack([crop.samples() for crop in some]))
    with torch.no_grad():
        return np.asarray(_encoder()(windows).numpy(), np.float16)


@cache
def _encoder() -> Encoder:
    torch.set_num_threads(1)
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    return pretrained(Encoder(conf["model"]["layers"]), weights())


def main() -> None:
    """Checks the manifest again, encodes all crops, and writes them with their traits.

    Raises:
        DataError: the material has defects, or a channel is not alike for both classes.
    """
    parser = argparse.ArgumentParser(description="Encode the material.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    arguments = parser.parse_args()
    manifest = arguments.material / "manifest.csv"
    rows = read(manifest)
    check(manifest, rows)
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))["crops"]
    pairs = [(row, crop) for row in rows for crop in crops(arguments.material, row, conf)]
    if uneven := unbalanced([row.label for row, _ in pairs], [crop.channel.name for _, crop in pairs]):
        raise DataError("\n".join(uneven))
    encoded = _in_parallel([crop for _, crop in pairs])
    traits: dict[str, Any] = {trait: np.array([getattr(row, trait) for row, _ in pairs]) for trait in TRAITS}
    channels = np.array([crop.channel.name for _, crop in pairs])
    np.savez(arguments.material / "features.npz", features=encoded, channel=channels, **traits)


def _in_parallel(all_crops: Sequence[Crop], size: int = 16) -> NDArray[np.float16]:
    batches = [all_crops[start : start + size] for start in range(0, len(all_crops), size)]
    parts = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for number, part in enumerate(pool.map(encode, batches), start=1):
            parts.append(part)
            sys.stderr.write(f"\rencoding {number}/{len(batches)}")
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
