"""Extracts evidence from recordings, in parallel, through the path that serves.

A recording that the service refuses for its length is made to fit first, and counted: an evaluation is of voices.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial
from math import ceil
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import SHORTEST_SPEECH_SECONDS, Bundle, DetectedSpeech
from bonafide.audio.decode import LONGEST_SECONDS, SHORTEST_SECONDS, decode
from bonafide.audio.formats import flac, linear, wav
from bonafide.audio.g711 import Pcm
from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.errors import InvalidInput, UnsupportedAudio
from training.corpus.telephone import telephone
from training.parallel import in_parallel

# Reasons of the service for refusing recordings that can be made to fit.
FITTED = ("audio_too_long", "audio_too_short")


class LineKind(StrEnum):
    """The line between the speaker and the recording that is scored."""

    NATIVE = "native"
    TELEPHONE = "telephone"


class Adjustment(StrEnum):
    """A change to a recording that the service would refuse without it."""

    CUT = "cut_to_60_seconds"
    PADDED = "padded_to_half_a_second"


@dataclass(frozen=True, slots=True)
class RecordingEvidence:
    """Evidence of one recording, or the reason why there is none.

    Attributes:
        evidence: by line; empty when the recording was refused.
        plain: by line, the unit embedding of all samples in their own band, the baseline of a plain toolkit.
        refused: code of the reason, or None.
        changes: adjustments made to it before.
        silent: whether no speech was found, so that the evidence is of all samples.
    """

    evidence: dict[LineKind, Evidence]
    plain: dict[LineKind, FloatVector]
    refused: str | None = None
    changes: frozenset[Adjustment] = frozenset()
    silent: bool = False


def extract(paths: Sequence[Path], bundle: Path, lines: Collection[LineKind]) -> list[RecordingEvidence]:
    """Extracts evidence from every recording, in the order of `paths`, with progress on stderr."""
    return in_parallel("extracting evidence", partial(evidence_of, bundle, sorted(lines)), paths)


def evidence_of(bundle: Path, lines: Sequence[LineKind], path: Path) -> RecordingEvidence:
    """Extracts evidence from one recording on each line."""
    try:
        waveform, changes = read(path)
    except InvalidInput as error:
        return RecordingEvidence({}, {}, refused=error.code)
    models = load(bundle)
    waveforms = {line: telephone(waveform) if line is LineKind.TELEPHONE else waveform for line in lines}
    evidence = {line: models.observe(each, [Channel.NARROWBAND]) for line, each in waveforms.items()}
    return RecordingEvidence(
        evidence={line: scorable(models, waveforms[line], each) for line, each in evidence.items()},
        plain={line: _plain(models, each, evidence[line].quality) for line, each in waveforms.items()},
        changes=changes,
        silent=any(not each.embeddings for each in evidence.values()),
    )


def read(path: Path) -> tuple[Waveform, frozenset[Adjustment]]:
    """Decodes a WAV or FLAC file: the first minute of a long one, and a short one with silence after it.

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
        pcm, rate = (_flac if encoding == "flac" else _wav)(content)
        if not len(pcm):
            raise
    return _fitted(pcm, rate)


@cache
def load(directory: Path) -> Bundle:
    """Opens a bundle; cached per process."""
    return Bundle.load(directory)


def _fitted(pcm: Pcm, rate: int) -> tuple[Waveform, frozenset[Adjustment]]:
    least, most = ceil(SHORTEST_SECONDS * rate), int(LONGEST_SECONDS * rate)
    made = {Adjustment.CUT: len(pcm) > most, Adjustment.PADDED: len(pcm) < least}
    samples = np.pad(pcm[:most], (0, max(0, least - len(pcm)))).astype("<i2")
    changes = frozenset(change for change, needed in made.items() if needed)
    return decode(samples.tobytes(), encoding="pcm_s16le", rate=rate), changes


def _wav(content: bytes) -> tuple[Pcm, int]:
    """Returns samples and their rate."""
    source = wav.parse(content)
    _require_mono(source.channels)
    return linear.expand(source.data, source.encoding, 1, 0), source.rate


def _flac(content: bytes) -> tuple[Pcm, int]:
    """Returns samples, one more than the most that are used, and their rate."""
    native = flac.native(content)
    info = flac.StreamInfo.parse(native)
    _require_mono(info.channels)
    return flac.read(native, info, 0, int(LONGEST_SECONDS * info.rate)), info.rate


def _require_mono(channels: int) -> None:
    if channels != 1:
        raise UnsupportedAudio("audio_channel_required", "A recording must have one channel.")


def scorable(models: Bundle, waveform: Waveform, evidence: Evidence) -> Evidence:
    """Falls back on all samples when no speech was found, since an evaluation scores every trial.

    They count as the shortest speech that is ever embedded, so that no side of a trial is without weight.
    """
    if evidence.embeddings:
        return evidence
    speech = DetectedSpeech.of_all(waveform, evidence.channel, evidence.quality)
    return replace(models.evidence(speech, [Channel.NARROWBAND]), speech_seconds=SHORTEST_SPEECH_SECONDS)


def _plain(models: Bundle, waveform: Waveform, quality: Quality) -> FloatVector:
    channel = Channel.NARROWBAND if waveform.rate == NARROWBAND_RATE else Channel.WIDEBAND
    return models.embed(DetectedSpeech.of_all(waveform, channel, quality), channel)
