"""Chooses whose voices are put together."""

import random
from collections.abc import Sequence

from training.corpus.manifest import Clip
from training.evaluation.voices.material import Voice, by_speaker, seconds_of

SEED = 28


class Casting:
    """Chooses speakers at random: one, and another of the same sex where that is known."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.paths = by_speaker(clips)
        self.chance = random.Random(SEED)  # noqa: S311 - nothing secret
        self._sex = {clip.speaker: clip.row.get("sex", "") for clip in clips}

    def pair(self) -> tuple[str, str]:
        """Returns two speakers."""
        first = self.chance.choice(list(self.paths))
        others = [name for name in self.paths if name != first]
        alike = [name for name in others if self._sex[name] == self._sex[first]]
        return first, self.chance.choice(alike or others)

    def voice(self, speaker: str) -> Voice:
        """Returns a voice with all of its recordings."""
        return Voice([(path, seconds_of(path)) for path in self.paths[speaker]], self.chance)
