"""Files of the corpus: a stage writes them into a folder of its own, and lists them there.

A path in a list is relative to the folder that holds the folders of all stages, so that it begins with the stage's own.
"""

import json
import wave
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from bonafide.audio.waveform import Samples

NARROW, WIDE = 8000, 16000
PEAK = 0.5
LIST = "files.jsonl"
BONAFIDE, SPOOF = "bonafide", "spoof"


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One file, of either class.

    Attributes:
        path: relative to the folder of all stages; before it is written, its name.
        label: `bonafide` or `spoof`.
        family: of attacks that share how they sound; empty for bona fide speech.
        system: name of the generating system; empty for bona fide speech.
        speaker: whose voice, also of copy synthesis.
        group: the collection that the recording, or the voice, comes from.
        use: what the source allows: `train`, or `eval` for measuring only.
        licence: of the recording, or of the program and voice that made it.
        source: where it comes from.
        rate: samples a second.
        seconds: duration.
    """

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
    seconds: float = 0.0


def write(folder: Path, file: CorpusFile, samples: Samples) -> CorpusFile:
    """Writes samples into a stage's folder, at a common peak; returns the file with its path and duration."""
    loudest = max(float(np.abs(samples).max()), 1e-4)
    folder.mkdir(parents=True, exist_ok=True)
    pcm = np.rint(samples * (PEAK / loudest) * 32767).astype("<i2")
    with wave.open(str(folder / file.path), "wb") as sink:
        sink.setparams((1, 2, file.rate, 0, "NONE", ""))
        sink.writeframes(pcm.tobytes())
    return replace(file, path=f"{folder.name}/{file.path}", seconds=round(len(samples) / file.rate, 6))


def write_list(folder: Path, files: Sequence[CorpusFile]) -> None:
    """Writes the list of a stage's files."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(each), sort_keys=True) for each in sorted(files, key=lambda each: each.path)]
    (folder / LIST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_list(folder: Path) -> list[CorpusFile]:
    """Reads the list of a stage's files."""
    lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    return [CorpusFile(**json.loads(line)) for line in lines]


def originals(folder: Path) -> list[CorpusFile]:
    """Returns the wideband bona fide recordings of a stage, which are copied by synthesis."""
    return [each for each in read_list(folder) if each.label == BONAFIDE and each.rate == WIDE]


def load(folder: Path, file: CorpusFile) -> Samples:
    """Reads a file of a stage's folder, shape (n,)."""
    return read_wav(folder.parent / file.path)


def read_wav(path: Path) -> Samples:
    """Reads a mono WAV file of 16 bits, shape (n,), full scale 1.0."""
    with wave.open(str(path), "rb") as source:
        pcm = np.frombuffer(source.readframes(source.getnframes()), "<i2")
    return pcm.astype(np.float32) / np.float32(32768)


def originals_at_full_scale(folder: Path, shortest: int) -> list[Samples]:
    """Reads the originals of at least so many samples, at full scale."""
    loaded = [load(folder, each) for each in originals(folder)]
    return [samples * np.float32(0.9 / np.abs(samples).max()) for samples in loaded if len(samples) >= shortest]


def copy_of(original: CorpusFile, family: str, system: str) -> CorpusFile:
    """Describes the copy of a recording by a system."""
    name = f"{system}_{Path(original.path).name}"
    return replace(original, path=name, label=SPOOF, family=family, system=system, source=original.path)
