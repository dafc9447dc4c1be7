"""Crops of the corpus, sent through channels, and the frozen part of the detector's statistics of them.

    python -m training.detector.features --manifest manifest.csv --validation report.json --speaker speaker.onnx
        --out FOLDER [--shard N --shards N]

A copy of a recording is cut where the recording is and goes through the very same channel, so that nothing but its
synthesis tells them apart. Bona fide files are fewer and go through every channel more than once; the channels of a
spoofed file are drawn by its name. Of the bundle only the speaker graph is needed: features do not depend on a detector
that was trained before. Shards may be encoded on different machines; together they are what one would have made.
"""

import argparse
import json
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
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.channels import send
from training.corpus.conditions.condition import LineCondition
from training.corpus.conditions.registry import all_conditions
from training.corpus.draw import CHANNELS, TransmissionChannel, channels_of
from training.corpus.files import BONAFIDE, WIDE, read_wav
from training.corpus.manifest import digest
from training.corpus.rows import CorpusRow, DataError, read
from training.corpus.split import CONF, configuration
from training.detector.model import ALL, WINDOW, DetectorShape, SpoofDetector, detector
from training.parallel import in_parallel

TRAITS = ("path", "label", "family", "group", "speaker", "split")
FEATURES = "features.npz"
FULL_SCALE = 32767
# Crops that are cut or encoded at once.
TOGETHER = 16
# Samples of a crop at 16 kHz, if the file has so many.
SHORTEST_PART = 24000
# People of whom babble is made.
OTHERS = 40


@dataclass(frozen=True, slots=True)
class CorpusCrop:
    """A part of a file through one channel, to be drawn by its own generator."""

    file: Path
    origin: str
    rate: int
    channel: TransmissionChannel
    repetition: int

    def samples(self, conditions: Mapping[str, LineCondition]) -> tuple[Samples, str]:
        """Reads, cuts and sends; returns samples at the rate of the channel, and the name of the condition.

        Lengths differ as those of calls do, from half of a file to all of it, within SHORTEST_PART and WINDOW.
        """
        index = CHANNELS.index(self.channel)
        generator = np.random.default_rng([zlib.crc32(self.origin.encode()), index, self.repetition])
        whole = resample(read_wav(self.file), self.rate, WIDE)
        longest = min(WINDOW, len(whole))
        length = max(int(longest * generator.uniform(0.5, 1)), min(longest, SHORTEST_PART))
        start = int(generator.random() * (len(whole) - length + 1))
        return send(whole[start : start + length], self.channel, conditions, generator)


@dataclass(frozen=True, slots=True)
class FrozenModels:
    """A speaker graph and voices of others, by which crops are encoded; opened once in each process.

    Attributes:
        speaker: the speaker graph.
        others: recordings of people whose voices are babble, or an agent's.
        without: groups of conditions that are not drawn, for machines that lack their codecs.
    """

    speaker: Path
    others: tuple[Path, ...]
    without: tuple[str, ...] = ()


def crops(folder: Path, row: CorpusRow, origin: str, conf: Mapping[str, Any]) -> list[CorpusCrop]:
    """Returns the crops of a file."""
    channels = channels_of(row, conf)
    return [
        CorpusCrop(folder / row.path, origin, row.rate, channel, channels[:index].count(channel))
        for index, channel in enumerate(channels)
    ]


def origins(rows: Sequence[CorpusRow]) -> list[str]:
    """Returns for each file the path of the recording that it is a copy of, or is."""
    human = {row.path: row.speaker for row in rows if row.label == BONAFIDE}
    return [row.source if human.get(row.source) == row.speaker else row.path for row in rows]


def bystanders(folder: Path, rows: Sequence[CorpusRow]) -> tuple[Path, ...]:
    """Returns recordings of a few people, whom babble is made of."""
    first = {row.speaker: row.path for row in reversed(rows) if row.label == BONAFIDE and row.rate == WIDE}
    return tuple(folder / path for path in sorted(first.values())[:: max(1, len(first) // OTHERS)])


def encode(models: FrozenModels, some: Sequence[CorpusCrop]) -> tuple[NDArray[np.float16], list[str]]:
    """Makes a few crops, rounds them to 16 bits, and computes their statistics.

    Returns:
        statistics, shape (crops, ALL), and the conditions by name.
    """
    network, conditions = _opened(models)
    found, names = [], []
    for crop in some:
        samples, name = crop.samples(conditions)
        rounded = np.rint(samples * FULL_SCALE).astype(np.int16).astype(np.float32) / FULL_SCALE
        with torch.no_grad():
            windows = network.windows(torch.tensor(rounded), torch.tensor(crop.channel.rate))
            found.append(network.encoder(windows).mean(0).numpy())
        names.append(name)
    return np.asarray(found, np.float16), names


@cache
def _opened(models: FrozenModels) -> tuple[SpoofDetector, Mapping[str, LineCondition]]:
    torch.set_num_threads(1)
    others = [Waveform(read_wav(path), WIDE) for path in models.others]
    conditions = {name: each for name, each in all_conditions(others).items() if each.group not in models.without}
    return detector(DetectorShape(), models.speaker).requires_grad_(False), conditions


def planned(manifest: Path, validation: Path, conf: Mapping[str, Any]) -> list[tuple[CorpusRow, CorpusCrop]]:
    """Plans the crops of all files.

    Raises:
        DataError: the manifest is not the one that was validated.
    """
    if json.loads(validation.read_bytes())["manifest"] != digest(manifest):
        raise DataError(f"{manifest}: is not the manifest that {validation} is of")
    rows = read(manifest)
    return [
        (row, crop)
        for row, origin in zip(rows, origins(rows), strict=True)
        if row.family not in conf["split"]["measured_only"]
        for crop in crops(manifest.parent, row, origin, conf["crops"])
    ]


def part(
    pairs: Sequence[tuple[CorpusRow, CorpusCrop]], shard: int, shards: int
) -> Sequence[tuple[CorpusRow, CorpusCrop]]:
    """Returns the crops of a shard: neighbors, so that all shards one after the other are in the order of the plan."""
    edges = np.linspace(0, len(pairs), shards + 1).round().astype(int)
    return pairs[edges[shard] : edges[shard + 1]]


def read_features(folder: Path) -> dict[str, NDArray[Any]]:
    """Reads the features of all shards with their traits, in the order of the plan.

    Raises:
        DataError: a shard is missing or is not of the form that the others have.
    """
    files = sorted(folder.glob(f"*/{FEATURES}"), key=lambda file: int(file.parent.name))
    loaded = [dict(np.load(file)) for file in files]
    for file, each in zip(files, loaded, strict=True):
        _require_form(file, each)
    if not loaded or [int(file.parent.name) for file in files] != list(range(len(files))):
        raise DataError(f"{folder}: the shards are {[file.parent.name for file in files]}, expected 0, 1, ...")
    return {name: np.concatenate([each[name] for each in loaded]) for name in loaded[0]}


def _require_form(file: Path, content: Mapping[str, NDArray[Any]]) -> None:
    names = {"features", "channel", "condition", "origin", *TRAITS}
    if content.keys() != names:
        raise DataError(f"{file}: holds {sorted(content)}, expected {sorted(names)}")
    features = content["features"]
    if features.ndim != 2 or features.shape[1] != ALL or any(len(each) != len(features) for each in content.values()):
        raise DataError(f"{file}: features have the shape {features.shape}, expected ({len(content['path'])}, {ALL})")
    if len(bad := np.flatnonzero(~np.isfinite(features).all(1))):
        raise DataError(f"{file}: features of {content['path'][bad[0]]} are no numbers, expected finite ones")


def main() -> None:
    """Encodes the crops of a shard, and writes them with their traits."""
    parser = argparse.ArgumentParser(description="Encode the corpus.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True, help="report on the manifest")
    parser.add_argument("--speaker", type=Path, required=True, help="the speaker graph")
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--shard", type=int, default=0, help="number of the part that is encoded, from 0")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    conf, out, folder = configuration(arguments.conf, arguments.size), arguments.out, arguments.manifest.parent
    pairs = part(planned(arguments.manifest, arguments.validation, conf), arguments.shard, arguments.shards)
    out.mkdir(parents=True, exist_ok=True)
    batches = [[crop for _, crop in pairs[start : start + TOGETHER]] for start in range(0, len(pairs), TOGETHER)]
    without = tuple(conf["crops"].get("without", ()))
    models = FrozenModels(arguments.speaker, bystanders(folder, read(arguments.manifest)), without)
    encoded = in_parallel("encoding", partial(encode, models), batches)
    traits: dict[str, Any] = {trait: np.array([getattr(row, trait) for row, _ in pairs]) for trait in TRAITS}
    traits["channel"] = np.array([crop.channel.name for _, crop in pairs])
    traits["condition"] = np.array([name for _, names in encoded for name in names])
    traits["origin"] = np.array([crop.origin for _, crop in pairs])
    scratch = out / f"part-{FEATURES}"
    np.savez(scratch, features=np.concatenate([features for features, _ in encoded]), **traits)
    scratch.replace(out / FEATURES)


if __name__ == "__main__":
    main()
