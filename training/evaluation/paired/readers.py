"""The material that every machine can get: volunteers who read aloud, copies of them, and a synthetic voice.

    python -m training.evaluation.paired.readers [--most N] [--out FOLDER]

Passages of the pinned source package are cut into pieces. Each piece is copied by the WORLD vocoder (Morise et al.
2016) and by estimating phases from magnitudes (Griffin and Lim 1984). `pitch` is a reader's, estimated: the package
says nothing of their sex. The recordings stay in .build.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyworld
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE, Reader, load, wav
from layers.packages import TORTOISE
from training.evaluation.paired.material import MANIFEST

OUT = Path(".build/training/readers")
PIECE_SECONDS = 4.0
# Between the usual pitch of men and of women.
HIGH_HERTZ = 160.0
FRAME, HOP, ROUNDS = 512, 128, 24
COLUMNS = ("path", "speaker", "sex", "language", "pitch", "source", "licence", "label", "system", "attack", "use")

type Wide = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a passage.

    Attributes:
        name: of its file, without suffix.
        samples: at RATE, shape (n,).
    """

    name: str
    samples: Samples


def write_readers(out: Path = OUT, most: int | None = None) -> Path:
    """Writes recordings with their manifest, unless they are there; returns the folder.

    Args:
        out: the folder.
        most: pieces that are enough, of whole readers; None takes those of all.
    """
    if (out / MANIFEST).exists():
        return out
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Mapping[str, str]] = []
    for reader in load().values():
        if most is None or len(rows) < most * (1 + len(COPIES)):
            rows += _written(reader, out)
    with (out / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return out


def pieces(passages: Sequence[Samples], name: str) -> list[Piece]:
    """Cuts passages into parts of PIECE_SECONDS; what is left over at the end of one is dropped."""
    size = round(PIECE_SECONDS * RATE)
    return [
        Piece(f"{name}-{number}-{start // size}", passage[start : start + size])
        for number, passage in enumerate(passages)
        for start in range(0, len(passage) - size + 1, size)
    ]


def world(samples: Samples) -> Samples:
    """Copies speech by the WORLD vocoder."""
    wide = samples.astype(np.float64)
    copied = pyworld.synthesize(*pyworld.wav2world(wide, RATE), RATE)
    return np.asarray(copied[: len(samples)], np.float32)


def phases(samples: Samples) -> Samples:
    """Copies speech by estimating its phases from the magnitudes of its spectrum."""
    window = np.hanning(FRAME + 1)[:-1]
    magnitudes = np.abs(_spectrum(samples.astype(np.float64), window))
    spectrum = magnitudes * np.exp(2j * np.pi * np.random.default_rng(1).random(magnitudes.shape))
    for _ in range(ROUNDS):
        found = _spectrum(_signal(spectrum, window, len(samples)), window)
        spectrum = magnitudes * found / np.maximum(np.abs(found), 1e-12)
    return np.asarray(_signal(spectrum, window, len(samples)), np.float32)


COPIES: Mapping[str, Callable[[Samples], Samples]] = {"world": world, "phases": phases}


def _written(reader: Reader, out: Path) -> Iterator[Mapping[str, str]]:
    pitch = "high" if _hertz(reader.call) > HIGH_HERTZ else "low"
    source = {"source": f"pypi:{TORTOISE.name}", "licence": TORTOISE.licence, "language": "en", "use": "eval"}
    about = {"speaker": reader.name, "pitch": pitch, **source}
    for piece in pieces(reader.clips, reader.name):
        yield {"path": _write(out, piece.name, piece.samples), "label": "bonafide", **about}
        for name, copy in COPIES.items():
            path = _write(out, f"{piece.name}-{name}", copy(piece.samples))
            yield {"path": path, "label": "spoof", "system": name, "attack": "vocoder", **about}


def _write(out: Path, name: str, samples: Samples) -> str:
    (out / f"{name}.wav").write_bytes(wav(np.clip(samples, -1.0, 1.0)))
    return f"{name}.wav"


def _hertz(samples: Samples) -> float:
    """Returns the median pitch where there is one."""
    pitch, _ = pyworld.dio(samples.astype(np.float64), RATE)
    return float(np.median(pitch[pitch > 0]))


def _spectrum(samples: Wide, window: Wide) -> NDArray[np.complex128]:
    """Returns spectra of frames, shape (frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, FRAME), FRAME)[::HOP]
    return np.fft.rfft(frames * window)


def _signal(spectrum: NDArray[np.complex128], window: Wide, count: int) -> Wide:
    """Returns the samples that fit the spectra best, shape (count,)."""
    frames = np.fft.irfft(spectrum, FRAME) * window
    total, weights = np.zeros(count + 2 * FRAME), np.full(count + 2 * FRAME, 1e-9)
    for number, frame in enumerate(frames):
        part = slice(number * HOP, number * HOP + FRAME)
        total[part] += frame
        weights[part] += window**2
    samples: Wide = (total / weights)[FRAME : FRAME + count]
    return samples


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Write the recordings of readers, and copies of them.")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--most", type=int, help="pieces that are enough, of whole readers")
    arguments = parser.parse_args()
    print(write_readers(arguments.out, arguments.most))


if __name__ == "__main__":
    main()
