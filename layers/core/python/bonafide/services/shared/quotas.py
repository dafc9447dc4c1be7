"""Quotas of domains: requests beyond them are refused before any work is done for them."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.access.quota import Quota, QuotaRules
from bonafide.errors import InvalidInput, QuotaExceeded, StoreUnavailable, Subject
from bonafide.observability import logger, measurements
from bonafide.ports.quotas import QuotaStore
from bonafide.records.domain import WantedSettings
from bonafide.records.settings.changes import ChangedSettings
from bonafide.services.shared.clock import Clock, utc_now

# Tokens that an environment took and did not use lapse after this time. So the requests that a domain gets through in
# any T seconds are at most burst + rate * (T + 2), however many environments there are; clocks of environments that
# differ by a second make it T + 3.
LEASED_FOR = timedelta(seconds=2)
# An environment takes as many tokens as it used in a second, and of a burst no more than this part.
LARGEST_PART = 10
# Shorter times say nothing about a rate.
SHORTEST = 0.5
# After a failed call the quota is left out for so long, instead of each request waiting for the store.
RETRY_AFTER = timedelta(seconds=2)
MOST_KEPT = 1000
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(slots=True)
class Lease:
    """Tokens that this environment took, or the time until which there are none.

    Attributes:
        quota: that they were taken under.
        tokens: that are left; None for as many as there are requests, since the store did not answer.
        taken_at: when they were taken.
        ends_at: when they lapse.
        full_at: when the bucket will be full, as far as it is known; microseconds since 1970.
        used: how many were used.
    """

    quota: Quota
    tokens: int | None
    taken_at: datetime
    ends_at: datetime
    full_at: int
    used: int = 0

    def is_of(self, quota: Quota, now: datetime) -> bool:
        """Tells whether the lease still says something: under a quota, at a time."""
        # A time before it was taken is that of a clock that was set back.
        return self.quota == quota and self.taken_at <= now < self.ends_at


class Quotas:
    """Counts requests of domains, a few tokens at a time, so that most requests cost no call."""

    def __init__(self, store: QuotaStore, rules: QuotaRules, clock: Clock = utc_now) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._leases: OrderedDict[str, Lease] = OrderedDict()

    def require(self, domain: str, own: Quota | None) -> None:
        """Takes a token of a domain; one without a quota of its own has that of the stage, if there is one.

        Raises:
            QuotaExceeded: there is none; it says when there may be one.
        """
        quota = own or self._rules.default
        if quota is None:
            return
        now = self._clock()
        lease = self._leases.get(domain)
        if lease is None or not lease.is_of(quota, now) or (lease.tokens == 0 and lease.used):
            lease = self._leases[domain] = self._taken(domain, quota, now, lease)
            self._leases.move_to_end(domain)
            if len(self._leases) > MOST_KEPT:
                self._leases.popitem(last=False)
        _use(lease, now)

    def _taken(self, domain: str, quota: Quota, now: datetime, former: Lease | None) -> Lease:
        moment = (now - EPOCH) // timedelta(microseconds=1)
        known = former.full_at if former and former.quota == quota else 0
        try:
            grant = self._store.take(domain, quota, _wanted(quota, now, former), moment, known)
        except StoreUnavailable as error:
            logger.error("quota not read", extra={"error_type": type(error.__cause__).__name__})
            measurements.add(QuotaFailures=1)
            return Lease(quota, None, now, now + RETRY_AFTER, 0)
        valid = LEASED_FOR if grant.tokens else timedelta(seconds=grant.seconds_to_token)
        return Lease(quota, grant.tokens, now, now + valid, grant.full_at)


def _wanted(quota: Quota, now: datetime, former: Lease | None) -> int:
    """Returns the tokens to ask for: what was used in a second lately."""
    if former is None or former.taken_at > now:
        return 1
    lately = former.used / max(SHORTEST, (now - former.taken_at).total_seconds())
    return max(1, min(int(lately), quota.burst // LARGEST_PART))


def _use(lease: Lease, now: datetime) -> None:
    if lease.tokens == 0:
        measurements.add(QuotaRefusals=1)
        raise QuotaExceeded(max(1, math.ceil((lease.ends_at - now).total_seconds())))
    lease.used += 1
    if lease.tokens is not None:
        lease.tokens -= 1


def within[Settings: (WantedSettings, ChangedSettings)](settings: Settings, most: Quota) -> Settings:
    """Returns settings that are wanted for a domain, if their quota is no more than all domains together may use.

    Raises:
        InvalidInput: it is more.
    """
    if settings.quota and not settings.quota.within(most):
        raise InvalidInput(
            "quota_too_high",
            "The API lets less through for all domains together.",
            subject=Subject.QUOTA,
            limit=_text(most),
            found=_text(settings.quota),
        )
    return settings


def _text(quota: Quota) -> str:
    return f"{quota.requests_per_second:g} a second, burst {quota.burst}"
