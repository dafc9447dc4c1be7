"""Lookups of recordings, and of copies of them, among the recordings of one speaker."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.audio.copies import copied, looped, thinned
from bonafide.audio.fingerprint import Fingerprint
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.manifest import Clip
from training.evaluation.evidence import read
from training.evaluation.replayed.copies import COPIES, RATE, narrow

# Lengths that are cut out of recordings, s; and how much of a recording is copied as a whole.
CUTS = (3, 4, 6)
WHOLE, TRIMMED = 20, 3
# Net speech below which a call is not decided on by default, and below which nothing is compared.
SHORTEST_SPEECH = 1.0
LOOPED_SECONDS, TIMES = (1.0, 1.7), 8


@dataclass(frozen=True, slots=True)
class Found:
    """Result of one lookup.

    Attributes:
        kind: of what was looked up.
        speech_seconds: net speech in it.
        found: whether it was taken for replayed.
    """

    kind: str
    speech_seconds: float
    found: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Recordings of one speaker.

    Attributes:
        bundle: folder of the models, which find the speech.
        clips: of the speaker.
        most: recordings that are copied, at most.
        seed: of everything that is drawn.
    """

    bundle: Path
    clips: Sequence[Clip]
    most: int
    seed: int


@cache
def load(bundle: Path) -> Bundle:
    """Loads the models that find speech, once in a process."""
    return Bundle.load(bundle, liveness=False)


def lookups(work: Work) -> list[Found]:
    """Looks up every recording, every cut and every copy."""
    models = load(work.bundle)
    heard = [narrow(read(each.path)[0]) for each in work.clips]
    known = [thinned(_fingerprint(models, each)) for each in heard]
    return [*_others(models, heard, known), *_copies(models, heard, known, work)]


def _others(models: Bundle, heard: Sequence[Samples], known: Sequence[Fingerprint]) -> Iterator[Found]:
    """Yields lookups of recordings, and of parts of them, among the others of the speaker."""
    for number, samples in enumerate(heard):
        others = [*known[:number], *known[number + 1 :]]
        parts = {"whole": [samples]} | {f"{seconds} s": _parts(samples, seconds) for seconds in CUTS}
        for kind, each in parts.items():
            for part in each:
                made = _fingerprint(models, part)
                if made.speech_seconds >= SHORTEST_SPEECH and others:
                    yield Found(f"other, {kind}", made.speech_seconds, copied(made, others))
                if kind == "whole":
                    yield Found("other, loop", made.speech_seconds, looped(made))


def _copies(models: Bundle, heard: Sequence[Samples], known: Sequence[Fingerprint], work: Work) -> Iterator[Found]:
    """Yields lookups of copies among all recordings of the speaker, and among those that they are no copies of."""
    generator = np.random.default_rng(work.seed)
    for number, samples in enumerate(heard[: work.most]):
        others = [*known[:number], *known[number + 1 :]]
        for kind, part in (("whole", samples[: WHOLE * RATE]), ("3 s of it", _cut(samples, TRIMMED, generator))):
            spoken = _fingerprint(models, part).speech_seconds
            if spoken < SHORTEST_SPEECH:
                continue
            for name, copy in COPIES.items():
                made = _fingerprint(models, copy(part, generator))
                yield Found(f"{name}, {kind}", spoken, copied(made, known))
                if others:
                    yield Found(f"other, {name}, {kind}", spoken, copied(made, others))
            yield Found(f"backwards, {kind}", spoken, copied(_fingerprint(models, part[::-1]), known))
        for seconds in LOOPED_SECONDS:
            second = _cut(samples, seconds, generator)
            made = _fingerprint(models, np.tile(second, TIMES))
            if made.speech_seconds >= SHORTEST_SPEECH:
                yield Found(f"{seconds} s, {TIMES} times", made.speech_seconds, looped(made))


def _fingerprint(models: Bundle, samples: Samples) -> Fingerprint:
    return models.fingerprint(models.find_speech(Waveform(np.ascontiguousarray(samples, np.float32), RATE)))


def _parts(samples: Samples, seconds: int) -> list[Samples]:
    length = seconds * RATE
    return [samples[at : at + length] for at in range(0, len(samples) - length + 1, length)]


def _cut(samples: Samples, seconds: float, generator: np.random.Generator) -> Samples:
    length = round(seconds * RATE)
    start = int(generator.integers(0, max(1, len(samples) - length)))
    return samples[start : start + length]


def by_speaker(clips: Sequence[Clip]) -> Mapping[str, Sequence[Clip]]:
    """Groups recordings by their speakers."""
    own: dict[str, list[Clip]] = defaultdict(list)
    for each in clips:
        own[each.speaker].append(each)
    return own
