"""Calls of enrolled people over every condition, and the evidence that the service extracts from them."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.audio.resample import resample
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.voiceprint import Voiceprint
from training.corpus.conditions.condition import LineCondition
from training.corpus.conditions.registry import all_conditions
from training.corpus.files import NARROW, WIDE
from training.corpus.manifest import Clip
from training.evaluation.evidence import read
from training.parallel import in_parallel

CLEAN = "clean"
# Recordings that enroll a person; the next one is the call.
ENROLLED = 3
MOST_OTHERS = 40


@dataclass(frozen=True, slots=True)
class CallMaterial:
    """Material of calls; it is sent to every process.

    Attributes:
        bundle: folder of the models.
        liveness: whether liveness is detected.
        names: of the conditions, without CLEAN.
        others: recordings of people who neither call nor are enrolled, for babble and agents.
    """

    bundle: Path
    liveness: bool
    names: tuple[str, ...]
    others: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class LineCaller:
    """One person, enrolled from clean recordings, and their one call by condition.

    Attributes:
        speaker: the person.
        rate: of the recordings, Hz.
        voiceprint: of the person.
        calls: evidence by the name of the condition, CLEAN among them; those that do not apply to the rate are missing.
    """

    speaker: str
    rate: int
    voiceprint: Voiceprint
    calls: Mapping[str, Evidence]


def callers(
    clips: Sequence[Clip], bundle: Path, names: Sequence[str], most: int, *, liveness: bool
) -> list[LineCaller]:
    """Enrolls and calls for as many speakers as have enough recordings, at most so many, evenly chosen.

    The recordings of the others are what babble and agents are made of.
    """
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_speaker[clip.speaker].append(clip)
    able = [each for each in by_speaker.values() if len(each) > ENROLLED]
    rest = [each[0].path for each in by_speaker.values() if len(each) <= ENROLLED]
    chosen = [able[index] for index in _evenly(len(able), most)]
    others = tuple(rest[index] for index in _evenly(len(rest), MOST_OTHERS))
    material = CallMaterial(bundle, liveness, tuple(names), others)
    return in_parallel("calling", partial(_call, material), [each[: ENROLLED + 1] for each in chosen], at_once=1)


def _evenly(count: int, most: int) -> list[int]:
    return [int(index) for index in np.linspace(0, count, min(count, most), endpoint=False)]


def _call(material: CallMaterial, clips: Sequence[Clip]) -> LineCaller:
    models, waveforms = _load(material.bundle, material.liveness), [read(clip.path)[0] for clip in clips]
    voiceprint = Voiceprint.of([models.observe(each, [Channel.NARROWBAND]) for each in waveforms[:ENROLLED]])
    clean, known = waveforms[-1], _conditions(material.others)
    sent = {name: _sent(clean, known[name], clips[-1].path) for name in material.names}
    heard = {CLEAN: clean, **{name: each for name, each in sent.items() if each}}
    calls = {name: models.observe(each, [Channel.NARROWBAND]) for name, each in heard.items()}
    return LineCaller(clips[0].speaker, clean.rate, voiceprint, calls)


def _sent(clean: Waveform, condition: LineCondition, path: Path) -> Waveform | None:
    """Sends a call over a line; wideband speech over a telephone line is brought to its rate first."""
    generator = np.random.default_rng([zlib.crc32(condition.name.encode()), zlib.crc32(path.name.encode())])
    if clean.rate in condition.rates:
        return Waveform(condition.send(clean.samples, clean.rate, generator), clean.rate)
    if clean.rate != WIDE or NARROW not in condition.rates:
        return None
    return Waveform(condition.send(resample(clean.samples, WIDE, NARROW), NARROW, generator), NARROW)


@cache
def _conditions(others: tuple[Path, ...]) -> Mapping[str, LineCondition]:
    return all_conditions([read(path)[0] for path in others])


@cache
def _load(bundle: Path, liveness: bool) -> Bundle:
    return Bundle.load(bundle, liveness=liveness)
