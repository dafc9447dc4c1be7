"""Quotas of domains: a token bucket for requests that begin work on audio.

The bucket is kept as one number, as in the generic cell rate algorithm: the time at which it will be full again (ITU-T
I.371, annex A). A token takes 1/rate seconds to come back, so `n` tokens move that time `n/rate` further, and a bucket
that would be full in more than `burst/rate` seconds is empty. All times are microseconds since 1970.
"""

import json
import math
from dataclasses import dataclass
from typing import Self

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """Limit of a domain.

    Attributes:
        requests_per_second: that are let through for good, > 0.
        burst: requests that are let through at once after a pause, at least 1.
    """

    requests_per_second: float
    burst: int

    def cost(self, tokens: int) -> int:
        """Returns the microseconds in which so many tokens come back."""
        return math.ceil(tokens * SECOND / self.requests_per_second)

    def available(self, full_at: int, now: int) -> int:
        """Returns the tokens in a bucket that will be full at a time."""
        room = now + self.cost(self.burst) - max(full_at, now)
        return max(0, math.floor(room * self.requests_per_second / SECOND))

    def seconds_to_token(self, full_at: int, now: int) -> float:
        """Returns the seconds until the bucket has a token."""
        return max(0, full_at - self.cost(self.burst) + self.cost(1) - now) / SECOND

    def to_document(self) -> dict[str, float]:
        """Returns the stored form."""
        return {"requests_per_second": self.requests_per_second, "burst": self.burst}

    def within(self, most: "Quota") -> bool:
        """Tells whether it is no more than another one."""
        return self.requests_per_second <= most.requests_per_second and self.burst <= most.burst


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens that a bucket gave; none and the seconds until there is one; and when it will be full again."""

    tokens: int
    seconds_to_token: float
    full_at: int


@dataclass(frozen=True, slots=True)
class QuotaRules:
    """Quotas by the deployment's configuration.

    Attributes:
        most: a quota may be no more, since the API lets no more through for all domains together.
        default: of domains that have none of their own; None lets them use what the API lets through.
    """

    most: Quota
    default: Quota | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the rules as the stack writes them."""
        document = json.loads(text)
        default = document["default"]
        return cls(Quota(**document["most"]), None if default is None else Quota(**default))
