"""The material of a calibration: recordings cut and sent over lines, and the trials made of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from bonafide.audio.telephone import NARROWBAND_RATE, to_narrowband
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.scoring import CalibratedRange, Condition, compare
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import InvalidInput
from training.calibration.fit import CorpusTrials
from training.corpus.lines import DrawRange, SimulatedLines
from training.corpus.manifest import Clip
from training.evaluation.evidence import load, read
from training.evaluation.metrics import Flags


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """`conf/calibrate.yaml`, which explains each."""

    seed: int
    recordings_per_speaker: int
    crops_seconds: Sequence[float]
    lines_per_recording: int
    lines: SimulatedLines
    enrolment_sizes: Sequence[int]
    targets_per_corpus: int
    nontargets_per_corpus: int
    half_seconds: Mapping[str, float]
    measured: CalibratedRange

    @classmethod
    def of(cls, conf: Mapping[str, Any]) -> Self:
        """Takes the content of the file."""
        document = dict(conf)
        lines = SimulatedLines(**{name: DrawRange(*span) for name, span in document.pop("lines").items()})
        return cls(**document | {"lines": lines, "measured": CalibratedRange(**document["measured"])})


@dataclass(frozen=True, slots=True)
class EvidenceVariant:
    """Evidence of one recording, whole or cut, as it is or over a line.

    Attributes:
        recording: its index.
        speaker: who speaks.
        evidence: with the narrowband embedding, and the wideband one if the speech is wideband.
    """

    recording: int
    speaker: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class EnrolledSide:
    """The enrolled side of trials: a voiceprint and which recordings it was made of."""

    speaker: str
    recordings: frozenset[int]
    voiceprint: Voiceprint


# By condition: the band of the enrollment, the band of the test.
BANDS = {
    Condition.NARROWBAND: (Channel.NARROWBAND, Channel.NARROWBAND),
    Condition.WIDEBAND: (Channel.WIDEBAND, Channel.WIDEBAND),
    Condition.CROSS: (Channel.WIDEBAND, Channel.NARROWBAND),
}


def vary(bundle: Path, settings: CalibrationSettings, numbered: tuple[int, Clip]) -> list[EvidenceVariant]:
    """Extracts evidence from a recording, whole and cut, as it is and over lines; a refused one gives none."""
    index, clip = numbered
    try:
        waveform, _ = read(clip.path)
    except InvalidInput:
        return []
    models = load(bundle)
    generator = np.random.default_rng([settings.seed, index])
    evidence = [models.observe(each, [Channel.NARROWBAND]) for each in _versions(waveform, settings, generator)]
    return [
        EvidenceVariant(index, clip.speaker, each)
        for each in evidence
        if each.speech_seconds >= settings.measured.seconds
    ]


def trials(variants: Sequence[EvidenceVariant], condition: Condition, settings: CalibrationSettings) -> CorpusTrials:
    """Draws trials of a condition from one corpus, never with one recording on both sides."""
    generator = np.random.default_rng(settings.seed)
    enrolled, tested = ([each for each in variants if each.evidence.channel is band] for band in BANDS[condition])
    sides = [side for size in settings.enrolment_sizes for side in _sides(enrolled, size, generator)]
    same = np.array([[side.speaker == test.speaker for test in tested] for side in sides], np.bool_)
    apart = np.array([[test.recording not in side.recordings for test in tested] for side in sides], np.bool_)
    targets = _draw(same & apart, settings.targets_per_corpus, generator)
    others = _draw(~same, settings.nontargets_per_corpus, generator)
    chosen = [(sides[row], tested[column]) for row, column in [*targets, *others]]
    return CorpusTrials(
        comparisons=[compare(side.voiceprint, test.evidence) for side, test in chosen],
        targets=np.arange(len(chosen)) < len(targets),
        pairs=(_pairs(chosen[: len(targets)]), _pairs(chosen[len(targets) :])),
    )


def _versions(waveform: Waveform, settings: CalibrationSettings, generator: np.random.Generator) -> Iterator[Waveform]:
    """Yields the recording, then in the telephone band, then over lines; each whole and cut."""
    narrowed = [to_narrowband(waveform)] if waveform.rate > NARROWBAND_RATE else []
    lines = [settings.lines.send(waveform, generator) for _ in range(settings.lines_per_recording)]
    for version in [waveform, *narrowed, *lines]:
        yield version
        for seconds in settings.crops_seconds:
            if version.seconds > seconds:
                start = int(generator.uniform(0.0, version.seconds - seconds) * version.rate)
                yield Waveform(version.samples[start : start + int(seconds * version.rate)], version.rate)


def _sides(variants: Sequence[EvidenceVariant], size: int, generator: np.random.Generator) -> list[EnrolledSide]:
    """Makes one voiceprint for each variant: it and others of its speaker, each of another recording."""
    by_speaker: dict[str, list[EvidenceVariant]] = defaultdict(list)
    for variant in variants:
        by_speaker[variant.speaker].append(variant)
    parts = [_with_others(each, by_speaker[each.speaker], size, generator) for each in variants]
    return [_enroll(each) for each in parts if len(each) == size]


def _with_others(
    variant: EvidenceVariant, candidates: Sequence[EvidenceVariant], size: int, generator: np.random.Generator
) -> list[EvidenceVariant]:
    chosen = {variant.recording: variant}
    for index in generator.permutation(len(candidates)):
        if len(chosen) == size:
            break
        chosen.setdefault(candidates[index].recording, candidates[index])
    return list(chosen.values())


def _enroll(parts: Sequence[EvidenceVariant]) -> EnrolledSide:
    voiceprint = Voiceprint.of([part.evidence for part in parts])
    return EnrolledSide(parts[0].speaker, frozenset(part.recording for part in parts), voiceprint)


def _draw(possible: Flags, most: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """Draws rows and columns of at most so many of the places that are True."""
    places = np.argwhere(possible)
    if len(places) > most:
        places = places[generator.choice(len(places), most, replace=False)]
    return [(int(row), int(column)) for row, column in places]


def _pairs(chosen: Sequence[tuple[EnrolledSide, EvidenceVariant]]) -> int:
    """Counts distinct pairs of recordings, whatever was done to them."""
    return len({frozenset((first, test.recording)) for side, test in chosen for first in side.recordings})
