"""Recordings of one voice and of two, and chunks of sessions, put together from recordings of single speakers."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel, Evidence
from training.corpus.manifest import Clip
from training.corpus.telephone import telephone
from training.evaluation.evidence import LineKind, read
from training.parallel import in_parallel

SHORTEST_TURN_SECONDS = 2.0
# Largest change of a recording's level, dB, to either side.
LEVEL_CHANGE_DB = 6.0
SHORTEST_CHUNK_SECONDS = 0.5


class SpeechKind(StrEnum):
    """Kinds of recordings."""

    ONE = "one voice"
    TURNS = "two in turns"
    HANDOVER = "one, then another"


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a recording.

    Attributes:
        path: of the recording.
        start: seconds from its beginning.
        seconds: length.
        gain_db: by which its level is changed.
    """

    path: Path
    start: float
    seconds: float
    gain_db: float


@dataclass(slots=True)
class Voice:
    """The rest of a speaker's recordings, in random order.

    Attributes:
        clips: paths with their seconds.
        chance: source of randomness.
    """

    clips: list[tuple[Path, float]]
    chance: random.Random
    _at: float = 0.0
    _gain_db: float = field(init=False)

    def __post_init__(self) -> None:
        self.chance.shuffle(self.clips)
        self._change_level()

    def _change_level(self) -> None:
        self._gain_db = self.chance.uniform(-LEVEL_CHANGE_DB, LEVEL_CHANGE_DB)

    def take(self, seconds: float) -> Iterator[Cut]:
        """Takes the next seconds, as many as there are."""
        while seconds > 0 and self.clips:
            path, length = self.clips[0]
            some = min(seconds, length - self._at)
            yield Cut(path, self._at, some, self._gain_db)
            seconds, self._at = seconds - some, self._at + some
            if self._at >= length:
                self.clips.pop(0)
                self._at = 0.0
                self._change_level()


def compose(kind: SpeechKind, voices: Sequence[Voice], chance: random.Random) -> list[Cut]:
    """Puts a recording together from one voice or two; shorter than meant if there is too little of them."""
    first, second = voices
    if kind is SpeechKind.HANDOVER:
        return [*first.take(chance.uniform(5.5, 16.0)), *second.take(chance.uniform(6.5, 12.0))]
    total = chance.uniform(24.0, 34.0)
    if kind is SpeechKind.ONE:
        return list(first.take(total))
    share = chance.uniform(6.5, total / 2)
    number = chance.randint(1, int(share // SHORTEST_TURN_SECONDS))
    turns = zip(divided(total - share, number, chance), divided(share, number, chance), strict=True)
    parts = [part for own, other in turns for part in ((first, own), (second, other))]
    return [cut for voice, seconds in parts for cut in voice.take(seconds)]


def divided(total: float, number: int, chance: random.Random) -> list[float]:
    """Divides seconds at random into turns, none of them shorter than SHORTEST_TURN_SECONDS."""
    spare = total - number * SHORTEST_TURN_SECONDS
    cuts = [0.0, *sorted(chance.uniform(0, spare) for _ in range(number - 1)), spare]
    return [SHORTEST_TURN_SECONDS + after - before for before, after in pairwise(cuts)]


def observe_recordings(recordings: Sequence[Sequence[Cut]], bundle: Path, line: LineKind) -> list[Evidence]:
    """Extracts the evidence of each recording, in parallel, as a call over one line."""
    return in_parallel("recordings", partial(_observe, bundle, line), recordings)


def _observe(bundle: Path, line: LineKind, cuts: Sequence[Cut]) -> Evidence:
    parts = [samples_of(cut) for cut in cuts]
    waveform = Waveform(np.concatenate(parts), _read(cuts[0].path).rate)
    return load(bundle).observe(telephone(waveform) if line is LineKind.TELEPHONE else waveform)


def samples_of(cut: Cut) -> Samples:
    """Reads a part of a recording at its level."""
    whole = _read(cut.path)
    start = round(cut.start * whole.rate)
    part = whole.samples[start : start + round(cut.seconds * whole.rate)]
    return np.asarray(np.clip(part * 10 ** (cut.gain_db / 20), -1.0, 1.0), np.float32)


@cache
def load(bundle: Path) -> Bundle:
    """Opens a bundle without its detector; cached per process."""
    return Bundle.load(bundle, liveness=False)


@cache
def _read(path: Path) -> Waveform:
    return read(path)[0]


def seconds_of(path: Path) -> float:
    """Returns the length of a recording."""
    return _read(path).seconds


def observe_chunks(
    clips: Sequence[Clip], bundle: Path, line: LineKind, seconds: float
) -> Mapping[Path, list[Evidence]]:
    """Extracts the evidence of each chunk of each recording."""
    paths = [clip.path for clip in clips]
    found = in_parallel(f"chunks of {seconds} s", partial(_observe_chunks, bundle, line, seconds), paths)
    return dict(zip(paths, found, strict=True))


def _observe_chunks(bundle: Path, line: LineKind, seconds: float, path: Path) -> list[Evidence]:
    waveform = _read(path)
    sent = telephone(waveform) if line is LineKind.TELEPHONE else waveform
    length, models = round(seconds * sent.rate), load(bundle)
    chunks = [Waveform(sent.samples[at : at + length], sent.rate) for at in range(0, len(sent.samples), length)]
    return [models.observe(each, [Channel.NARROWBAND]) for each in chunks if each.seconds >= SHORTEST_CHUNK_SECONDS]


def by_speaker(clips: Sequence[Clip]) -> Mapping[str, list[Path]]:
    """Groups recordings by who speaks."""
    found: dict[str, list[Path]] = defaultdict(list)
    for clip in clips:
        found[clip.speaker].append(clip.path)
    return found
