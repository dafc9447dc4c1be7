"""Lookups of voices in lists of others, drawn from recordings: of who is on the list, and of who is not."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.biometrics.evidence import FloatVector
from bonafide.biometrics.watchlists.likeness import LikenessScale
from training.evaluation.metrics import Floats, Indices

PARTS = ("choose", "report")
THIRDS = 3


@dataclass(frozen=True, slots=True)
class SpokenVoice:
    """The voice in one recording.

    Attributes:
        speaker: whose it is.
        vector: unit embedding, shape (dim,).
        seconds: net speech.
    """

    speaker: str
    vector: FloatVector
    seconds: float


def belongs(row: Mapping[str, str], part: str) -> bool:
    """Tells whether a recording is of a part's speakers: a third of those for training chose the numbers."""
    chooses = row.get("use") == "train" and zlib.crc32(row["speaker"].encode()) % THIRDS == 0
    return chooses is (part == "choose")


class Lookups:
    """Draws lookups: each speaker counts alike, whoever has how many recordings."""

    def __init__(
        self,
        voices: Sequence[SpokenVoice],
        scale: LikenessScale,
        seed: int,
        listed: Sequence[SpokenVoice] | None = None,
    ) -> None:
        """Compares all recordings.

        Args:
            voices: in recordings, of those who call.
            scale: of the likeness.
            seed: of the drawing.
            listed: voices in the same recordings, as entries have them; the same unless they are given.
        """
        self.likenesses = likenesses(voices, scale, listed)
        by_speaker: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(voices):
            by_speaker[each.speaker].append(place)
        places = [by_speaker[name] for name in sorted(by_speaker)]
        self._counts: Indices = np.array([len(each) for each in places], np.intp)
        self._begins: Indices = np.cumsum(self._counts) - self._counts
        self._places: Indices = np.concatenate([np.array(each, np.intp) for each in places])
        self._random = np.random.default_rng(seed)

    @property
    def speakers(self) -> int:
        """Number of speakers."""
        return len(self._counts)

    def drawn(self) -> tuple[Indices, Indices]:
        """Draws speakers in random order, of whom the first are on a list; and one recording of each."""
        order: Indices = self._random.permutation(len(self._counts))
        return order, self._recordings(order)

    def stranger(self, size: int) -> tuple[float, int]:
        """Returns the best likeness of somebody who is not on a list, and the index of that speaker."""
        order, drawn = self.drawn()
        return float(self.likenesses[drawn[size], drawn[:size]].max()), int(order[size])

    def listed_caller(self, size: int) -> tuple[float, float, int]:
        """Returns the likeness of somebody on a list to the own entry, the best to another one, and the speaker.

        Only who has another recording can call.
        """
        repeating = np.empty(0, np.intp)
        while not len(repeating):
            order, drawn = self.drawn()
            repeating = np.flatnonzero(self._counts[order[:size]] > 1)
        place = int(self._random.choice(repeating))
        begin, count = self._begins[order[place]], self._counts[order[place]]
        own = self._places[begin : begin + count]
        caller = self._random.choice(own[own != drawn[place]])
        found = self.likenesses[caller, drawn[:size]]
        return float(found[place]), float(np.delete(found, place).max(initial=-np.inf)), int(order[place])

    def _recordings(self, order: Indices) -> Indices:
        """Draws one recording of each of these speakers."""
        return self._places[self._begins[order] + self._random.integers(0, self._counts[order])]


def likenesses(
    voices: Sequence[SpokenVoice], scale: LikenessScale, listed: Sequence[SpokenVoice] | None = None
) -> Floats:
    """Returns the likeness of each voice to each of those that are listed, which are the same by default, (n, m)."""
    calls, entries = (np.stack([each.vector for each in some]) for some in (voices, listed or voices))
    called, entered = (
        scale.trusted(np.array([each.seconds for each in some], np.float32)) for some in (voices, listed or voices)
    )
    found = calls @ entries.T - scale.noise * np.outer(called, entered)
    return np.asarray(found - scale.common(calls)[:, None] - scale.common(entries)[None, :], np.float64)


def best_of_strangers(voices: Sequence[SpokenVoice], scale: LikenessScale, size: int, count: int, seed: int) -> Floats:
    """Returns the best likeness to lists of so many others, of somebody who is not on them, shape (count,)."""
    lookups = Lookups(voices, scale, seed)
    return np.array([lookups.stranger(size)[0] for _ in range(count)])
