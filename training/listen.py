"""Recordings to evidence, in parallel, through the path that serves.

What the service refuses for its length or its bits is made to fit first, and counted: an evaluation is of voices.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import SHORTEST_SPEECH_SECONDS, Bundle, DetectedSpeech
from bonafide.audio import flac, wav
from bonafide.audio.decode import EXPAND, LONGEST_SECONDS, SHORTEST_SECONDS, decode
from bonafide.audio.g711 import Pcm
from bonafide.audio.telephone import NARROWBAND_RATE, telephone
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.errors import InvalidInput, UnsupportedAudio

PROCESSES = 2
# Why the service refuses what can be made to fit.
FITTED = ("audio_too_long", "audio_too_short", "audio_encoding_unsupported")
# WAV encodings that the service does not take, by format tag and bits, and their 16 bits.
WIDE = {(1, 24): "pcm_s24le", (1, 32): "pcm_s32le", (3, 32): "float32le", (3, 64): "float64le"}
TO_16_BITS: Mapping[str, Callable[[memoryview], Pcm]] = {
    "pcm_s24le": lambda data: np.frombuffer(data, np.uint8).reshape(-1, 3)[:, 1:].copy().view("<i2")[:, 0],
    "pcm_s32le": lambda data: np.frombuffer(data, "<i2")[1::2],
    "float32le": lambda data: _of_floats(np.frombuffer(data, "<f4")),
    "float64le": lambda data: _of_floats(np.frombuffer(data, "<f8")),
}


class Line(StrEnum):
    """What lies between the speaker and the recording that is scored."""

    NATIVE = "native"
    TELEPHONE = "telephone"


class Change(StrEnum):
    """What was done to a recording so that the service takes it."""

    CUT = "cut_to_60_seconds"
    PADDED = "padded_to_half_a_second"
    CONVERTED = "converted_to_16_bits"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one recording.

    Attributes:
        evidence: by line; empty when the recording was refused.
        plain: by line, the unit embedding of all samples in their own band: what a toolkit does out of the box.
        refused: code of the reason, or None.
        changes: what was done to it before.
        silent: whether no speech was found, so that the evidence is of all samples.
    """

    evidence: dict[Line, Evidence]
    plain: dict[Line, FloatVector]
    refused: str | None = None
    changes: frozenset[Change] = frozenset()
    silent: bool = False


def listen(paths: Sequence[Path], bundle: Path, lines: Collection[Line]) -> list[Heard]:
    """Takes every recording to evidence, in the order of `paths`, with progress on stderr."""
    return in_parallel("listening", partial(hear, bundle, sorted(lines)), paths)


def in_parallel[A, B](label: str, function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Maps over processes of one thread each, in order, with progress on stderr."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        return list(progress(label, pool.map(function, items, chunksize=4), len(items)))


def progress[T](label: str, items: Iterable[T], total: int) -> Iterator[T]:
    """Passes items on and shows on stderr how far they are: on one line for people, on a few in a log."""
    watched = sys.stderr.isatty()
    looks, start = (100, "\r") if watched else (4, "")
    for count, item in enumerate(items, start=1):
        if count == total or count % max(1, total // looks) == 0:
            end = "" if watched and count < total else "\n"
            sys.stderr.write(f"{start}{label} {count}/{total}{end}")
            sys.stderr.flush()
        yield item


def hear(bundle: Path, lines: Sequence[Line], path: Path) -> Heard:
    """Takes one recording to evidence on each line."""
    try:
        waveform, changes = read(path)
    except InvalidInput as error:
        return Heard({}, {}, refused=error.code)
    models = load(bundle)
    waveforms = {line: telephone(waveform) if line is Line.TELEPHONE else waveform for line in lines}
    evidence = {line: models.observe(each, [Channel.NARROWBAND]) for line, each in waveforms.items()}
    return Heard(
        evidence={line: _scorable(models, waveforms[line], each) for line, each in evidence.items()},
        plain={line: _plain(models, each, evidence[line].quality) for line, each in waveforms.items()},
        changes=changes,
        silent=any(not each.embeddings for each in evidence.values()),
    )


def read(path: Path) -> tuple[Waveform, frozenset[Change]]:
    """Decodes a WAV or FLAC file: the first minute of a longer one, a shorter one than is taken with silence after it.

    Raises:
        InvalidInput: it cannot be used, or has more than one channel.
    """
    content = path.read_bytes()
    encoding = "flac" if content.startswith(b"fLaC") else "wav"
    try:
        return decode(content, encoding=encoding), frozenset()
    except UnsupportedAudio as error:
        if error.code not in FITTED:
            raise
        pcm, rate, bits = (_flac if encoding == "flac" else _wav)(content)
        if not len(pcm):
            raise
    return _fitted(pcm, rate, bits)


@cache
def load(directory: Path) -> Bundle:
    """Opens a bundle, once in each process."""
    return Bundle.load(directory)


def _fitted(pcm: Pcm, rate: int, bits: int) -> tuple[Waveform, frozenset[Change]]:
    least, most = ceil(SHORTEST_SECONDS * rate), int(LONGEST_SECONDS * rate)
    made = {Change.CUT: len(pcm) > most, Change.PADDED: len(pcm) < least, Change.CONVERTED: bits != 16}
    samples = np.pad(pcm[:most], (0, max(0, least - len(pcm)))).astype("<i2")
    changes = frozenset(change for change, needed in made.items() if needed)
    return decode(samples.tobytes(), encoding="pcm_s16le", rate=rate), changes


def _wav(content: bytes) -> tuple[Pcm, int, int]:
    """Samples, their rate, and the bits that each had."""
    source = wav.parse(content, {**wav.ENCODINGS, **WIDE})
    _require_mono(source.channels)
    bits = {name: bits for (_, bits), name in WIDE.items()}
    return {**EXPAND, **TO_16_BITS}[source.encoding](source.data), source.rate, bits.get(source.encoding, 16)


def _flac(content: bytes) -> tuple[Pcm, int, int]:
    """Samples, one more than are taken at most, their rate, and the bits that each had."""
    info = flac.StreamInfo.parse(content)
    _require_mono(info.channels)
    # The sum in the header is of all bits; frames have sums of their own.
    checked = info if info.bits == 16 else replace(info, md5=b"")
    return flac.read(content, checked, 0, int(LONGEST_SECONDS * info.rate)), info.rate, info.bits


def _require_mono(channels: int) -> None:
    if channels != 1:
        raise UnsupportedAudio("audio_channel_required", "A recording must have one channel.")


def _of_floats(samples: NDArray[np.floating]) -> Pcm:
    """What is no number counts as silence."""
    full_scale = np.clip(np.nan_to_num(samples), -1.0, 1.0)
    return np.asarray(np.minimum(np.rint(full_scale * 32768.0), 32767), np.int16)


def _scorable(models: Bundle, waveform: Waveform, evidence: Evidence) -> Evidence:
    """Falls back on all samples when no speech was found: in an evaluation every trial is scored.

    They count as the least speech that is ever embedded, so that no side of a trial is without weight.
    """
    if evidence.embeddings:
        return evidence
    speech = DetectedSpeech.of_all(waveform, evidence.channel, evidence.quality)
    return replace(models.evidence(speech, [Channel.NARROWBAND]), speech_seconds=SHORTEST_SPEECH_SECONDS)


def _plain(models: Bundle, waveform: Waveform, quality: Quality) -> FloatVector:
    channel = Channel.NARROWBAND if waveform.rate == NARROWBAND_RATE else Channel.WIDEBAND
    return models.embed(DetectedSpeech.of_all(waveform, channel, quality), channel)
