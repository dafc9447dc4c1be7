"""Crops of the material, sent through channels, and what is frozen of the detector says of them.

    python -m training.detector.features --material .build/spoof

A copy of a recording is cut where the recording is and goes through the very same channel, so that nothing but how it
was made tells them apart. Bona fide files are fewer and go through every channel more than once; which channels a
spoofed file goes through is drawn by its name. Crops that were made before, of files that have not changed, are kept.
"""

import argparse
import itertools
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import yaml
from numpy.typing import NDArray
from scipy.signal import resample_poly

from training.corpus.assemble import CONF
from training.corpus.channels import CHANNELS, NARROW, TELEPHONE, Channel, Samples, send
from training.corpus.checks import BONAFIDE, DataError, Row, check, read, unbalanced
from training.detector.model import RATE, WINDOW, Detector, Shape, pretrained
from training.detector.whisper import weights

TRAITS = ("path", "label", "family", "group", "speaker", "split")
FEATURES, CROPS = "features.npz", "crops.npy"
FULL_SCALE = 32767
# Crops that are cut or encoded at once.
TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Crop:
    """One window of a file through one channel, to be drawn by its own generator."""

    file: Path
    sha256: str
    origin: str
    rate: int
    channel: Channel
    repetition: int

    @property
    def key(self) -> str:
        """What the crop depends on."""
        return f"{self.sha256} {self.origin} {self.channel.name} {self.repetition}"

    def samples(self) -> Samples:
        """Reads, cuts, or repeats, and sends."""
        whole, _ = soundfile.read(self.file, dtype="float32")
        index = CHANNELS.index(self.channel)
        generator = np.random.default_rng([zlib.crc32(self.origin.encode()), index, self.repetition])
        if self.rate == NARROW:
            whole = np.asarray(resample_poly(whole, 2, 1), np.float32)
        if len(whole) < WINDOW:
            whole = np.tile(whole, WINDOW // len(whole) + 2)
        start = int(generator.random() * (len(whole) - WINDOW))
        return send(whole[start : start + WINDOW], self.channel, generator)


def crops(folder: Path, row: Row, origin: str, conf: Mapping[str, Any]) -> list[Crop]:
    """The crops of a file; narrowband recordings only go through narrowband channels."""
    channels = [channel for channel in CHANNELS if row.rate != NARROW or channel.rate == NARROW]
    if row.label != BONAFIDE:
        generator = np.random.default_rng(zlib.crc32(row.path.encode()))
        most = min(conf["channels_per_spoof"], len(channels))
        channels = [channels[index] for index in sorted(generator.choice(len(channels), most, replace=False))]
    repetitions = range(conf["per_channel"][row.label])
    return [
        Crop(folder / row.path, row.sha256, origin, row.rate, channel, each)
        for channel in channels
        for each in repetitions
    ]


def origins(rows: Sequence[Row]) -> list[str]:
    """The path of the recording that each file is a copy of, or is."""
    human = {row.path: row.speaker for row in rows if row.label == BONAFIDE}
    return [row.source if human.get(row.source) == row.speaker else row.path for row in rows]


def cut(some: Sequence[Crop]) -> NDArray[np.int16]:
    """A few crops, shape (crops, WINDOW)."""
    return np.stack([np.rint(crop.samples() * FULL_SCALE).astype(np.int16) for crop in some])


def encode(file: Path, narrow: NDArray[np.bool_], part: slice) -> NDArray[np.float16]:
    """Statistics of some of the crops in a file, as the detector hears them, shape (crops, features).

    Args:
        file: with all crops.
        narrow: which of all crops are of telephone speech, so that every other of their samples was interpolated.
        part: which crops.
    """
    samples = torch.tensor(np.load(file, mmap_mode="r")[part].astype(np.float32) / FULL_SCALE)
    with torch.no_grad():
        windows = [_window(crop, is_narrow) for crop, is_narrow in zip(samples, narrow[part], strict=True)]
        return np.asarray(_detector().encoder(torch.cat(windows)).numpy(), np.float16)


def _window(crop: torch.Tensor, is_narrow: np.bool_) -> torch.Tensor:
    return _detector().windows(crop[::2] if is_narrow else crop, torch.tensor(NARROW if is_narrow else RATE))


@cache
def _detector() -> Detector:
    torch.set_num_threads(1)
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    detector = Detector(Shape(**conf["model"]))
    pretrained(detector.encoder, weights())
    return detector.requires_grad_(False).eval()


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
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    pairs = [
        (row, crop)
        for row, origin in zip(rows, origins(rows), strict=True)
        if row.family not in conf["split"]["measured_only"]
        for crop in crops(arguments.material, row, origin, conf["crops"])
    ]
    if uneven := unbalanced([row.label for row, _ in pairs], [crop.channel.name for _, crop in pairs]):
        raise DataError("\n".join(uneven))
    wanted = [crop for _, crop in pairs]
    crops_made = made(arguments.material, wanted)
    # Its keys are the crops': without them a run that is broken off here does not take crops for others.
    (arguments.material / FEATURES).unlink(missing_ok=True)
    np.save(arguments.material / CROPS, crops_made)
    traits: dict[str, Any] = {trait: np.array([getattr(row, trait) for row, _ in pairs]) for trait in TRAITS}
    own = {"channel": [crop.channel.name for _, crop in pairs], "origin": [crop.origin for _, crop in pairs]}
    traits |= {name: np.array(values) for name, values in own.items()}
    traits["key"] = np.array([crop.key for crop in wanted])
    parts = [slice(start, start + TOGETHER) for start in range(0, len(wanted), TOGETHER)]
    narrow = np.isin(traits["channel"], TELEPHONE)
    encoded = _in_parallel("encoding", partial(encode, arguments.material / CROPS, narrow), parts)
    np.savez(arguments.material / FEATURES, features=np.concatenate(encoded), **traits)


def made(material: Path, wanted: Sequence[Crop]) -> NDArray[np.int16]:
    """All crops, shape (crops, WINDOW); those that were made before are taken from there."""
    known = _known(material)
    missing = [crop for crop in wanted if crop.key not in known]
    batches = [missing[start : start + TOGETHER] for start in range(0, len(missing), TOGETHER)]
    new = itertools.chain.from_iterable(_in_parallel("cutting", cut, batches))
    known |= dict(zip((crop.key for crop in missing), new, strict=True))
    return np.stack([known[crop.key] for crop in wanted])


def _known(material: Path) -> dict[str, NDArray[np.int16]]:
    if not (material / CROPS).exists() or not (material / FEATURES).exists():
        return {}
    return dict(zip(np.load(material / FEATURES)["key"].tolist(), np.load(material / CROPS), strict=True))


def _in_parallel(label: str, function: Callable[[Any], NDArray[Any]], items: Sequence[Any]) -> list[NDArray[Any]]:
    parts = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for number, part in enumerate(pool.map(function, items), start=1):
            parts.append(part)
            sys.stderr.write(f"\r{label} {number}/{len(items)}")
    return parts


if __name__ == "__main__":
    main()
