"""Token buckets of domains in memory."""

import threading

from bonafide.access.quota import Grant, Quota


class MemoryQuotaStore:
    """`QuotaStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: dict[tuple[str, Quota], int] = {}

    def take(self, domain: str, quota: Quota, tokens: int, now: int, full_at: int) -> Grant:
        """See `QuotaStore`."""
        with self._lock:
            known = self._full_at.get((domain, quota), 0)
            taken = min(tokens, quota.available(known, now))
            if not taken:
                return Grant(0, quota.seconds_to_token(known, now), known)
            self._full_at[domain, quota] = full_at = max(known, now) + quota.cost(taken)
            return Grant(taken, 0.0, full_at)
