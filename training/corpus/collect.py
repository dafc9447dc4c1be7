"""Brings bona fide recordings of several collections to one form: 16-bit WAV at 16 or 8 kHz, one level, no codec.

    python -m training.corpus.collect --speech FOLDER/manifest.csv [--speech ...] --packages .build/spoof/packages

Only rows that may train are taken. Later stages read what is written here and nothing else.
"""

import argparse
import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from training.corpus.channels import NARROW, WIDE, Samples

LONGEST_SECONDS = 12
SHORTEST_SECONDS = 2.5
PEAK = 0.5
QUIET = 0.01  # of the peak


@dataclass(frozen=True, slots=True)
class Recording:
    """One file that was written, of either class; paths are relative to the material's folder."""

    path: str
    label: str
    family: str
    system: str
    speaker: str
    group: str
    use: str
    licence: str
    source: str
    rate: int
    seconds: float


def keep(folder: Path, recording: Recording, samples: Samples) -> Recording:
    """Writes samples under the recording's path, at a common peak, and returns it with its duration."""
    loudest = max(float(np.abs(samples).max()), 1e-4)
    path = folder / recording.path
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples * (PEAK / loudest), recording.rate, subtype="PCM_16")
    seconds = round(len(samples) / recording.rate, 6)
    return Recording(**asdict(recording) | {"seconds": seconds})


def remember(folder: Path, stage: str, recordings: Sequence[Recording]) -> None:
    """Lists what a stage wrote; the list is what makes the stage done."""
    lines = [json.dumps(asdict(each), sort_keys=True) for each in sorted(recordings, key=lambda each: each.path)]
    (folder / f"{stage}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def recall(folder: Path, stage: str) -> list[Recording]:
    """What a stage wrote."""
    lines = (folder / f"{stage}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Recording(**json.loads(line)) for line in lines]


def recordings(folder: Path, shortest: int) -> list[Samples]:
    """Samples of the wideband bona fide recordings that have at least so many, at full scale."""
    wide = [each for each in recall(folder, "bonafide") if each.rate == WIDE]
    loaded = [soundfile.read(folder / each.path, dtype="float32")[0] for each in wide]
    return [samples * np.float32(0.9 / np.abs(samples).max()) for samples in loaded if len(samples) >= shortest]


def common(samples: Samples, rate: int) -> tuple[Samples, int]:
    """One channel at 16 kHz, or at 8 kHz if it was."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    mono = mono[: LONGEST_SECONDS * rate]
    if rate in {NARROW, WIDE}:
        return mono, rate
    return np.asarray(soxr.resample(mono, rate, WIDE), np.float32), WIDE


def speech(manifest: Path) -> Iterator[tuple[Recording, Samples]]:
    """Rows of a speech folder that may train, of either class."""
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["use"] == "train"]
    for number, row in enumerate(rows):
        samples, rate = common(*soundfile.read(manifest.parent / row["path"], dtype="float32"))
        label = row.get("label") or "bonafide"
        yield (
            Recording(
                path=f"{label}/{row['group']}_{number:04d}.wav",
                label=label,
                family=row["group"] if label == "spoof" else "",
                system=row.get("system") or "",
                speaker=f"{row['group']}:{row['speaker']}",
                group=row["group"],
                use=row["use"],
                licence=row["licence"],
                source=row["source"],
                rate=rate,
                seconds=0.0,
            ),
            samples,
        )


@dataclass(frozen=True, slots=True)
class Collection:
    """Recordings that packages carry.

    Attributes:
        name: of the group.
        pattern: of the files' paths, beneath the packages.
        speaker: a regular expression, whose groups name the speaker in a path.
        licence: of the recordings.
        most: files that are taken of each speaker, spread evenly.
        known: speakers that another group has too, by the name that they have there.
    """

    name: str
    pattern: str
    speaker: str
    licence: str
    most: int = 100
    known: Mapping[str, str] = field(default_factory=dict)


ASTERISK = {"en": "allison", "es": "allison", "fr": "june", "it": "carlo", "ru": "ivrvoiceru"}
COLLECTIONS = (
    Collection("tortoise", "tortoise-tts-*/tortoise/voices/*/*.wav", r"voices/(\w+)/", "Apache-2.0"),
    Collection("f5", "f5_tts-*/src/f5_tts/infer/examples/*/*.*a*", r"(\w+)\.(?:wav|flac)$", "MIT"),
    Collection("pyannote", "pyannote/audio/sample/*.wav", r"(sample)", "MIT"),
    Collection(
        "asterisk",
        "debian/usr/share/asterisk/sounds/*/**/*.g722",
        r"sounds/(\w\w)",
        "CC-BY-SA-3.0",
        160,
        {language: f"registry_asterisk:ast_{name}" for language, name in ASTERISK.items()},
    ),
    Collection(
        "menardi",
        "debian/usr/share/asterisk/sounds/it*/**/*.wav",
        r"/(sounds)/",
        "CC-BY-SA-3.0",
        120,
        {"sounds": "registry_asterisk:ast_menardi"},
    ),
    Collection(
        "fillets",
        "debian/usr/share/games/fillets-ng/sound/*/*/*-[mv]-*.ogg",
        r"sound/\w+/(\w+)/.*-([mv])-",
        "GPL-2.0-only",
        120,
    ),
    Collection("klettres", "debian/usr/share/klettres/*/*/*.ogg", r"klettres/(\w+)/", "GPL-2.0-or-later", 150),
    Collection(
        "ktuberling", "debian/usr/share/ktuberling/sounds/*/*.ogg", r"sounds/([a-z]+)/", "GPL-2.0-or-later", 150
    ),
)


def packaged(packages: Path, collection: Collection) -> Iterator[tuple[Recording, Samples]]:
    """The recordings of a collection; words are joined, since a second of speech says little."""
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(packages.glob(collection.pattern)):
        if found := re.search(collection.speaker, path.as_posix()):
            files["-".join(found.groups())].append(path)
    for speaker, of_speaker in files.items():
        chosen = of_speaker[:: max(1, len(of_speaker) // collection.most)][: collection.most]
        for number, (samples, rate) in enumerate(joined(map(read, chosen))):
            name = re.sub(r"\W", "-", speaker)
            yield (
                Recording(
                    path=f"bonafide/{collection.name}_{name}_{number:04d}.wav",
                    label="bonafide",
                    family="",
                    system="",
                    speaker=collection.known.get(speaker, f"{collection.name}:{speaker}"),
                    group=collection.name,
                    use="train",
                    licence=collection.licence,
                    source=collection.name,
                    rate=rate,
                    seconds=0.0,
                ),
                samples,
            )


def read(path: Path) -> tuple[Samples, int]:
    """Decodes a file to one channel at 16 or 8 kHz, without the silence at its ends; nothing if it is silent."""
    decode = decoded if path.suffix == ".g722" else partial(soundfile.read, dtype="float32")
    samples, rate = common(*decode(path))
    loud = np.flatnonzero(np.abs(samples) > QUIET * max(float(np.abs(samples).max(initial=0)), QUIET))
    return (samples[max(0, loud[0] - rate // 20) : loud[-1] + rate // 20] if loud.size else samples[:0]), rate


def decoded(path: Path) -> tuple[Samples, int]:
    """A file of a codec that libsndfile does not know."""
    with av.open(path) as source:
        rate = source.streams.audio[0].rate
        resampler = av.AudioResampler("flt", "mono", rate)
        frames = [part for frame in [*source.decode(audio=0), None] for part in resampler.resample(frame)]
    return np.concatenate([np.zeros(1, np.float32), *(frame.to_ndarray()[0] for frame in frames)]), rate


def joined(parts: Iterable[tuple[Samples, int]]) -> Iterator[tuple[Samples, int]]:
    """Parts one after another until they are long enough; what is left over at the end is dropped."""
    waiting: list[Samples] = []
    for samples, rate in parts:
        if not samples.size:
            continue
        waiting.append(samples / np.abs(samples).max())
        if sum(map(len, waiting)) >= SHORTEST_SECONDS * rate:
            yield np.concatenate(waiting), rate
            waiting = []


def main() -> None:
    """Writes the recordings and their list."""
    parser = argparse.ArgumentParser(description="Collect bona fide recordings.")
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    arguments = parser.parse_args()
    sources = [speech(manifest) for manifest in arguments.speech]
    sources += [packaged(arguments.packages, each) for each in COLLECTIONS] if arguments.packages else []
    written = [keep(arguments.material, *pair) for pair in chain(*sources)]
    for label, stage in (("bonafide", "bonafide"), ("spoof", "published")):
        remember(arguments.material, stage, [each for each in written if each.label == label])


if __name__ == "__main__":
    main()
