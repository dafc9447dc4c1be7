"""Brings bona fide recordings of several collections to one form: 16-bit WAV at 16 or 8 kHz, one level, no codec.

    python -m training.corpus.collect --speech FOLDER/manifest.csv [--speech ...] --packages FOLDER --out FOLDER

Only rows that may train are used. Later stages read the output of this one and no other recordings.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import av
import numpy as np
import soundfile

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.files import BONAFIDE, NARROW, SPOOF, WIDE, CorpusFile, write, write_list
from training.corpus.manifest import read_manifest
from training.corpus.split import fraction, settings

LONGEST_SECONDS = 12
SHORTEST_SECONDS = 2.5
QUIET = 0.01  # of the peak
COLUMNS = ("path", "speaker", "group", "use", "licence", "source")


def common(samples: Samples, rate: int) -> tuple[Samples, int]:
    """Mixes to one channel, and brings it to 16 kHz unless it is at 8 kHz."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    mono = mono[: LONGEST_SECONDS * rate]
    if rate in {NARROW, WIDE}:
        return mono, rate
    return resample(mono, rate, WIDE), WIDE


def speech(manifest: Path) -> Iterator[tuple[CorpusFile, Samples]]:
    """Yields the rows of a manifest that may train, of either class."""
    clips = [clip for clip in read_manifest(manifest, COLUMNS) if clip.row["use"] == "train"]
    for number, clip in enumerate(clips):
        row, (samples, rate) = clip.row, common(*soundfile.read(clip.path, dtype="float32"))
        label = row.get("label") or BONAFIDE
        yield (
            CorpusFile(
                path=f"{label}_{row['group']}_{number:04d}.wav",
                label=label,
                family=row["group"] if label == SPOOF else "",
                system=row.get("system") or "",
                speaker=f"{row['group']}:{clip.speaker}",
                group=row["group"],
                use=row["use"],
                licence=row["licence"],
                source=row["source"],
                rate=rate,
            ),
            samples,
        )


@dataclass(frozen=True, slots=True)
class PackagedCollection:
    """Recordings that packages carry.

    Attributes:
        name: of the group.
        pattern: of the files' paths, beneath the packages.
        speaker: a regular expression, whose groups name the speaker in a path.
        licence: of the recordings.
        most: files that are used of each speaker, spread evenly.
        speakers: that are used, in an order that has nothing to do with them.
        known: speakers that another group has too, by the name that they have there.
    """

    name: str
    pattern: str
    speaker: str
    licence: str
    most: int = 100
    speakers: int = 1000
    known: Mapping[str, str] = field(default_factory=dict)


ASTERISK = {"en": "allison", "es": "allison", "fr": "june", "it": "carlo", "ru": "ivrvoiceru"}
COLLECTIONS = (
    PackagedCollection(
        "tortoise",
        "tortoise-tts-*/tortoise/voices/*/*.wav",
        r"voices/(?!pat/3\.)(\w+)/",  # which is pat/2 again
        "Apache-2.0",
        known={"pat2": "tortoise:pat"},
    ),
    PackagedCollection("f5", "f5_tts-*/src/f5_tts/infer/examples/*/*.*a*", r"(\w+)\.(?:wav|flac)$", "MIT"),
    PackagedCollection("pyannote", "pyannote/audio/sample/*.wav", r"(sample)", "MIT"),
    PackagedCollection(
        "asterisk",
        "debian/usr/share/asterisk/sounds/*/**/*.g722",
        r"sounds/(\w\w)",
        "CC-BY-SA-3.0",
        160,
        known={language: f"registry_asterisk:ast_{name}" for language, name in ASTERISK.items()},
    ),
    PackagedCollection(
        "menardi",
        "debian/usr/share/asterisk/sounds/it*/**/*.wav",
        r"/(sounds)/",
        "CC-BY-SA-3.0",
        120,
        known={"sounds": "registry_asterisk:ast_menardi"},
    ),
)


@dataclass(frozen=True, slots=True)
class CollectedAmount:
    """The amount that is collected.

    Attributes:
        most: files of each speaker of a packaged collection, less than its own number.
        speakers: of a packaged collection.
        longest_seconds: of a recording.
    """

    most: int = 1000
    speakers: int = 1000
    longest_seconds: float = LONGEST_SECONDS

    def of(self, collection: PackagedCollection) -> PackagedCollection:
        """Returns a collection with no more speakers, and no more files of each."""
        return replace(collection, most=min(self.most, collection.most), speakers=self.speakers)

    def cut(self, pair: tuple[CorpusFile, Samples]) -> tuple[CorpusFile, Samples]:
        """Cuts a recording that is longer."""
        file, samples = pair
        return file, samples[: int(self.longest_seconds * file.rate)]


def packaged(packages: Path, collection: PackagedCollection) -> Iterator[tuple[CorpusFile, Samples]]:
    """Yields the recordings of a collection; single words are joined, since a second of speech says little."""
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(packages.glob(collection.pattern)):
        if found := re.search(collection.speaker, path.as_posix()):
            files["-".join(found.groups())].append(path)
    drawn = sorted(files, key=lambda name: fraction(collection.known.get(name, f"{collection.name}:{name}")))
    for speaker, of_speaker in [(name, files[name]) for name in drawn[: collection.speakers]]:
        chosen = of_speaker[:: max(1, len(of_speaker) // collection.most)][: collection.most]
        for number, (samples, rate) in enumerate(joined(map(read, chosen))):
            name = re.sub(r"\W", "-", speaker)
            yield (
                CorpusFile(
                    path=f"bonafide_{collection.name}_{name}_{number:04d}.wav",
                    label=BONAFIDE,
                    family="",
                    system="",
                    speaker=collection.known.get(speaker, f"{collection.name}:{speaker}"),
                    group=collection.name,
                    use="train",
                    licence=collection.licence,
                    source=collection.name,
                    rate=rate,
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
    """Decodes a file of a codec that libsndfile does not know."""
    with av.open(path) as source:
        rate = source.streams.audio[0].rate
        resampler = av.AudioResampler("flt", "mono", rate)
        frames = [part for frame in [*source.decode(audio=0), None] for part in resampler.resample(frame)]
    return np.concatenate([np.zeros(1, np.float32), *(frame.to_ndarray()[0] for frame in frames)]), rate


def joined(parts: Iterable[tuple[Samples, int]]) -> Iterator[tuple[Samples, int]]:
    """Joins parts until they are long enough; the remainder at the end is dropped."""
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
    parser.add_argument("--speech", type=Path, action="append", default=[], help="manifest of recordings")
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--size", type=Path, help="file of a size, which may take less of everything")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    amount = CollectedAmount(**settings(arguments.size).get("collect", {}))
    sources = [speech(manifest) for manifest in arguments.speech]
    sources += [packaged(arguments.packages, amount.of(each)) for each in COLLECTIONS] if arguments.packages else []
    write_list(arguments.out, [write(arguments.out, *amount.cut(pair)) for pair in chain(*sources)])


if __name__ == "__main__":
    main()
