"""Token buckets of domains."""

from typing import Protocol

from bonafide.access.quota import Grant, Quota


class QuotaStore(Protocol):
    """Token buckets of domains, by name and quota; one that was never used is full."""

    def take(self, domain: str, quota: Quota, tokens: int, now: int, full_at: int) -> Grant:
        """Takes up to so many tokens at once, at least one if there is any.

        Args:
            domain: of the bucket.
            quota: of the domain.
            tokens: that are wanted, at most the burst.
            now: microseconds since 1970.
            full_at: as the bucket was known last, 0 if it was not; saves a write if it is right, and does no harm.

        Raises:
            StoreUnavailable: it is not known whether tokens were taken.
        """
