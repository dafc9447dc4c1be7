"""Time that may run faster than the clock on the wall."""

import math
import time
from dataclasses import dataclass

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated time, which starts at a full minute.

    Attributes:
        pace: simulated seconds in a real one.
        began: when it started, in real seconds since 1970.
    """

    pace: float
    began: float

    @classmethod
    def start(cls, pace: float) -> "Clock":
        """Starts now."""
        return cls(pace, time.time())

    @property
    def origin(self) -> int:
        """The simulated time at which it started."""
        return math.floor(self.began / MINUTE) * MINUTE

    def simulated(self, real: float) -> float:
        """Returns what it shows at a real time."""
        return self.origin + (real - self.began) * self.pace

    def real(self, simulated: float) -> float:
        """Returns when it shows a simulated time."""
        return self.began + (simulated - self.origin) / self.pace

    def wait(self, simulated: float) -> None:
        """Waits until a simulated time."""
        time.sleep(max(0.0, self.real(simulated) - time.time()))
