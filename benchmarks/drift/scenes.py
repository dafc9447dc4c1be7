"""Speakers of a simulation: who was heard before, who calls, and what changes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.drift.traffic import PLAIN, RecordedCaller, window, with_language, with_spoofs
from bonafide.biometrics.drift import ObservedCall

SPOOF_SHARES = (0.3, 0.5, 1.0)

# Draws a window of so many speakers.
type Draw = Callable[[int], list[ObservedCall]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Speakers of one simulation.

    Attributes:
        learned: whose calls make the baseline.
        held_out: whose calls make the windows; the baseline never heard them.
        newcomers: of a language that the baseline never heard.
        spoofs: what the models find in synthetic voices.
        generator: of what is drawn.
    """

    learned: Sequence[RecordedCaller]
    held_out: Sequence[RecordedCaller]
    newcomers: Sequence[RecordedCaller]
    spoofs: Sequence[ObservedCall]
    generator: np.random.Generator

    @classmethod
    def of(
        cls, found: Sequence[RecordedCaller], spoofs: Sequence[ObservedCall], generator: np.random.Generator
    ) -> "Scene":
        """Splits speakers in two; those of the second most spoken language, if languages are named, are newcomers."""
        spoken = Counter(each.language for each in found if each.language).most_common()
        coming = spoken[1][0] if len(spoken) > 1 else None
        others = [each for each in found if each.language != coming or coming is None]
        order = [others[index] for index in generator.permutation(len(others))]
        half = len(order) // 2
        newcomers = [each for each in found if coming and each.language == coming]
        return cls(order[:half], order[half:], newcomers, spoofs, generator)

    def plain(self, size: int) -> list[ObservedCall]:
        """Draws a window without a change."""
        return window(self.held_out, size, self.generator)

    def changes(self) -> Mapping[str, Draw]:
        """Returns how a window of each planted change is drawn."""
        kinds = sorted(set(self.held_out[0].calls) - {PLAIN})
        made: dict[str, Draw] = {kind: partial(self._shifted, kind) for kind in kinds}
        for share in SPOOF_SHARES if self.spoofs else ():
            made[f"spoof wave, {share:.0%} of callers"] = partial(self._attacked, share)
        if self.newcomers:
            made[f"language {self._leaving} replaced by {self.newcomers[0].language}"] = self._translated
        return made

    def _shifted(self, kind: str, size: int) -> list[ObservedCall]:
        return window(self.held_out, size, self.generator, kind)

    def _attacked(self, share: float, size: int) -> list[ObservedCall]:
        return with_spoofs(self.plain(size), self.spoofs, share, self.generator)

    def _translated(self, size: int) -> list[ObservedCall]:
        leaving = [each for each in self.held_out if each.language == self._leaving]
        order = self.generator.permutation(len(self.newcomers))
        return with_language(self.plain(size), leaving, [self.newcomers[index] for index in order])

    @property
    def _leaving(self) -> str:
        return Counter(each.language for each in self.held_out).most_common(1)[0][0]
