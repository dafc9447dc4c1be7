"""Brings bona fide recordings of several collections to one form: 16-bit WAV at 16 or 8 kHz, one level, no codec.

    python -m training.spoof.collect --speech FOLDER/manifest.csv [--speech ...] --voices tortoise-tts-3.0.0.tar.gz

Only rows that may train are taken. Later stages read what is written here and nothing else.
"""

import argparse
import csv
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from training.spoof.channels import NARROW, WIDE, Samples

LONGEST_SECONDS = 12
PEAK = 0.5


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


def voices(archive: Path) -> Iterator[tuple[Recording, Samples]]:
    """The human voices that a source archive of tortoise-tts carries."""
    with tarfile.open(archive) as source:
        names = sorted(name for name in source.getnames() if "/tortoise/voices/" in name and name.endswith(".wav"))
        for number, name in enumerate(names):
            member = source.extractfile(name)
            assert member is not None, "a regular file"
            samples, rate = common(*soundfile.read(io.BytesIO(member.read()), dtype="float32"))
            speaker = f"tortoise:{Path(name).parent.name}"
            path = f"bonafide/tortoise_{number:04d}.wav"
            yield (
                Recording(
                    path, "bonafide", "", "", speaker, "tortoise", "train", "Apache-2.0", archive.name, rate, 0.0
                ),
                samples,
            )


def main() -> None:
    """Writes the recordings and their list."""
    parser = argparse.ArgumentParser(description="Collect bona fide recordings.")
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--voices", type=Path)
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    arguments = parser.parse_args()
    found = [pair for manifest in arguments.speech for pair in speech(manifest)]
    found += list(voices(arguments.voices)) if arguments.voices else []
    written = [keep(arguments.material, recording, samples) for recording, samples in found]
    for stage in ("bonafide", "spoof"):
        chosen = [each for each in written if each.label == stage]
        remember(arguments.material, "bonafide" if stage == "bonafide" else "published", chosen)


if __name__ == "__main__":
    main()
