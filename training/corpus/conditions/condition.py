"""A condition: a named change that a line, a device or a place makes to speech, of one kind and strength."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bonafide.audio.waveform import Samples
from training.corpus.files import NARROW, WIDE

Change = Callable[[Samples, int, np.random.Generator], Samples]
BOTH = (NARROW, WIDE)


@dataclass(frozen=True, slots=True)
class LineCondition:
    """A named change of speech; nothing of it knows the label, so that both classes go through the same.

    Attributes:
        name: kind and strength, as in tables.
        group: the kind that it is counted with.
        rates: of the samples that it applies to, Hz.
        change: of samples at a rate, with all randomness from the generator; may return a few samples more or less.
        seconds_before: sound that it puts before the speech.
    """

    name: str
    group: str
    rates: tuple[int, ...]
    change: Change
    seconds_before: float = 0.0

    def send(self, samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
        """Sends speech through it; returns as many samples, and those before the speech, within full scale.

        Raises:
            ValueError: it does not apply to the rate.
        """
        if rate not in self.rates:
            raise ValueError(f"{self.name} applies to {self.rates} Hz, not to {rate}")
        length = len(samples) + round(self.seconds_before * rate)
        sent = self.change(samples, rate, generator)[:length]
        return np.clip(np.pad(sent, (0, length - len(sent))), -1.0, 32767 / 32768).astype(np.float32)
