"""Recordings to evidence, in parallel, through the path that serves."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

from bonafide.adapters.onnx import SHORTEST_SPEECH_SECONDS, Bundle, Speech
from bonafide.audio import flac, wav
from bonafide.audio.decode import LONGEST_SECONDS, decode
from bonafide.audio.telephone import NARROWBAND_RATE, telephone
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.errors import InvalidInput, UnsupportedAudio

PROCESSES = 2


class Line(StrEnum):
    """What lies between the speaker and the recording that is scored."""

    NATIVE = "native"
    TELEPHONE = "telephone"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one recording.

    Attributes:
        evidence: by line; empty when the recording was refused.
        plain: by line, the unit embedding of all samples in their own band: what a toolkit does out of the box.
        refused: code of the reason, or None.
        cut: whether only the first minute was used.
        silent: whether no speech was found, so that the evidence is of all samples.
    """

    evidence: dict[Line, Evidence]
    plain: dict[Line, FloatVector]
    refused: str | None = None
    cut: bool = False
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
        waveform, cut = read(path)
    except InvalidInput as error:
        return Heard({}, {}, refused=error.code)
    models = load(bundle)
    waveforms = {line: telephone(waveform) if line is Line.TELEPHONE else waveform for line in lines}
    evidence = {line: models.observe(each, [Channel.NARROWBAND]) for line, each in waveforms.items()}
    return Heard(
        evidence={line: _scorable(models, waveforms[line], each) for line, each in evidence.items()},
        plain={line: _plain(models, each, evidence[line].quality) for line, each in waveforms.items()},
        cut=cut,
        silent=any(not each.embeddings for each in evidence.values()),
    )


def read(path: Path) -> tuple[Waveform, bool]:
    """Decodes a WAV or FLAC file; the flag tells that it was longer than what is taken and only its start was used.

    Raises:
        InvalidInput: it cannot be used, or has more than one channel.
    """
    content = path.read_bytes()
    encoding = "flac" if content.startswith(b"fLaC") else "wav"
    try:
        return decode(content, encoding=encoding), False
    except UnsupportedAudio as error:
        if error.code != "audio_too_long":
            raise
    return (_start_of_flac if encoding == "flac" else _start_of_wav)(content), True


@cache
def load(directory: Path) -> Bundle:
    """Opens a bundle, once in each process."""
    return Bundle.load(directory)


def _start_of_wav(content: bytes) -> Waveform:
    source = wav.parse(content)
    if source.channels != 1:
        raise UnsupportedAudio("audio_channel_required", "A long recording must have one channel.")
    size = int(LONGEST_SECONDS * source.rate) * (2 if source.encoding == "pcm_s16le" else 1)
    return decode(bytes(source.data[:size]), encoding=source.encoding, rate=source.rate)


def _start_of_flac(content: bytes) -> Waveform:
    info = flac.StreamInfo.parse(content)
    most = int(LONGEST_SECONDS * info.rate)
    samples = flac.read(content, info, 0, most)[:most]
    return decode(samples.astype("<i2").tobytes(), encoding="pcm_s16le", rate=info.rate)


def _scorable(models: Bundle, waveform: Waveform, evidence: Evidence) -> Evidence:
    """Falls back on all samples when no speech was found: in an evaluation every trial is scored.

    They count as the least speech that is ever embedded, so that no side of a trial is without weight.
    """
    if evidence.embeddings:
        return evidence
    speech = Speech.of_all(waveform, evidence.channel, evidence.quality)
    return replace(models.evidence(speech, [Channel.NARROWBAND]), speech_seconds=SHORTEST_SPEECH_SECONDS)


def _plain(models: Bundle, waveform: Waveform, quality: Quality) -> FloatVector:
    channel = Channel.NARROWBAND if waveform.rate == NARROWBAND_RATE else Channel.WIDEBAND
    return models.embed(Speech.of_all(waveform, channel, quality), channel)
