"""Simulated time, which may run faster than real time."""

import math
import time
from dataclasses import dataclass, replace
from typing import Self

MINUTE = 60


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """Simulated time, which starts at a full minute.

    Attributes:
        pace: simulated seconds per real second.
        began: real time of the start, in seconds since 1970, moved later by every pause.
        origin: simulated time of the start.
    """

    pace: float
    began: float
    origin: int

    @classmethod
    def start(cls, pace: float) -> Self:
        """Starts a clock now."""
        now = time.time()
        return cls(pace, now, math.floor(now / MINUTE) * MINUTE)

    def frozen_at(self, simulated: float) -> Self:
        """Returns the clock, set back to a simulated time if it has passed that."""
        return replace(self, began=self.began + max(0.0, time.time() - self.real(simulated)))

    def simulated(self, real: float) -> float:
        """Converts real to simulated time."""
        return self.origin + (real - self.began) * self.pace

    def real(self, simulated: float) -> float:
        """Converts simulated to real time."""
        return self.began + (simulated - self.origin) / self.pace

    def wait(self, simulated: float) -> None:
        """Waits until a simulated time."""
        time.sleep(max(0.0, self.real(simulated) - time.time()))
