"""Time that may run faster than the clock on the wall."""

import math
import time
from dataclasses import dataclass, replace
from typing import Self

MINUTE = 60


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """Simulated time, which starts at a full minute.

    Attributes:
        pace: simulated seconds in a real one.
        began: when it started, in real seconds since 1970; later by as much as it stood still.
        origin: the simulated time at which it started.
    """

    pace: float
    began: float
    origin: int

    @classmethod
    def start(cls, pace: float) -> Self:
        """Starts now."""
        now = time.time()
        return cls(pace, now, math.floor(now / MINUTE) * MINUTE)

    def standing_still(self, simulated: float) -> Self:
        """Returns it as one that has not yet gone past a simulated time."""
        return replace(self, began=self.began + max(0.0, time.time() - self.real(simulated)))

    def simulated(self, real: float) -> float:
        """Returns what it shows at a real time."""
        return self.origin + (real - self.began) * self.pace

    def real(self, simulated: float) -> float:
        """Returns when it shows a simulated time."""
        return self.began + (simulated - self.origin) / self.pace

    def wait(self, simulated: float) -> None:
        """Waits until a simulated time."""
        time.sleep(max(0.0, self.real(simulated) - time.time()))
