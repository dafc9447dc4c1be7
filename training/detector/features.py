"""Crops of the corpus, sent through channels, and the frozen part of the detector's statistics of them.

    python -m training.detector.features --manifest manifest.csv --speaker speaker.onnx --out FOLDER

A copy of a recording is cut where the recording is and goes through the very same channel, so that nothing but its
synthesis tells them apart. Bona fide files are fewer and go through every channel more than once; the channels of a
spoofed file are drawn by its name. Crops that are there already, of files that have not changed, are kept. Of the
bundle only the speaker graph is needed: features do not depend on a detector that was trained before.
"""

import argparse
import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.channels import CHANNELS, TELEPHONE, VERSION, TransmissionChannel, send
from training.corpus.checks import CorpusRow, DataError, check, read, unbalanced
from training.corpus.files import BONAFIDE, NARROW, WIDE, read_wav
from training.corpus.split import CONF, configuration
from training.detector.model import WINDOW, DetectorShape, SpoofDetector, pretrained
from training.detector.whisper import weights
from training.parallel import in_parallel

TRAITS = ("path", "label", "family", "group", "speaker", "split")
FEATURES, CROPS = "features.npz", "crops.npy"
FULL_SCALE = 32767
# Crops that are cut or encoded at once.
TOGETHER = 16


@dataclass(frozen=True, slots=True)
class CorpusCrop:
    """One window of a file through one channel, to be drawn by its own generator."""

    file: Path
    sha256: str
    origin: str
    rate: int
    channel: TransmissionChannel
    repetition: int

    @property
    def cache_key(self) -> str:
        """Everything that the crop depends on."""
        return f"{VERSION} {self.sha256} {self.origin} {self.channel.name} {self.repetition}"

    def samples(self) -> Samples:
        """Reads, cuts, or repeats, and sends."""
        index = CHANNELS.index(self.channel)
        generator = np.random.default_rng([zlib.crc32(self.origin.encode()), index, self.repetition])
        whole = resample(read_wav(self.file), self.rate, WIDE)
        if len(whole) < WINDOW:
            whole = np.tile(whole, WINDOW // len(whole) + 2)
        start = int(generator.random() * (len(whole) - WINDOW))
        return send(whole[start : start + WINDOW], self.channel, generator)


@dataclass(frozen=True, slots=True)
class FrozenModels:
    """The frozen part of the detector, to be opened once in each process.

    Attributes:
        shape: of the detector.
        speaker: the speaker graph.
    """

    shape: DetectorShape
    speaker: Path


def crops(folder: Path, row: CorpusRow, origin: str, conf: Mapping[str, Any]) -> list[CorpusCrop]:
    """Returns the crops of a file; narrowband recordings only go through narrowband channels."""
    channels = [channel for channel in CHANNELS if row.rate != NARROW or channel.rate == NARROW]
    if row.label != BONAFIDE:
        generator = np.random.default_rng(zlib.crc32(row.path.encode()))
        most = min(conf["channels_per_spoof"], len(channels))
        channels = [channels[index] for index in sorted(generator.choice(len(channels), most, replace=False))]
    repetitions = range(conf["per_channel"][row.label])
    return [
        CorpusCrop(folder / row.path, row.sha256, origin, row.rate, channel, each)
        for channel in channels
        for each in repetitions
    ]


def origins(rows: Sequence[CorpusRow]) -> list[str]:
    """Returns for each file the path of the recording that it is a copy of, or is."""
    human = {row.path: row.speaker for row in rows if row.label == BONAFIDE}
    return [row.source if human.get(row.source) == row.speaker else row.path for row in rows]


def cut(some: Sequence[CorpusCrop]) -> NDArray[np.int16]:
    """Makes a few crops, shape (crops, WINDOW)."""
    return np.stack([np.rint(crop.samples() * FULL_SCALE).astype(np.int16) for crop in some])


def encode(file: Path, narrow: NDArray[np.bool_], models: FrozenModels, part: slice) -> NDArray[np.float16]:
    """Computes statistics of some of the crops in a file, shape (crops, features).

    Args:
        file: with all crops.
        narrow: which of all crops are of telephone speech, so that they have every sample twice.
        models: the frozen part of the detector.
        part: which crops.
    """
    samples = torch.tensor(np.load(file, mmap_mode="r")[part].astype(np.float32) / FULL_SCALE)
    detector = _detector(models)
    with torch.no_grad():
        windows = [_window(detector, *each) for each in zip(samples, narrow[part], strict=True)]
        return np.asarray(detector.encoder(torch.cat(windows)).numpy(), np.float16)


def _window(detector: SpoofDetector, crop: torch.Tensor, is_narrow: np.bool_) -> torch.Tensor:
    return detector.windows(crop[::2] if is_narrow else crop, torch.tensor(NARROW if is_narrow else WIDE))


@cache
def _detector(models: FrozenModels) -> SpoofDetector:
    torch.set_num_threads(1)
    detector = SpoofDetector(models.shape)
    pretrained(detector.encoder, weights(), models.speaker)
    return detector.requires_grad_(False).eval()


def planned(manifest: Path, conf: Mapping[str, Any]) -> list[tuple[CorpusRow, CorpusCrop]]:
    """Checks the manifest again, and plans the crops of its files.

    Raises:
        DataError: the corpus has defects, or a channel is not alike for both classes.
    """
    rows = read(manifest)
    check(manifest.parent, rows)
    pairs = [
        (row, crop)
        for row, origin in zip(rows, origins(rows), strict=True)
        if row.family not in conf["split"]["measured_only"]
        for crop in crops(manifest.parent, row, origin, conf["crops"])
    ]
    if uneven := unbalanced([row.label for row, _ in pairs], [crop.channel.name for _, crop in pairs]):
        raise DataError("\n".join(uneven))
    return pairs


def made(folder: Path, wanted: Sequence[CorpusCrop]) -> NDArray[np.int16]:
    """Returns all crops, shape (crops, WINDOW); those that are in the folder already are taken from there."""
    known = _known(folder)
    missing = [crop for crop in wanted if crop.cache_key not in known]
    batches = [missing[start : start + TOGETHER] for start in range(0, len(missing), TOGETHER)]
    new = itertools.chain.from_iterable(in_parallel("cutting", cut, batches, at_once=1))
    known |= dict(zip((crop.cache_key for crop in missing), new, strict=True))
    return np.stack([known[crop.cache_key] for crop in wanted])


def _known(folder: Path) -> dict[str, NDArray[np.int16]]:
    if not (folder / CROPS).exists() or not (folder / FEATURES).exists():
        return {}
    return dict(zip(np.load(folder / FEATURES)["key"].tolist(), np.load(folder / CROPS), strict=True))


def main() -> None:
    """Encodes all crops, and writes them with their traits."""
    parser = argparse.ArgumentParser(description="Encode the corpus.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--speaker", type=Path, required=True, help="the speaker graph")
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    conf, out = configuration(arguments.conf), arguments.out
    pairs = planned(arguments.manifest, conf)
    out.mkdir(parents=True, exist_ok=True)
    crops_made = made(out, [crop for _, crop in pairs])
    # Its keys are the crops': without them an interrupted run does not take crops for others.
    (out / FEATURES).unlink(missing_ok=True)
    np.save(out / CROPS, crops_made)
    traits: dict[str, Any] = {trait: np.array([getattr(row, trait) for row, _ in pairs]) for trait in TRAITS}
    for name, values in (
        ("channel", [crop.channel.name for _, crop in pairs]),
        ("key", [crop.cache_key for _, crop in pairs]),
    ):
        traits[name] = np.array(values)
    traits["origin"] = np.array([crop.origin for _, crop in pairs])
    parts = [slice(start, start + TOGETHER) for start in range(0, len(pairs), TOGETHER)]
    models = FrozenModels(DetectorShape(**conf["model"]), arguments.speaker)
    one = partial(encode, out / CROPS, np.isin(traits["channel"], TELEPHONE), models)
    np.savez(out / FEATURES, features=np.concatenate(in_parallel("encoding", one, parts, at_once=1)), **traits)


if __name__ == "__main__":
    main()
