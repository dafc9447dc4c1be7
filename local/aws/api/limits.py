"""Limits of routes, as API Gateway's token buckets.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit for all clients together.

    Attributes:
        rate: tokens that come back a second.
        burst: tokens at most.
    """

    rate: float
    burst: int


@dataclass(slots=True)
class TokenBucket:
    """A limit with the requests so far: each takes a token, and none is served without."""

    limit: RateLimit
    clock: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = float(self.limit.burst), self.clock()

    def take(self) -> bool:
        """Takes a token, if there is one."""
        with self._lock:
            now = self.clock()
            self._tokens = min(self.limit.burst, self._tokens + (now - self._at) * self.limit.rate)
            self._at = now
            taken = self._tokens >= 1
            self._tokens -= taken
        return taken
