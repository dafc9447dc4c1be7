"""The retry policy: which answers are transient, and the pauses between attempts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from http import HTTPStatus

from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

# Every request may be repeated: chunks have numbers, PUT replaces, POST carries an Idempotency-Key.
TRANSIENT = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
# Codes of a 409 that goes away by itself.
IN_PROGRESS = frozenset({"request_in_progress", "domain_deleting"})


@dataclass(frozen=True)
class RetryBudget:
    """Bounds of the time that is spent on repeating a request.

    Attributes:
        seconds: after which no other attempt is begun; 0 for a single attempt.
        base: bound of the first pause, seconds; it doubles with every attempt.
        longest: bound of all pauses, seconds.
    """

    seconds: float = 60.0
    base: float = 0.2
    longest: float = 8.0

    def begin(self) -> JitteredRetry:
        """Returns the state of a request that was not sent yet."""
        return JitteredRetry(
            total=None,
            allowed_methods=None,
            status_forcelist=TRANSIENT,
            backoff_factor=self.base,
            backoff_max=self.longest,
        )


DEFAULT_BUDGET = RetryBudget()
NO_RETRIES = RetryBudget(seconds=0.0)


class JitteredRetry(Retry):
    """`urllib3.Retry` whose pauses are anything up to a bound that doubles, so that clients do not come in waves.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    def get_backoff_time(self) -> float:
        """Returns seconds, at random."""
        bound = self.backoff_factor * 2.0 ** min(len(self.history) - 1, 30)
        return random.uniform(0.0, min(self.backoff_max, bound))  # noqa: S311, spreads load, protects nothing

    def pause_seconds(self, retry_after: float) -> float:
        """Returns seconds to wait after the last attempt, never less than Retry-After."""
        return retry_after + self.get_backoff_time()

    def asked(self, header: str | None) -> float:
        """Reads a Retry-After header, in seconds or as a date; 0 if there is none that can be read."""
        try:
            return self.parse_retry_after(header) if header else 0.0
        except InvalidHeader:
            return 0.0
