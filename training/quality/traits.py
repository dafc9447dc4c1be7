"""Traits of a file that have nothing to do with how its voice was made, and must not give its class away."""

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.corpus.rows import CorpusRow
from training.quality.expectations import DataViolation

FRAME_SECONDS = 0.02
QUIET_DB = 45
# Samples that stay at the largest value so long are clipped.
CLIPPED_RUN = 3
FFT = 1024
# A band ends where the average spectrum falls so far below its largest value, dB.
BAND_DB = 60

Wide = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FileTraits:
    """Traits of one file.

    Attributes:
        digest: of the samples, so that a copy under another header is found.
        leading_ms: before anything is louder than 1 % of the peak.
        trailing_ms: after.
        offset: mean over peak.
        level_db: RMS.
        silence: share of quiet frames.
        clipping: share of clipped samples.
        band_hz: where the band ends.
    """

    digest: str
    leading_ms: int
    trailing_ms: int
    offset: float
    level_db: float
    silence: float
    clipping: float
    band_hz: float


def read_samples(folder: Path, row: CorpusRow) -> Wide | DataViolation:
    """Reads one file, shape (n,), full scale 32768; or says why it is not what its row says."""
    file = folder / row.path
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"
    if found != row.sha256:
        return DataViolation("file", row.path, "sha256", found[:12], f"{row.sha256[:12]}: it was changed or truncated")
    try:
        with wave.open(str(file), "rb") as source:
            promised, rate, frames = source.getnframes(), source.getframerate(), source.readframes(source.getnframes())
    except (wave.Error, EOFError) as error:
        return DataViolation("file", row.path, "path", str(error), "a WAV file")
    samples = np.frombuffer(frames[: len(frames) // 2 * 2], "<i2").astype(np.float64)
    if rate != row.rate:
        return DataViolation("file", row.path, "rate", str(rate), str(row.rate))
    if len(samples) != promised or abs(len(samples) / rate - row.seconds) > 0.01:
        found = f"{len(samples) / rate:.2f} s"
        return DataViolation("file", row.path, "seconds", found, f"{row.seconds:.2f}: it is truncated")
    return samples if samples.any() else DataViolation("silence", row.path, "samples", "all 0", "speech")


def traits_of(samples: Wide, rate: int) -> FileTraits:
    """Measures samples, shape (n,), not all 0."""
    size = np.abs(samples)
    loud = np.flatnonzero(size > 0.01 * size.max())
    return FileTraits(
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
        leading_ms=round(int(loud[0]) * 1000 / rate),
        trailing_ms=round(int(len(samples) - 1 - loud[-1]) * 1000 / rate),
        offset=float(samples.mean() / size.max()),
        level_db=float(20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768)),
        silence=_silence(samples, rate),
        clipping=_clipping(size),
        band_hz=_band(samples, rate),
    )


def _silence(samples: Wide, rate: int) -> float:
    length = round(FRAME_SECONDS * rate)
    frames = samples[: max(len(samples) // length, 1) * length]
    power = np.square(frames).reshape(-1, min(length, len(frames))).mean(1) + 1e-9
    return float(np.mean(power < power.max() * 10 ** (-QUIET_DB / 10)))


def _clipping(size: Wide) -> float:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], size >= size.max() - 0.5, [False]])))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= CLIPPED_RUN].sum() / len(size))


def _band(samples: Wide, rate: int) -> float:
    padded = np.pad(samples, (0, max(0, FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[:: FFT // 2] * np.hanning(FFT)
    spectrum = np.square(np.abs(np.fft.rfft(frames))).mean(0)
    smooth = np.convolve(spectrum, np.ones(9) / 9, "same")
    return float(np.flatnonzero(smooth > smooth.max() * 10 ** (-BAND_DB / 10))[-1] * rate / FFT)
